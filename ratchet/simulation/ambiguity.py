"""Ambiguous visits, which lie between two classes, so that two careful annotators may disagree on them.

Add here a pair of classes that are hard to tell apart, with the behaviour between them. Clear visits are in
`traces.py`.
"""

import random
from collections.abc import Callable

from ratchet.simulation.form_visits import Event, FormVisit
from ratchet.simulation.vocabulary import WHOLE, Vocabulary


def make_ambiguous_events(
    pair: tuple[str, ...],
    random: random.Random,
    kind: str | None = None,
    vocabulary: Vocabulary = WHOLE,
    names: random.Random | None = None,
) -> tuple[list[Event], float]:
    """Return the events of a visit between the two classes of `pair`, and the share of people who call it the first.

    `pair` is one of `HARD_PAIRS` (KeyError for another).
    """
    visit = FormVisit(random, kind or random.choice(vocabulary.kinds), vocabulary, names)
    lean = _BETWEEN[pair](visit)
    return visit.events, lean


def _between_shopping_and_leaving(visit: FormVisit) -> float:
    """Two looks of unlike kind, or reading without end: more looks at offers lean to comparison_shopping."""
    draw = visit.random
    if draw.random() < 0.2:
        times = draw.randint(5, 11)
        for _ in range(times):
            visit.scroll(800, 26_000)
        visit.finish()
        return 0.25 if times < 8 else 0.4
    offers, conditions = visit.information(2, conditions=0.0), visit.information(1, conditions=1.0)
    field = draw.choice(visit.fields)
    names, lean = draw.choice(
        (
            ([offers[0], field, offers[1]], 0.65),
            ([offers[0], conditions[0]], 0.5),
            ([offers[0], conditions[0], field], 0.4),
            ([*visit.choices(1), offers[0]], 0.55),
            ([offers[0], field, offers[0]], 0.35),
        )
    )
    scrolling = draw.random()
    visit.scroll(800, 20_000)
    for name in names:
        visit.look(name)
        if draw.random() < scrolling:
            visit.scroll(800, 26_000)
    visit.finish()
    return lean


def _between_distraction_and_accident(visit: FormVisit) -> float:
    rest = visit.progress(1, 5, pause=0.1, longest_ms=3000)
    if visit.random.random() < 0.5:
        visit.focus(rest[0])
        visit.type(rest[0], 1, 12)
    visit.scroll(9_000, 29_000)
    lean = 0.35 if visit.events[-1].amount < 18_000 else 0.65
    visit.finish()
    return lean


def _between_failing_and_accident(visit: FormVisit) -> float:
    name = visit.progress(2, 5, pause=0.05, longest_ms=2000)[0]
    visit.focus(name)
    visit.type(name)
    visit.leave(name, visit.reason())
    again = visit.random.random() < 0.5
    if again:
        visit.focus(name)
    visit.finish(share=0.9)
    return 0.6 if again else 0.5


def _between_failing_and_distraction(visit: FormVisit) -> float:
    name = visit.progress(1, 4, pause=0.1, longest_ms=4000)[0]
    visit.focus(name)
    visit.type(name)
    visit.leave(name, visit.reason())
    visit.scroll(30_000, 200_000)
    visit.finish()
    return 0.5


_BETWEEN: dict[tuple[str, ...], Callable[[FormVisit], float]] = {
    ("comparison_shopping", "committed_leave"): _between_shopping_and_leaving,
    ("distraction", "accidental_exit"): _between_distraction_and_accident,
    ("validation_error", "accidental_exit"): _between_failing_and_accident,
    ("validation_error", "distraction"): _between_failing_and_distraction,
}
HARD_PAIRS = tuple(_BETWEEN)
"""Pairs of classes that even people confuse."""
