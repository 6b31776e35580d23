"""Visits of people who look and hardly type: the classes comparison_shopping and committed_leave.

Both are of any length, with any number of scrolls: only what is looked at, and in which order, tells them apart.
comparison_shopping holds several information parts against each other, or the choices of an offer, and comes back to
earlier ones. committed_leave finds out what is asked or agreed to, reads the page or one part of it, and leaves. Visits
of people who type are in `typing_visits.py`, those between these two in `ambiguity.py`.
"""

from ratchet.simulation.form_visits import FormVisit


def compare_offers(visit: FormVisit) -> None:
    """Look at two or more information parts, one after the other or back and forth, and leave."""
    draw = visit.random
    count = draw.choices((2, 3, 4, 5, 6, 7, 8), (22, 30, 21, 12, 8, 5, 2))[0]
    parts = visit.information(count, conditions=0.1)
    if draw.random() < 0.25:
        chosen = min(draw.randint(1, 3), max(1, count - 1))
        parts[count - chosen :] = visit.choices(chosen)
        draw.shuffle(parts)
    scrolling = draw.choices((0.0, 0.2, 0.5, 0.85), (12, 24, 32, 32))[0]
    order = _order(visit, parts)
    if draw.random() < 0.15:
        order.insert(draw.randint(0, len(order)), draw.choice(visit.fields))
    if draw.random() < max(scrolling, 0.15):
        visit.scroll(800, 20_000)
    visit.leaves = visit.leaves if draw.random() < 0.8 else 0.4
    typing = draw.randrange(len(order)) if draw.random() < 0.12 else -1
    for place, name in enumerate(order):
        if visit.room < 7:
            break
        scrolls = draw.choices((1, 2), (88, 12))[0] if draw.random() < scrolling else 0
        long = draw.random() < 0.03 and place + 2 < len(order)
        visit.read(name, scrolls, 45_000 if long else 26_000)
        if place == typing:
            field = draw.choice(visit.plain_fields)
            visit.focus(field)
            visit.type(field, 1, 5)
            visit.leave(field)
    if draw.random() < 0.25 and visit.room > 0:
        visit.scroll(900, 22_000)
    visit.finish()


def _order(visit: FormVisit, parts: list[str]) -> list[str]:
    """Return the order of looks: a tour, a tour with returns, or back and forth between two."""
    draw, way = visit.random, visit.random.random()
    if (len(parts) == 2 and way < 0.75) or way < 0.2:
        first, second = parts[:2]
        return [first, second, first, second][: draw.randint(2 + (len(parts) == 2), 4)] + parts[2:]
    order = list(parts)
    for _ in range(draw.choice((0, 0, 1, 2)) if way < 0.75 else 0):
        order.append(draw.choice(order[:-1]))
    return order


def decide_against(visit: FormVisit) -> None:
    """Read the page, see what the form asks, or read one information part, and leave on purpose."""
    draw = visit.random
    visit.leaves = visit.leaves if draw.random() < 0.8 else 0.4
    way = draw.random()
    if way < 0.15:
        _read_on(visit, draw.choices((1, 2, 3, 4, 5, 6, 8), (16, 24, 22, 14, 12, 8, 4))[0])
    elif way < 0.62:
        _see_what_is_asked(visit, visit.fields)
    elif way < 0.85:
        _read_one_part(visit)
    else:
        _see_what_is_asked(visit, visit.plain_fields)
        if visit.room > 6:
            _read_one_part(visit)
    visit.finish()


def _read_on(visit: FormVisit, times: int) -> None:
    """Scroll some times in a row, for short or long."""
    for _ in range(min(times, visit.room - 2)):
        visit.scroll(900, 27_000)


def _see_what_is_asked(visit: FormVisit, fields: list[str]) -> None:
    """Go through some of the fields in their order without filling them in."""
    draw = visit.random
    count = min(draw.choices((1, 2, 3, 4, 5, 6, 8), (14, 20, 20, 16, 13, 10, 7))[0], len(fields))
    scrolling = draw.choices((0.1, 0.4, 0.8), (30, 40, 30))[0]
    if draw.random() < 0.7:
        _read_on(visit, draw.choice((1, 1, 1, 2, 3)))
    start = draw.randint(0, len(fields) - count) if draw.random() < 0.4 else 0
    for name in fields[start : start + count]:
        if visit.room < 6:
            break
        visit.read(name, 1 if draw.random() < scrolling else 0, 24_000)
    if draw.random() < 0.15 and visit.room > 4:
        visit.look(draw.choice(fields[start : start + count]))
    if draw.random() < 0.35:
        _read_on(visit, draw.choice((1, 1, 2)))


def _read_one_part(visit: FormVisit) -> None:
    """Read one information part, most often about what one agrees to, and perhaps enter a field before or after."""
    draw = visit.random
    (part,) = visit.information(1, conditions=0.5)
    if draw.random() < 0.7:
        _read_on(visit, draw.choice((1, 1, 2, 3)))
    if draw.random() < 0.25:
        visit.look(draw.choice(visit.plain_fields))
    for _ in range(draw.choices((1, 2, 3), (66, 24, 10))[0]):
        if visit.room < 6:
            break
        visit.read(part, draw.choice((0, 1, 1, 1, 1, 2, 3)), 27_000)
    if draw.random() < 0.3 and visit.room > 4:
        visit.read(draw.choice(visit.plain_fields), 1 if draw.random() < 0.4 else 0, 20_000)
