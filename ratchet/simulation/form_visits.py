"""Visit to a form: the events that a simulated user leaves behind, and their notation as one line.

Add here how a single field is entered, filled in or left, and limits of the notation. The behaviour of each class is in
`browsing_visits.py` and `typing_visits.py`; the language is described in `data/form_abandonment/form_events.md`.
"""

from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from ratchet.simulation.name_parts import COMMON_REASONS
from ratchet.simulation.vocabulary import WHOLE, Vocabulary

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

    random: Random
    kind: str
    vocabulary: Vocabulary = WHOLE
    names: Random | None = None
    """Generator of the names, where it is another one: the same behaviour then meets other names."""
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        draw = self.random.random
        self.namer = self.names or self.random
        self.fields = self.vocabulary.form(self.namer, self.kind)
        self.pace = self.random.uniform(0.5, 1.8)
        """Amount of typing and length of pauses of this user, relative to the usual."""
        self.grain = 1 if draw() < 0.5 else self.random.choice((10, 100, 500))
        """Resolution of the tracker's times in ms; some trackers round."""
        self.leaves = self.random.choices((1.0, 0.85, 0.3, 0.0), (70, 18, 7, 5))[0]
        """Share of `blur` events that the tracker records."""
        self.inside = draw() < 0.3
        """True where this user scrolls before leaving what was entered, not after it."""
        self.bursts = self.random.choices((0.05, 0.5), (85, 15))[0]
        """Share of fields whose key strokes the tracker records in several runs."""

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

    def read(self, name: str, scrolls: int, longest_ms: int = 26_000) -> None:
        """Enter and leave a field or a part of the page, and scroll so many times meanwhile or afterwards."""
        self.focus(name)
        if not self.inside:
            self.leave(name)
        for _ in range(scrolls):
            self.scroll(900, longest_ms)
        if self.inside:
            self.leave(name)

    def fill(self, name: str, least: int = 2, most: int = 26) -> None:
        """Fill in a field without error; sometimes in several runs, or by choosing from a list with one key."""
        self.focus(name)
        if self.random.random() < 0.12:
            self.type(name, 1, 2)
        else:
            self.type(name, least, most)
            if self.random.random() < self.bursts:
                self.type(name, 1, 9)
        self.leave(name)

    def stumble(self, name: str) -> None:
        """Fail in a field once, and get past it in the next attempt, which the tracker always records."""
        self.focus(name)
        self.type(name)
        self.leave(name, self.reason())
        self.fill(name)
        if self.events[-1].verb != "blur":
            self.events.append(Event("blur", name))

    def glance(self, share: float) -> None:
        """Have a look at the page before the form, in a share of visits: scroll, or open one information part."""
        if self.random.random() >= share:
            return
        way = self.random.random()
        if way < 0.75:
            self.scroll(500, 9000)
        if way > 0.6:
            self.look(self.information(1)[0])

    def progress(
        self, least: int, most: int, *, pause: float = 0.0, longest_ms: int = 6000, stumbles: float = 0.0
    ) -> list[str]:
        """Fill in `least` to `most` fields, pausing before each with probability `pause`.

        In a share `stumbles` of visits one field fails first. Stops early when fewer than 9 events still fit. Returns
        the fields that follow, at least one.
        """
        count = min(self.random.randint(least, most), len(self.fields) - 1)
        start = self.random.randint(0, len(self.fields) - 1 - count) if self.random.random() < 0.3 else 0
        failing = self.random.randrange(count) if count and self.random.random() < stumbles else -1
        done = 0
        for place, name in enumerate(self.fields[start : start + count]):
            if self.room < 9:
                break
            done += 1
            if self.random.random() < pause:
                self.scroll(500, longest_ms)
            if self.random.random() < 0.04:
                self.look(name)  # passed over with the tab key
            elif place == failing:
                self.stumble(name)
            else:
                self.fill(name)
        return self.fields[start + done :]

    def finish(self, verb: str = "exit", share: float = 0.96) -> None:
        """End the visit; the tracker misses the `exit` of a share `1 - share` of visits."""
        if verb == "submit" or self.random.random() < share or len(self.events) < 2:
            self.events.append(Event(verb))

    def reason(self) -> str:
        """Return a validation error; common ones are more likely."""
        reasons = self.vocabulary.reasons
        return self.namer.choice(reasons[:COMMON_REASONS] if self.namer.random() < 0.5 else reasons)

    def information(self, count: int, conditions: float = 0.2) -> list[str]:
        """Return `count` different information parts of the page."""
        return self.vocabulary.information(self.namer, count, conditions)

    @property
    def plain_fields(self) -> list[str]:
        """Fields of the form in which no offer is chosen."""
        plain = [name for name in self.fields if name.rpartition("_")[2] not in self.vocabulary.choices]
        return plain or self.fields

    def choices(self, count: int) -> list[str]:
        """Return `count` fields in which one chooses an offer."""
        return self.vocabulary.choice_fields(self.namer, count)


def write_events(events: list[Event]) -> str:
    """Return the line of a trace."""
    return ", ".join(map(str, events))
