"""Ambiguous visits, which lie between two classes, so that two careful annotators may disagree on them.

Add here a pair of classes that are hard to tell apart, with the behaviour between them. Clear visits are in
`traces.py`.
"""

import random
from collections.abc import Callable

from ratchet.simulation.form_visits import KINDS, Event, FormVisit


def make_ambiguous_events(pair: tuple[str, ...], random: random.Random, kind: str | None = None) -> list[Event]:
    """Return the events of a visit between the two classes of `pair`, one of `HARD_PAIRS` (KeyError for another)."""
    visit = FormVisit(random, kind or random.choice(KINDS))
    _BETWEEN[pair](visit)
    return visit.events


def _between_shopping_and_leaving(visit: FormVisit) -> None:
    visit.scroll(1500, 20_000)
    for name in [*visit.information(2), visit.random.choice(visit.fields)][: visit.random.randint(2, 3)]:
        visit.look(name)
        if visit.random.random() < 0.7:
            visit.scroll(1500, 25_000)
    visit.finish()


def _between_distraction_and_accident(visit: FormVisit) -> None:
    rest = visit.progress(2, 5, pause=0.1, longest_ms=3000)
    if visit.random.random() < 0.5:
        visit.focus(rest[0])
        visit.type(rest[0], 1, 12)
    visit.scroll(9_000, 29_000)
    visit.finish()


def _between_failing_and_accident(visit: FormVisit) -> None:
    name = visit.progress(2, 5, pause=0.05, longest_ms=2000)[0]
    visit.focus(name)
    visit.type(name)
    visit.leave(name, visit.reason())
    if visit.random.random() < 0.5:
        visit.focus(name)
    visit.finish(share=0.9)


_BETWEEN: dict[tuple[str, ...], Callable[[FormVisit], None]] = {
    ("comparison_shopping", "committed_leave"): _between_shopping_and_leaving,
    ("distraction", "accidental_exit"): _between_distraction_and_accident,
    ("validation_error", "accidental_exit"): _between_failing_and_accident,
}
HARD_PAIRS = tuple(_BETWEEN)
"""Pairs of classes that even people confuse."""
