"""Weeks of the demo: each is simulated and run by the job of the schedule, and its candidate advances if it passed.

Add here what happens in a week of the demo; what the weeks hold is `ratchet/workflows/demo.py`, the rollout
`rollout.py`.
"""

from orchestration.cli.captured_output import divert_output
from orchestration.cli.demo.gateway_process import run_gateway
from orchestration.cli.demo.review import adjudicate, answer_complaints, check_trained
from orchestration.cli.demo.rollout import DemoTraffic, make_key
from orchestration.cli.output import say
from orchestration.cli.progress import StageProgress
from orchestration.cli.run_cycle import CycleOutcome, run_cycle
from orchestration.cli.session import Session
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.rollout.ledger_entry import PROMOTE, RELEASE, ROLLBACK
from ratchet.storage.home import Home
from ratchet.workflows.demo import SAMPLE, WIDE_POLICY, Scene, plant_regression, read_ending
from ratchet.workflows.rollout.budget import load_budget
from ratchet.workflows.rollout.nominate import Nominee, nominate, promote, shadow


def play(session: Session, home: Home, scene: Scene) -> list[dict[str, object]]:
    """Simulate one week, run its cycle and let its candidate advance; return its rows of the last table."""
    cycle = Cycle(SAMPLE, scene.week)
    complaints = answer_complaints(session, home) if scene.careless else set[str]()
    say(session, f"\n{scene.week}: {scene.story}; the log is {home.log(cycle)}")
    scene.write(home)
    say(session, f"simulate: {scene.requests} requests and their corrections are in {home.classifier(SAMPLE)}")
    outcome = _run(session, home, cycle)
    row: dict[str, object] = {"week": str(scene.week)}
    if outcome.error is not None:
        blocked = _describe_failure(session, home, cycle, outcome.error, row)
        if not scene.careless:
            return [blocked]
        return [blocked, *_review(session, home, scene, complaints, row)]
    if scene.careless:
        return [{**row, "verdict": "passed at once", **read_ending(home, cycle, "the careless annotator was not seen")}]
    nominee = nominate(home, SAMPLE)
    if not scene.climbs:
        promote(home, nominee, f"demo: {scene.story}")
        say(session, f"Promoted {nominee.adapter[:12]} by hand: first model, nothing to compare with")
        return [{**row, "verdict": "promoted", **read_ending(home, cycle, "")}]
    promoted, rolled_back = _climb(session, home, nominee)
    return [
        {**row, "verdict": "promoted", **read_ending(home, cycle, promoted)},
        {**row, "verdict": scene.expected, "macro-F1": None, "ECE": None, "why": rolled_back},
    ]


def _run(session: Session, home: Home, cycle: Cycle) -> CycleOutcome:
    with divert_output(home.log(cycle)) as talk, StageProgress(session, talk, heartbeat_s=5.0) as progress:
        return run_cycle(cycle, home, progress)


def _describe_failure(
    session: Session, home: Home, cycle: Cycle, error: RatchetError, row: dict[str, object]
) -> dict[str, object]:
    verdict = "blocked" if error.exit_code == BlockedError.exit_code else "failed"
    say(session, f"{verdict}: {error.message}")
    return {**row, "verdict": verdict, **read_ending(home, cycle, error.message)}


def _review(
    session: Session, home: Home, scene: Scene, complaints: set[str], row: dict[str, object]
) -> list[dict[str, object]]:
    """Let a third person decide what the annotators disagree about, and run the same week again."""
    cycle = Cycle(SAMPLE, scene.week)
    adjudicate(session, home, scene)
    outcome = _run(session, home, cycle)
    if outcome.error is not None:
        return [_describe_failure(session, home, cycle, outcome.error, row)]
    trained = check_trained(home, scene, complaints)
    say(session, f"  passed; {trained} of {len(complaints)} answered complaints are in its training set")
    return [{**row, "verdict": "passed", **read_ending(home, cycle, "after its batch was reviewed")}]


def _climb(session: Session, home: Home, nominee: Nominee) -> tuple[str, str]:
    """Shadow, climb and release the nominee under a gateway, then inject a bad adapter; return both decisions."""
    shadow(home, nominee)
    log = home.classifier(SAMPLE) / "logs" / "gateway.log"
    say(session, WIDE_POLICY)
    say(session, f"Shadow: {nominee.adapter[:12]} also answers every request; users see only live. Gateway log: {log}")
    key = make_key(home)
    with run_gateway(home, log, max_shadow_load=1.0) as url:  # at 1.0 a busy live model never holds shadows back
        stage = DemoTraffic(session, home, url, key)
        promoted = stage.play_until(PROMOTE)
        say(
            session,
            f"Promoted by evidence: {stage.labelled} labels, all of them asked for by the review queue;"
            f" {load_budget(home, SAMPLE).sentence}",
        )
        stage.play_until(RELEASE)
        bad = plant_regression(home)[:12]
        say(
            session,
            f"Injecting a bad adapter (two labels swapped) straight into live, to show the automatic rollback: {bad}",
        )
        say(session, f"No evidence proves it, so it counts as an override: {load_budget(home, SAMPLE).sentence}")
        rolled_back = stage.play_until(ROLLBACK)
        say(session, f"Rolled back on {stage.labelled} labels")
        return promoted, rolled_back
