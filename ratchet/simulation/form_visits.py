"""Visit to a form: the events that a simulated user leaves behind, and their notation as one line.

Add here how a single field is entered, filled in or left, and limits of the notation. The behaviour of each class is in
`ratchet/simulation/traces.py`.
"""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

from ratchet.simulation.vocabulary import COMMON_REASONS, FORM_KINDS, INFORMATION, OWNERS, REASONS

MAX_EVENTS = 25
SHORTEST_MS, LONGEST_MS = 500, 300_000


class Event(NamedTuple):
    """One event. `amount` counts key strokes of an `input` or ms of a `scroll`; only a failed `blur` has a `reason`."""

    verb: str
    name: str = ""
    amount: int = 0
    reason: str = ""

    def __str__(self) -> str:
        if self.verb == "scroll":
            return f"scroll:page({self.amount}ms)"
        if self.verb == "input":
            return f"input:{self.name}(x{self.amount})" if self.amount > 1 else f"input:{self.name}"
        if self.reason:
            return f"blur:{self.name}({self.reason})"
        return f"{self.verb}:{self.name}" if self.name else self.verb


@dataclass
class FormVisit:
    """Visit of one simulated user to a form drawn by `random`; every method appends events to `events`."""

    random: random.Random
    kind: str
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = self.random.random
        self.fields = _form(self.random, self.kind)
        self.pace = self.random.uniform(0.6, 1.6)
        """Amount of typing and length of pauses of this user, relative to the usual."""
        self.grain = 1 if draw() < 0.6 else self.random.choice((10, 100, 500))
        """Resolution of the tracker's times in ms; some trackers round."""
        self.leaves = 1.0 if draw() < 0.75 else 0.85
        """Share of `blur` events that the tracker records."""

    @property
    def room(self) -> int:
        """Number of events that still fit, one kept for the end."""
        return MAX_EVENTS - 1 - len(self.events)

    def scroll(self, least: int, most: int) -> None:
        """Scroll or idle for `least` to `most` ms; short times are more likely."""
        time = least * (most / least) ** self.random.random()
        rounded = int(round(time / self.grain) * self.grain)
        self.events.append(Event("scroll", "page", min(max(rounded, least, SHORTEST_MS), most, LONGEST_MS)))

    def focus(self, name: str) -> None:
        """Enter a field."""
        self.events.append(Event("focus", name))

    def type(self, name: str, least: int = 2, most: int = 26) -> None:
        """Type `least` to `most` keys, scaled by the user's pace."""
        count = (
            self.random.randint(least, most)
            if most < 6
            else self.random.triangular(least, most, least + (most - least) / 3)
        )
        self.events.append(Event("input", name, max(1, round(count * (self.pace if most >= 6 else 1)))))

    def leave(self, name: str, reason: str = "") -> None:
        """Leave a field; a validation error is always recorded."""
        if reason or self.random.random() < self.leaves:
            self.events.append(Event("blur", name, 0, reason))

    def look(self, name: str) -> None:
        """Enter and leave a field without typing."""
        self.focus(name)
        self.leave(name)

    def fill(self, name: str) -> None:
        """Fill in a field without error; sometimes in two attempts, or by choosing from a list with one key."""
        self.focus(name)
        way = self.random.random()
        if way < 0.12:
            self.type(name, 1, 2)
        else:
            self.type(name)
            if way > 0.93:
                self.type(name, 1, 5)
        self.leave(name)

    def progress(self, least: int, most: int, *, pause: float = 0.0, longest_ms: int = 6000) -> list[str]:
        """Fill in `least` to `most` fields without error, pausing before each with probability `pause`.

        Stops early when fewer than 9 events still fit. Returns the fields that follow, at least one.
        """
        count = min(self.random.randint(least, most), len(self.fields) - 1)
        start = self.random.randint(0, len(self.fields) - 1 - count) if self.random.random() < 0.3 else 0
        for name in self.fields[start : start + count]:
            if self.room < 9:
                break
            if self.random.random() < pause:
                self.scroll(500, longest_ms)
            self.fill(name)
        return self.fields[start + count :]

    def finish(self, verb: str = "exit", share: float = 0.97) -> None:
        """End the visit; the tracker misses the `exit` of a share `1 - share` of visits."""
        if verb == "submit" or self.random.random() < share or len(self.events) < 2:
            self.events.append(Event(verb))

    def reason(self) -> str:
        """Return a validation error; common ones are more likely."""
        return self.random.choice(REASONS[:COMMON_REASONS] if self.random.random() < 0.5 else REASONS)

    def information(self, count: int) -> list[str]:
        """Return `count` different information parts of the page."""
        return self.random.sample(INFORMATION, count)


def write_events(events: list[Event]) -> str:
    """Return the line of a trace."""
    return ", ".join(map(str, events))


def _form(random: random.Random, kind: str) -> list[str]:
    """Return the fields of a form of `kind` in order: some of its own, a few borrowed, some with an owner's prefix."""
    own = FORM_KINDS[kind]
    chosen = [name for name in own if random.random() < 0.6]
    if len(chosen) < 4:
        chosen = list(own)
    for _ in range(random.randint(0, 2)):
        chosen.insert(random.randint(0, len(chosen)), random.choice(FORM_KINDS[random.choice(KINDS)]))
    for _ in range(random.choice((0, 0, 1, 1, 2))):
        chosen.insert(random.randint(0, len(chosen)), random.choice(INFORMATION))
    if random.random() < 0.2:
        owner = random.choice(OWNERS)
        first = random.randint(0, len(chosen) - 1)
        for place in range(first, min(first + random.randint(1, 4), len(chosen))):
            chosen[place] = f"{owner}_{chosen[place]}"
    return list(dict.fromkeys(chosen))


KINDS = tuple(FORM_KINDS)
