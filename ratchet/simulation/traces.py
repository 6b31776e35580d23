"""Behaviour of the simulated users of each class, from the first event to the last.

Add a class here, in its own function. Each class has one rule: validation_error fails in one field and does not get
past it; distraction has one gap of 30 s or more near its end; comparison_shopping browses several information parts;
accidental_exit fills evenly, without error or pause; bot types without focus and submits; committed_leave is short and
types nothing. Names and single moves belong in `vocabulary.py` and `form_visits.py`, visits between two classes in
`ambiguity.py`.
"""

import random
from collections.abc import Callable

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.simulation.form_visits import KINDS, MAX_EVENTS, Event, FormVisit, write_events

LABELS = ("validation_error", "distraction", "comparison_shopping", "accidental_exit", "bot", "committed_leave")


def make_events(label: str, random: random.Random, kind: str | None = None) -> list[Event]:
    """Return the 2 to 25 events of one clear visit of class `label` to a form of `kind` (any when None)."""
    if label not in _CLASSES:
        raise RatchetError(
            f"the simulator knows no class {label!r}.",
            nearest(label, LABELS) or f"It knows {', '.join(LABELS)}.",
            code="bad_label",
        )
    visit = FormVisit(random, kind or random.choice(KINDS))
    _CLASSES[label](visit)
    return visit.events


def make_trace(label: str, random: random.Random, kind: str | None = None) -> str:
    """Return the line of one clear visit of class `label`; draws only from `random`.

    Raises `RatchetError` for an unknown class.
    """
    return write_events(make_events(label, random, kind))


def _validation_error(visit: FormVisit) -> None:
    draw = visit.random
    if draw.random() < 0.3:
        visit.scroll(500, 9000)
    name = visit.progress(0, draw.choice((0, 0, 1, 3)), pause=0.12)[0]
    reason = visit.reason()
    tries = draw.choices((1, 2, 3, 4, 5, 6), (14, 34, 28, 14, 6, 4))[0]
    steady = draw.random() < 0.7
    for attempt in range(tries):
        if attempt and visit.room < 8:
            break
        if attempt and draw.random() < 0.2:
            visit.scroll(500, 20_000)
        if attempt and draw.random() < 0.06:
            visit.look(draw.choice([other for other in visit.fields if other != name]))
        if not attempt or draw.random() < 0.93:
            visit.focus(name)
        if reason not in {"required", "mandatory_field"} or draw.random() < 0.3:
            visit.type(name, 1, draw.choice((6, 14, 26)))
        visit.leave(name, reason)
        reason = reason if steady else visit.reason()
    way = draw.random()
    if tries == 1 or way < 0.4:
        visit.focus(name)
        if tries == 1 or way < 0.2:
            visit.type(name, 1, 14)
    elif way < 0.5:
        visit.scroll(500, 9000)
    visit.finish()


def _distraction(visit: FormVisit) -> None:
    draw = visit.random
    if draw.random() < 0.3:
        visit.scroll(500, 8000)
    rest = visit.progress(1 if draw.random() < 0.12 else 2, draw.choice((2, 2, 3, 5)), pause=0.25)
    if draw.random() < 0.08 and visit.room > 10:
        visit.focus(rest[0])
        visit.type(rest[0])
        visit.leave(rest[0], visit.reason())
        visit.fill(rest[0])
    name = rest[-1] if len(rest) == 1 else rest[1]
    way = draw.random()
    entered = way < 0.5
    if entered:
        visit.focus(name)
        if way < 0.33:
            visit.type(name, 1, 16)
    visit.scroll(30_000, 299_000)
    if entered and draw.random() < 0.2:
        visit.leave(name)
    elif draw.random() < 0.1:
        visit.scroll(500, 3000)
    visit.finish()


def _comparison_shopping(visit: FormVisit) -> None:
    draw = visit.random
    parts = visit.information(draw.choices((2, 3, 4, 5, 6, 7), (10, 34, 28, 16, 8, 4))[0])
    scrolls = 0
    if draw.random() < 0.7:
        visit.scroll(1000, 20_000)
    for step in range(max(len(parts), draw.randint(3, 8))):
        if visit.room < 7:
            break
        name = parts[step] if step < len(parts) else draw.choice(parts)
        if step >= len(parts) and draw.random() < 0.3:
            name = draw.choice(visit.fields)
        if draw.random() < 0.8:
            visit.look(name)
        else:
            visit.focus(name)
        if draw.random() < 0.75 or step < 2:
            visit.scroll(1200, 28_000)
            scrolls += 1
    if draw.random() < 0.22:
        name = draw.choice(visit.fields)
        visit.focus(name)
        visit.type(name, 1, 5)
    while scrolls < 3:
        visit.scroll(1200, 28_000)
        scrolls += 1
    visit.finish()


def _accidental_exit(visit: FormVisit) -> None:
    draw = visit.random
    even = draw.randint(3, 16)
    if draw.random() < 0.25:
        visit.scroll(500, 2500)
    count = min(draw.choices((2, 3, 4, 5, 6, 7), (22, 28, 22, 14, 9, 5))[0], len(visit.fields) - 1)
    start = draw.randint(0, len(visit.fields) - 1 - count) if draw.random() < 0.4 else 0
    hesitant = draw.random() < 0.25
    for name in visit.fields[start : start + count]:
        if hesitant and draw.random() < 0.4 and visit.room > 4:
            visit.scroll(500, 1900)
        if visit.room < 5:
            break
        visit.focus(name)
        visit.type(name, max(1, round(even * 0.7)), round(even * 1.4) + 1)
        visit.leave(name)
    way, name = draw.random(), visit.fields[start + count]
    if way < 0.7:
        visit.focus(name)
        if way < 0.55:
            visit.type(name, 1, 9)
    visit.finish(share=0.88)


def _bot(visit: FormVisit) -> None:
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


def _committed_leave(visit: FormVisit) -> None:
    draw = visit.random
    fields = draw.choices((0, 1, 2), (20, 48, 32))[0]
    looked = draw.sample(visit.fields, min(fields, len(visit.fields)))
    if fields < 2 and draw.random() < 0.4:
        looked.insert(draw.randint(0, len(looked)), visit.information(1)[0])
    if not looked or draw.random() < 0.8:
        visit.scroll(1000 if looked else 2500, 27_000)
    if not looked and draw.random() < 0.5:
        visit.scroll(1000, 27_000)
    for name in looked:
        visit.look(name)
        if draw.random() < 0.35:
            visit.scroll(900, 22_000)
    visit.finish()


_CLASSES: dict[str, Callable[[FormVisit], None]] = {
    "validation_error": _validation_error,
    "distraction": _distraction,
    "comparison_shopping": _comparison_shopping,
    "accidental_exit": _accidental_exit,
    "bot": _bot,
    "committed_leave": _committed_leave,
}
