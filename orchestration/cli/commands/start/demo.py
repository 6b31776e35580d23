"""`ratchet demo`: simulated weeks with two promotions, a rollback, a blocked week and a reviewed one; also a self-test.

Add here what the demo shows. Requests and users are simulated by `ratchet/simulation/`; cycles, gateway and promotions
are the real ones.
"""

import sys
import time
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, say, table
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError

_MINUTES = {"encoder": "up to six minutes", "causal": "about half an hour"}


def demo(
    context: typer.Context,
    family: Annotated[
        Literal["encoder", "causal"], typer.Option("--family", help="The family of model to train.")
    ] = "encoder",
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="NAME", help="A causal base other than SmolLM2-135M; the printed time is for that one."
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Play simulated weeks in a folder of their own, and fail where one ends differently than expected."""
    session, started = session_of(context), time.monotonic()
    if base and family == "encoder":
        raise UsageError("--base is for --family causal.", "Add --family causal, or leave --base out.")
    from orchestration.cli.demo.weeks import play
    from ratchet.workflows.demo import SAMPLE, init_demo, need_base, script_of

    script = script_of(family)
    need_base(family, base, lambda line: say(session, line))
    home = init_demo(session.home, family, base)
    say(session, f"demo: simulated weeks of {SAMPLE} in {home.root}, {_MINUTES[family]} on two cores")
    rows: list[dict[str, object]] = []
    wrong = ""
    for scene in script:
        rows += play(session, home, scene)
        if rows[-1]["verdict"] != scene.expected:
            wrong = f"{scene.week} was {rows[-1]['verdict']}, not {scene.expected}"
            break
    # The keys were those of simulated users, whom nobody can ask for them: without keys, this machine may look.
    home.keys.unlink(missing_ok=True)
    # The table is printed before an error, so that a person sees how far the demo came.
    reports = home.reports(SAMPLE)
    command = quote(str(Path(sys.executable).with_name("ratchet")))  # whole, so that it works in any shell
    home_words = f"{command} --home {quote(str(home.root))}"
    following = [
        f"{home_words} serve --open",
        f"make -C {quote(str(Path.cwd()))} dev RATCHET_HOME={quote(str(home.root))}",
        f"{home_words} report {SAMPLE} --week {script[1].week}",
        f"{command} init tickets --labels-from your_golden.jsonl",
    ]
    if json:
        emit_json({"home": str(home.root), "weeks": rows, "reports": str(reports), "next": following})
    else:
        emit("\n" + table(rows))
        emit(f"\nreports: {reports / 'index.html'}\ntook {time.monotonic() - started:.0f} s; try next:")
        emit("\n".join(f"  {line}" for line in following))
    if wrong:
        raise RatchetError(
            f"the demo ended differently than expected: {wrong}.",
            "This is a bug in Ratchet; the logs are in the demo's home.",
            code="demo_failed",
            details={"rows": rows},
        )
    return 0
