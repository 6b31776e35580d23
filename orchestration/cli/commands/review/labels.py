"""`ratchet labels`: labels of the file, of live and of the rows with their rules; or one change of them, recorded.

Add here how a line is printed; the steps of a change are `ratchet/workflows/review/labels.py`.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.help import Json, LoggedWhy, Name, need_reason
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError
from ratchet.core.names import nearest
from ratchet.data.label_rules import ACTIONS, ADD, MERGE, RENAME, RETIRE, SPLIT

if TYPE_CHECKING:
    from ratchet.data.label_changes import LabelChange
    from ratchet.storage.home import Home
    from ratchet.workflows.review.labels import LabelOverview

_USAGE = {
    RENAME: "rename OLD NEW",
    MERGE: "merge A B --into C",
    SPLIT: "split OLD --into A,B",
    ADD: "add NEW",
    RETIRE: "retire OLD",
}


def labels(
    context: typer.Context,
    name: Name,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CHANGE]", help=f"One of: {'; '.join(_USAGE.values())}. Without it: the labels."),
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
        change = _read_change(name, words, into)
        return _record(home, name, change, need_reason(why), json)
    if into is not None:
        raise UsageError("--into without a change.", f"ratchet labels {name} {_USAGE[MERGE]} --why TEXT", code="usage")
    from ratchet.workflows.review.labels import show_labels

    found = show_labels(home, name)
    if json:
        emit_json({"classifier": name, **found.as_json()})
        return 0
    emit("\n".join(describe_labels(name, found)))
    return 0


def describe_labels(name: str, found: "LabelOverview") -> list[str]:
    """Return the lines of the terminal."""
    lines = [f"classifier.toml: {printable(', '.join(found.listed))}"]
    if found.live is None:
        lines.append("live: nothing is live")
    else:
        shown = [label if parts == [label] else f"{label} ({_now(parts)})" for label, parts in found.live.items()]
        lines.append(f"live answers: {printable(', '.join(shown))}")
    if found.kept:
        rows = ", ".join(f"{label} ({n})" for label, n in found.kept.items())
        lines.append(f"labelled requests of labels that classifier.toml does not list: {printable(rows)}")
    if found.rules.rules:
        columns = [
            {"rule": r.sequence, "at": f"{r.at:%Y-%m-%d %H:%M}", "by": r.actor, "change": r.sentence, "why": r.why}
            for r in found.rules.rules
        ]
        lines.append(table(columns))
    else:
        lines.append("no rule is recorded")
    if found.fault:
        lines.append(f"fault: {printable(found.fault)}; record what became of it: ratchet labels {name} --help")
    return lines


def _now(parts: list[str]) -> str:
    return f"now {', '.join(parts)}" if parts else "retired"


def _read_change(name: str, words: list[str], into: str | None) -> "LabelChange":
    from ratchet.data.label_changes import LabelChange

    action, named, parts = (
        words[0],
        tuple(words[1:]),
        tuple(each.strip() for each in (into or "").split(",") if each.strip()),
    )
    if action not in ACTIONS:
        known = f"Give one of: {'; '.join(_USAGE.values())}."
        raise UsageError(
            f"{action!r} is not a change of labels.", f"{nearest(action, ACTIONS)} {known}".strip(), code="usage"
        )
    fits = {
        RENAME: len(named) == 2 and into is None,
        MERGE: len(named) >= 1 and len(parts) == 1,
        SPLIT: len(named) == 1 and len(parts) >= 1,
        ADD: len(named) == 1 and into is None,
        RETIRE: len(named) == 1 and into is None,
    }
    if not fits[action] or not all(map(str.strip, named)):
        raise UsageError(
            f"{action} takes other words.", f"ratchet labels {name} {_USAGE[action]} --why TEXT", code="usage"
        )
    old, new = {
        RENAME: (named[:1], named[1:]),
        MERGE: (named, parts),
        SPLIT: (named, parts),
        ADD: ((), named),
        RETIRE: (named, ()),
    }[action]
    return LabelChange(action, old, new)


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
