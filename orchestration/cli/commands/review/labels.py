"""`ratchet labels`: labels of the file, of live and of the rows with their rules; or one change of them, recorded.

Add here what is done with a change; its words and what is printed are in `orchestration/cli/review/`, the steps are
`ratchet/workflows/review/labels.py`.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.help import Json, LoggedWhy, Name, need_reason
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.review.label_change_words import CHANGE_WORDS, read_change
from orchestration.cli.review.labels_output import describe_label_overview
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError
from ratchet.data.label_rules import MERGE

if TYPE_CHECKING:
    from ratchet.data.label_changes import LabelChange
    from ratchet.storage.home import Home


def labels(
    context: typer.Context,
    name: Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHANGE]", help=f"One of: {'; '.join(CHANGE_WORDS.values())}. Without it: the labels."),
    ] = None,
    into: Annotated[
        str | None, typer.Option("--into", metavar="LABELS", help="Of a merge its one label, of a split its labels.")
    ] = None,
    why: LoggedWhy = None,
    json: Json = False,
) -> int:
    """Print the labels and their rules; or record a change of them, once classifier.toml says it."""
    home = session_of(context).home
    home.need(name)
    if words:
        change = read_change(name, words, into)
        return _record(home, name, change, need_reason(why), json)
    if into is not None:
        raise UsageError(
            "--into without a change.", f"ratchet labels {name} {CHANGE_WORDS[MERGE]} --why TEXT", code="usage"
        )
    from ratchet.workflows.review.labels import show_labels

    found = show_labels(home, name)
    if json:
        emit_json({"classifier": name, **found.as_json()})
        return 0
    emit("\n".join(describe_label_overview(name, found)))
    return 0


def _record(home: "Home", name: str, change: "LabelChange", why: str, json: bool) -> int:
    from ratchet.workflows.review.labels import change_labels
    from ratchet.workflows.rollout.nominate import actor

    made = change_labels(home, name, change, why, actor())
    if json:
        emit_json(
            {
                "classifier": name, "rule": made.rule.as_json(), "recorded": made.is_new, "requests": made.requests,
                "queued": made.queued, "notes": made.notes, "next": made.next,
            }
        )  # fmt: skip
        return 0
    word = "recorded" if made.is_new else "recorded before, and nothing was added"
    emit(f"{word}: rule {made.rule.sequence}, {printable(made.rule.sentence)}")
    for note in made.notes:
        emit(f"note: {printable(note)}")
    emit(f"next: {printable(made.next)}")
    return 0
