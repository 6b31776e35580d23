"""`ratchet demo`: three simulated weeks, from logs to two promotions and a blocked bad week. It is also a self-test.

Add here what the demo shows. The people and visits are simulated by `ratchet/simulation/`; cycles and promotions are the real ones.
"""

import time

import typer

from orchestration.cli.diverting import divert_output
from orchestration.cli.manual import Json
from orchestration.cli.output import emit, emit_json, say, table
from orchestration.cli.progress import Progress
from orchestration.cli.session import Session, session_of
from ratchet.cycle import Cycle
from ratchet.errors import RatchetError
from ratchet.stores.demo_home import SAMPLE, SCRIPT, Scene, begin_demo, read_ending
from ratchet.stores.home import Home


def demo(context: typer.Context, json: Json = False) -> int:
    """Play three weeks in a folder of their own."""
    session, started = session_of(context), time.monotonic()
    home = begin_demo(session.home)
    say(session, f"demo: three simulated weeks of {SAMPLE} in {home.root}, up to five minutes on two cores")
    rows: list[dict[str, object]] = []
    wrong = ""
    for scene in SCRIPT:
        rows.append(_play(session, home, scene))
        if rows[-1]["verdict"] != scene.expected:
            wrong = f"{scene.week} was {rows[-1]['verdict']}, not {scene.expected}"
            break
    reports = home.reports(SAMPLE)
    following = [
        f"ratchet --home {home.root} report {SAMPLE} --week {SCRIPT[1].week}",
        f"ratchet --home {home.root} status {SAMPLE}",
        "ratchet init tickets --labels-from your_golden.jsonl",
    ]
    if json:
        emit_json({"home": str(home.root), "weeks": rows, "reports": str(reports), "next": following})
    else:
        emit("\n" + table(rows))
        emit(f"\nreports: {reports / 'index.html'}\ntook {time.monotonic() - started:.0f} s; try next:")
        emit("\n".join(f"  {line}" for line in following))
    if wrong:
        raise RatchetError(
            f"the demo went otherwise than it must: {wrong}.",
            "This is a fault of Ratchet; the logs lie in the demo's home.",
            code="demo_failed",
            details={"rows": rows},
        )
    return 0


def _play(session: Session, home: Home, scene: Scene) -> dict[str, object]:
    """Simulate one week, run its cycle and, when it passed, promote its candidate; the week as a row of the last table."""
    from ratchet.stores.ceremony import nominate, promote

    cycle = Cycle(SAMPLE, scene.week)
    say(session, f"\n{scene.week}: {scene.story}; the log is {home.log(cycle)}")
    scene.write(home)
    say(session, f"simulate: {scene.requests} requests and their corrections are in {home.classifier(SAMPLE)}")
    with divert_output(home.log(cycle)) as talk, Progress(session, talk, heartbeat_s=5.0) as progress:
        from orchestration.cli.running import run_cycle

        outcome = run_cycle(cycle, home, progress)
    verdict, why = "promoted", ""
    if outcome.error is None:
        entry = promote(home, nominate(home, SAMPLE), f"demo: {scene.story}")
        say(session, f"promote: {entry.adapter[:12]} is live")
    else:
        verdict, why = ("blocked" if outcome.error.exit_code == 2 else "failed"), outcome.error.message
        say(session, f"{verdict}: {why}")
    return {"week": str(scene.week), "verdict": verdict, **read_ending(home, cycle, why)}
