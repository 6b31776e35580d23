"""Words after `ratchet labels NAME` that say one change of labels.

Add here another change; the changes are `ratchet/data/label_changes.py`.
"""

from typing import TYPE_CHECKING

from ratchet.core.errors import UsageError
from ratchet.core.names import nearest
from ratchet.data.label_rules import ACTIONS, ADD, MERGE, RENAME, RETIRE, SPLIT

if TYPE_CHECKING:
    from ratchet.data.label_changes import LabelChange

CHANGE_WORDS = {
    RENAME: "rename OLD NEW",
    MERGE: "merge A B --into C",
    SPLIT: "split OLD --into A,B",
    ADD: "add NEW",
    RETIRE: "retire OLD",
}
"""Words of each change, as they are typed."""


def read_change(name: str, words: list[str], into: str | None) -> "LabelChange":
    """Return the change that `words` and `--into` say; raises `UsageError` where they say none."""
    from ratchet.data.label_changes import LabelChange

    action, named, parts = (
        words[0],
        tuple(words[1:]),
        tuple(each.strip() for each in (into or "").split(",") if each.strip()),
    )
    if action not in ACTIONS:
        known = f"Give one of: {'; '.join(CHANGE_WORDS.values())}."
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
            f"{action} takes other words.", f"ratchet labels {name} {CHANGE_WORDS[action]} --why TEXT", code="usage"
        )
    old, new = {
        RENAME: (named[:1], named[1:]),
        MERGE: (named, parts),
        SPLIT: (named, parts),
        ADD: ((), named),
        RETIRE: (named, ()),
    }[action]
    return LabelChange(action, old, new)
