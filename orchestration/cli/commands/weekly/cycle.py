"""`ratchet cycle`: run one week by hand, or forecast it (`--plan`).

Add here options of a cycle; the run itself is `orchestration/cli/run_cycle.py`, the forecast `cycle_plan.py`.
"""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import Session, session_of
from ratchet.core.cycle import Cycle, choose_week, describe_choice, need_known, skip_reason


def cycle(
    context: typer.Context,
    name: Name,
    week: Week = "latest",
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Only show splits, time, fit to targets and statistical power; write nothing."),
    ] = False,
    json: Json = False,
) -> int:
    """Run the job of the schedule for one week, in this process."""
    session = session_of(context)
    if plan:
        from orchestration.cli.commands.weekly.cycle_plan import show_plan

        return show_plan(session, name, week, as_json=json)
    chosen, quiet, choice = _choose(session, name, week)
    if quiet:
        emit_json({"classifier": name, "week": str(chosen.week), "skipped": quiet}) if json else emit(
            f"skipped: {quiet}"
        )
        return 0
    say(session, f"cycle {chosen.classifier} {chosen.week}{choice}; the log is {session.home.log(chosen)}")
    try:
        return _run(session, chosen, as_json=json)
    except KeyboardInterrupt:
        say(session, f"interrupted; 'ratchet cycle {name} --week {chosen.week}' resumes from the last finished epoch.")
        raise


def _choose(session: Session, name: str, word: str) -> tuple[Cycle, str, str]:
    """Return the chosen cycle, after the new files of the landing folders were ingested, why it is skipped, and why it
    was chosen."""
    from ratchet.ingest.examples_alone import cycle_weeks
    from ratchet.ingest.landing import Landing
    from ratchet.ingest.rebuild import open_warehouse
    from ratchet.storage.specs import Specs

    if word not in {"latest", "current"}:  # a word that is not a week fails before the slow intake
        choose_week(name, word, ())
    specs, warehouse = Specs(session.home), open_warehouse(session.home, name)
    spec, _ = specs[name], specs.golden(name)
    for remark in specs.remarks(name):
        say(session, f"remark: {remark}")
    rejected = sum(intake.rejected for intake in Landing(session.home, warehouse).take(spec))
    if rejected:
        say(session, f"{rejected} new row(s) were rejected; see {session.home.rejected(name)}")
    weeks = cycle_weeks(warehouse, name)
    today = datetime.now(UTC).date()
    chosen = choose_week(name, word, weeks, ended_by=today)
    quiet = skip_reason(chosen, weeks, today)
    if not quiet:
        need_known(chosen, weeks, "production log")
    return chosen, quiet, describe_choice(chosen, word, weeks, today)


def _run(session: Session, chosen: Cycle, *, as_json: bool) -> int:
    from orchestration.cli.captured_output import divert_output
    from orchestration.cli.progress import StageProgress
    from ratchet.storage.locks.process_locks import hold_lock

    started, home, name = time.monotonic(), session.home, chosen.classifier
    only_one = hold_lock(home.cycle_lock(name), f"the cycle of {name}", lambda sentence: say(session, sentence))
    with only_one, divert_output(home.log(chosen)) as talk, StageProgress(session, talk) as progress:
        from orchestration.cli.run_cycle import run_cycle

        outcome = run_cycle(chosen, home, progress)
    if outcome.error is not None:
        if session.debug and outcome.error.details.get("traceback"):
            say(session, outcome.error.details["traceback"])
        raise outcome.error
    from ratchet.storage.reports import Reports
    from ratchet.workflows.next_step import find_next_step

    document = Reports(home).read(chosen)
    step = find_next_step(home, chosen, document)
    page = home.report(chosen) / "eval_report.html"
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        stages = {stage.unique_id: stage.status for stage in outcome.stages}
        figures = {key: document[key] for key in ("classifier", "week", "adapter", "live", "verdict", "temperature")}
        more = {"seconds": seconds, "report": str(page), "next": step.command}
        emit_json({**figures, "run_id": outcome.run_id, "stages": stages, **more})
        return 0
    test, golden = (document["metrics"][split] for split in ("test", "golden"))
    emit(document["verdict"]["sentence"])
    emit(
        f"test macro-F1 {test['macro_f1']:.3f}, golden {golden['macro_f1']:.3f}, ECE {test['ece']:.3f}, {seconds:.0f} s"
    )
    emit(f"adapter {document['adapter'][:12]}, report {page}")
    emit(f"figures: ratchet report {chosen.classifier} --week {chosen.week}")
    if step.why:
        emit(step.why)
    emit(f"next: {step.command}")
    return 0
