"""Clear visits of each class, as events or as the line of a trace.

Add a class here, with the behaviour of its visits in `browsing_visits.py`, `typing_visits.py` or below. Names and
single moves belong in `vocabulary.py` and `form_visits.py`, visits between two classes in `ambiguity.py`.
"""

import random
from collections.abc import Callable

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.simulation.browsing_visits import compare_offers, decide_against
from ratchet.simulation.form_visits import MAX_EVENTS, Event, FormVisit, write_events
from ratchet.simulation.typing_visits import be_called_away, be_cut_off, fail_for_good
from ratchet.simulation.vocabulary import WHOLE, Vocabulary

LABELS = ("validation_error", "distraction", "comparison_shopping", "accidental_exit", "bot", "committed_leave")


def make_events(
    label: str,
    random: random.Random,
    kind: str | None = None,
    vocabulary: Vocabulary = WHOLE,
    names: random.Random | None = None,
) -> list[Event]:
    """Return the 2 to 25 events of one clear visit of class `label` to a form of `kind` (any when None).

    Behaviour is drawn from `random`, and names from `names` where it is given.
    """
    if label not in _CLASSES:
        raise RatchetError(
            f"the simulator knows no class {label!r}.",
            nearest(label, LABELS) or f"It knows {', '.join(LABELS)}.",
            code="bad_label",
        )
    visit = FormVisit(random, kind or random.choice(vocabulary.kinds), vocabulary, names)
    _CLASSES[label](visit)
    return visit.events


def make_trace(label: str, random: random.Random, kind: str | None = None, vocabulary: Vocabulary = WHOLE) -> str:
    """Return the line of one clear visit of class `label`; draws only from `random`.

    Raises `RatchetError` for an unknown class.
    """
    return write_events(make_events(label, random, kind, vocabulary))


def _fill_by_script(visit: FormVisit) -> None:
    """Write into fields in document order without entering or leaving them, and submit."""
    draw = visit.random
    last = min(len(visit.fields), MAX_EVENTS - 1)
    count = last if draw.random() < 0.2 else min(draw.randint(1, last), draw.randint(1, last))
    start = draw.randint(0, len(visit.fields) - count)
    way, same, high = (
        draw.random(),
        draw.choice((1, 2, 8, 10, 16, 20, 32, 50, 64, 100, 255)),
        draw.choice((300, 1000, 9999)),
    )
    for name in visit.fields[start : start + count]:
        if way < 0.3:
            keys = same
        elif way < 0.65:
            keys = draw.randint(90, high)
        elif way < 0.85:
            keys = draw.choice((1, 1, draw.randint(80, high)))
        else:
            keys = draw.randint(3, 40)
        visit.events.append(Event("input", name, keys))
    visit.finish("submit")


_CLASSES: dict[str, Callable[[FormVisit], None]] = {
    "validation_error": fail_for_good,
    "distraction": be_called_away,
    "comparison_shopping": compare_offers,
    "accidental_exit": be_cut_off,
    "bot": _fill_by_script,
    "committed_leave": decide_against,
}
