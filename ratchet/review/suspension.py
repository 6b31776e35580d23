"""Suspensions: people whose labels count nowhere until they are reinstated.

Add here rules about who is suspended. The signed file is `ratchet/storage/review/suspensions.py`; the view
`attributed_corrections` of the warehouse leaves their labels out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.config.people import People, persons_by_name

SUSPEND, REINSTATE = "suspend", "reinstate"
ACTIONS = (SUSPEND, REINSTATE)
NOBODY_COUNTS = ""
"""Name that stands for everybody, where the file of suspensions cannot be read: no name of a person is empty."""


@dataclass(frozen=True)
class Suspension:
    """One line of the file: who was suspended or reinstated, by whom, when and why."""

    ts: str
    actor: str
    action: str
    """One of `ACTIONS`."""
    person: str
    why: str
    labels: int = 0
    """Requests that the person had labelled until then."""
    adapters: tuple[Mapping[str, Any], ...] = ()
    """Adapters that had trained on these labels, as `ratchet/workflows/review/trained_on.py` found them."""
    sequence: int = 0


def suspended_after(lines: Iterable[Suspension]) -> dict[str, Suspension]:
    """Return the suspension that stands for each name, after `lines`."""
    result: dict[str, Suspension] = {}
    for line in lines:
        result.pop(line.person, None)
        if line.action == SUSPEND:
            result[line.person] = line
    return result


def names_of(person: str, suspended: Iterable[str], people: People) -> list[str]:
    """Return the suspended names that stand for `person` as `[people]` says now: a name that is mapped to somebody
    later takes its suspension along."""
    known = persons_by_name(people)
    mine = known.get(person, person)
    return [name for name in suspended if name == NOBODY_COUNTS or known.get(name, name) == mine]
