"""`ratchet teach`: save a frontier model's answers to a week's training rows as a teacher's file.

Add here options and output; what is sent and stored is `ratchet/workflows/teacher_labels.py`.
"""

import sys
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.progress import StageProgress
from orchestration.cli.session import session_of

_LEFT_OUT = 3


def teach(
    context: typer.Context,
    name: Name,
    week: Week = "latest",
    file: Annotated[str, typer.Option("--file", help="Name of the file in the folder teachers/.")] = "frontier.jsonl",
    budget: Annotated[
        float | None,
        typer.Option("--budget", min=0, help="Most to spend on this week's teaching; default: frontier.budget."),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--max-texts", min=1, help="Send at most this many training texts; default: all.")
    ] = None,
    one_hot: Annotated[
        float | None,
        typer.Option(
            "--one-hot",
            help="Probability for the label of an answer without log-probabilities; by default it is skipped.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Send the training rows of one week, redacted, to the [frontier] endpoint, and save its answers."""
    session = session_of(context)
    session.home.need(name)
    from ratchet.workflows.teacher_labels import TeacherRequest, teach

    with StageProgress(session, sys.stderr) as progress:
        progress.begin("asking")
        tenth = 0

        def watch(done: int, n: int) -> None:
            nonlocal tenth
            if (now := 10 * done // n) > tenth:
                tenth = now
                progress.note(f"{done} of {n} texts")

        result = teach(session.home, name, week, TeacherRequest(file, budget, most, one_hot), watch)
    if json:
        emit_json(result.as_json())
    else:
        lesson, unsent = result.lesson, result.texts - result.sent
        emit(
            f"{len(lesson.rows)} of {result.texts} training texts of {result.cycle.week} have an answer, saved in"
            f" {result.path}"
        )
        counts = {
            "not sent": unsent, "unanswered": lesson.unanswered, "unusable": lesson.unusable,
            "without log-probabilities": lesson.without_probabilities,
        }  # fmt: skip
        if listed := ", ".join(f"{count} {why}" for why, count in counts.items() if count):
            emit(f"skipped, to be learned by their label only: {listed}")
        emit(printable(result.sentence))
        say(
            session,
            f'next: teacher = "{file}" in a [[candidate]], then ratchet cycle {name} --week {result.cycle.week}',
        )
    return _LEFT_OUT if len(result.lesson.rows) < result.texts else 0
