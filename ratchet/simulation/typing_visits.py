"""Visits of people who fill in the form: the classes validation_error, distraction and accidental_exit.

Each has one rule. validation_error: a field fails and is never accepted. distraction: progress, then one gap of 30 s or
more, after which nothing is filled in. accidental_exit: progress without pause, cut off. All three are of any length,
and a field that failed and was then accepted says nothing against the last two. Visits of people who only look are in
`browsing_visits.py`.
"""

from ratchet.simulation.form_visits import FormVisit

_EMPTY = frozenset({"required", "mandatory_field", "must_accept", "incomplete"})


def fail_for_good(visit: FormVisit) -> None:
    """Fail in one field, or in two that belong together, and leave without having passed it."""
    draw = visit.random
    visit.glance(0.3)
    rest = visit.progress(0, draw.choice((0, 0, 1, 3)), pause=0.15, stumbles=0.08)
    name, other = rest[0], rest[1] if len(rest) > 1 and draw.random() < 0.14 else ""
    reason, steady = visit.reason(), draw.random() < 0.7
    before = sum(bool(event.reason) for event in visit.events)
    tries = draw.choices((1, 2, 3, 4, 5, 6), (12, 33, 29, 15, 7, 4))[0]
    for attempt in range(tries):
        if attempt and visit.room < 9:
            break
        if attempt:
            _hesitate(visit, name, rest)
        field = other if other and attempt % 2 else name
        if not attempt or draw.random() < 0.9:
            visit.focus(field)
        if reason not in _EMPTY or draw.random() < 0.3:
            visit.type(field, 1, draw.choice((6, 14, 26)))
        visit.leave(field, reason)
        reason = reason if steady else visit.reason()
    _give_up(visit, name, single=sum(bool(event.reason) for event in visit.events) == before + 1)
    visit.finish()


def _hesitate(visit: FormVisit, failing: str, rest: list[str]) -> None:
    """Wait, look elsewhere, or fill in a later field between two attempts."""
    way, others = visit.random.random(), [name for name in rest if name != failing]
    if way < 0.2:
        visit.scroll(500, 20_000)
    elif way < 0.23:
        visit.scroll(30_000, 90_000)  # a search for the card or the password
    elif way < 0.29 and others:
        visit.look(visit.random.choice(others))
    elif way < 0.33 and others and visit.room > 12:
        visit.fill(others[0])
    elif way < 0.35:
        visit.look(visit.information(1, conditions=0.5)[0])


def _give_up(visit: FormVisit, name: str, *, single: bool) -> None:
    """Enter the field once more, look at the page, or leave at once; after a single failure one has tried again."""
    way = visit.random.random()
    if single or way < 0.35:
        visit.focus(name)
        if single or way < 0.18:
            visit.type(name, 1, 14)
        if single and way < 0.5:
            visit.scroll(1500, 20_000)
    elif way < 0.5:
        visit.scroll(500, 15_000)


def be_called_away(visit: FormVisit) -> None:
    """Make progress, pause for 30 to 300 s somewhere late, and fill in nothing more."""
    draw = visit.random
    visit.glance(0.25)
    rest = visit.progress(
        draw.choice((0, 1, 1, 2)), draw.choice((2, 2, 3, 5)), pause=0.3, longest_ms=12_000, stumbles=0.1
    )
    typed = any(event.verb == "input" for event in visit.events)
    name, way = rest[0], draw.random()
    entered = not typed or way < 0.5
    if entered:
        visit.focus(name)
        if way < 0.33 or (not typed and way < 0.9):
            visit.type(name, 1, 16)
    if draw.random() < 0.1:
        visit.scroll(2000, 28_000)
    visit.scroll(30_000, 299_000)
    if draw.random() < 0.06:
        visit.scroll(30_000, 120_000)
    _return_briefly(visit, name, rest, entered=entered)
    visit.finish(share=0.93)


def _return_briefly(visit: FormVisit, name: str, rest: list[str], *, entered: bool) -> None:
    """Leave the field, scroll or look once more after the gap, without filling in anything."""
    draw = visit.random
    if entered and draw.random() < 0.25:
        visit.leave(name)
    way = draw.random()
    if way < 0.1:
        visit.scroll(500, 6000)
    elif way < 0.17:
        visit.focus(draw.choice(rest))


def be_cut_off(visit: FormVisit) -> None:
    """Fill in fields quickly and evenly, and be cut off, often in the middle of a field."""
    draw = visit.random
    even = draw.randint(3, 16)
    if draw.random() < 0.25:
        visit.scroll(500, 2500)
    if draw.random() < 0.05:
        visit.look(visit.information(1)[0])
    count = min(draw.choices((1, 2, 3, 4, 5, 6, 7), (10, 22, 25, 19, 12, 8, 4))[0], len(visit.fields) - 1)
    start = draw.randint(0, len(visit.fields) - 1 - count) if draw.random() < 0.4 else 0
    hesitant = draw.random() < 0.25
    stumbling = draw.randrange(count) if draw.random() < 0.1 else -1
    for place, name in enumerate(visit.fields[start : start + count]):
        if hesitant and draw.random() < 0.4 and visit.room > 4:
            visit.scroll(500, 1900)
        if visit.room < 8:
            break
        if place == stumbling and count > 1 and place < count - 1:
            visit.stumble(name)
        else:
            visit.fill(name, max(1, round(even * 0.7)), round(even * 1.4) + 2)
    way, name = draw.random(), visit.fields[start + count]
    if way < 0.7:
        visit.focus(name)
        if way < 0.55:
            visit.type(name, 1, 9)
    visit.finish(share=0.88)
