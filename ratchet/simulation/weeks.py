"""Whole weeks of simulated production: requests as they were served, and the corrections that people made of them.

Add here what a week is made of (mix of classes, shares, drift, faults). How rows become files is told in
`week_files.py`.
"""

import hashlib
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.simulation.ambiguity import HARD_PAIRS, make_ambiguous_events
from ratchet.simulation.form_visits import KINDS, Event, write_events
from ratchet.simulation.people import Annotator, answer_as_served, check_share, personal_detail
from ratchet.simulation.traces import LABELS, make_events
from ratchet.simulation.uniqueness import Seen, mark_events
from ratchet.simulation.week_files import Suffix, write_week_files

CLASSIFIER = "form_abandonment"
_MIX = {
    0: (0.20, 0.19, 0.15, 0.18, 0.11, 0.17),
    1: (0.14, 0.16, 0.23, 0.15, 0.17, 0.15),
}
"""Shares of the classes, in the order of `LABELS`, before any drift and after all of it."""


@dataclass(frozen=True)
class SimulatedRequest:
    """One request: its production log row, its correction rows, and what only the simulator knows."""

    log: dict[str, Any]
    corrections: tuple[dict[str, Any], ...]
    possible: tuple[str, ...]
    """The true class; the two that it lies between where the visit is ambiguous."""


@dataclass(frozen=True)
class Simulation:
    """A deterministic world: the same values give the same bytes. All rates are shares between 0 and 1."""

    seed: int = 7
    served_error_rate: float = 0.2
    annotators: tuple[Annotator, Annotator] = (
        Annotator("ann_a", error_rate=0.012),
        Annotator("ann_b", error_rate=0.016, saw_prediction=True, anchoring=0.03),
    )
    corrected_share: float = 0.75
    """Of all requests."""
    double_share: float = 0.4
    """Of the corrected requests: both annotators label them."""
    blind_share: float = 0.7
    """Of the requests that one annotator labels: the first one does."""
    ambiguous_share: float = 0.03
    personal_share: float = 0.01
    """Texts that end with a made-up personal detail, as in `, note:guest7@example.com`."""
    adapter: str = "bootstrap"

    def __post_init__(self) -> None:
        shares = (
            "served_error_rate",
            "corrected_share",
            "double_share",
            "blind_share",
            "ambiguous_share",
            "personal_share",
        )
        for name in shares:
            check_share(name, getattr(self, name))

    def iter_week(
        self, week: date, requests: int, *, drift: float = 0.0, swap: tuple[str, str] | None = None
    ) -> Iterator[SimulatedRequest]:
        """Yield `requests` requests of the week that begins on Monday `week`, in order of time, with all their
        corrections.

        `drift` (0..1) is how far the mix of classes and of form kinds has moved from its start. `swap` names two
        classes that both annotators take for each other. Memory: 4 bytes a request. Raises `RatchetError` for values
        that make no sense.
        """
        check_share("drift", drift)
        _check_swap(swap)
        if requests < 1:
            raise RatchetError(
                f"requests = {requests} is too small.", "Ask for 1 request or more.", code="bad_simulation"
            )
        return self._requests(Cycle(CLASSIFIER, week), requests, drift, dict((swap, swap[::-1])) if swap else {})

    def write_week(
        self,
        folder: Path,
        week: date,
        requests: int,
        *,
        drift: float = 0.0,
        swap: tuple[str, str] | None = None,
        suffix: Suffix = "jsonl",
    ) -> tuple[Path, Path]:
        """Write the week of `iter_week` below `folder`, a classifier's folder or any other; the paths of logs and
        corrections.

        A correction that comes after the week's end is kept for the next week that is written there.
        """
        rows = (
            (request.log, request.corrections) for request in self.iter_week(week, requests, drift=drift, swap=swap)
        )
        return write_week_files(folder, week, rows, suffix=suffix)

    def _requests(self, cycle: Cycle, requests: int, drift: float, swaps: dict[str, str]) -> Iterator[SimulatedRequest]:
        visitors, people = _generator(self.seed, cycle.week, "visitors"), _generator(self.seed, cycle.week, "people")
        mix = [start + drift * (end - start) for start, end in zip(_MIX[0], _MIX[1], strict=True)]
        kinds = [4 - 3 * abs(drift - place / (len(KINDS) - 1)) for place in range(len(KINDS))]
        mark, seen = cycle.week.toordinal() // 7, Seen(requests)
        for number in range(requests):
            ambiguous = visitors.random() < self.ambiguous_share
            possible = visitors.choice(HARD_PAIRS) if ambiguous else tuple(visitors.choices(LABELS, mix))
            text = self._text(possible, kinds, mark, seen, visitors)
            now = cycle.start + timedelta(days=7 * _time_of_week((number + people.random()) / requests))
            label, confidence = answer_as_served(possible, self.served_error_rate, people)
            log = {
                "request_id": hashlib.blake2b(
                    f"{self.seed}/{cycle.week}/{number}".encode(), digest_size=12
                ).hexdigest(),
                "ts": _rfc3339(now),
                "text": text,
                "label": label,
                "confidence": confidence,
                "adapter": self.adapter,
                "latency_ms": round(people.lognormvariate(3.2, 0.5), 2),
            }
            yield SimulatedRequest(log, tuple(self._corrections(log, now, possible, swaps, people)), possible)

    def _text(
        self, possible: tuple[str, ...], kinds: list[float], mark: int, seen: Seen, visitors: random.Random
    ) -> str:
        """A trace that no request had before."""
        while True:
            kind = visitors.choices(KINDS, kinds)[0]
            events: list[Event] | None
            if len(possible) == 1:
                events = make_events(possible[0], visitors, kind)
            else:
                events = make_ambiguous_events(possible, visitors, kind)
            events = mark_events(events, mark)
            if events is None or not seen.add(text := write_events(events)):
                continue
            return f"{text}, note:{personal_detail(visitors)}" if visitors.random() < self.personal_share else text

    def _corrections(
        self,
        log: dict[str, Any],
        now: datetime,
        possible: tuple[str, ...],
        swaps: dict[str, str],
        people: random.Random,
    ) -> Iterator[dict[str, Any]]:
        """What the annotators made of one request; the same draws are taken whoever corrects it, swapped or not."""
        corrected, both = people.random() < self.corrected_share, people.random() < self.double_share
        first = people.random() < self.blind_share
        for annotator, alone in zip(self.annotators, (first, not first), strict=True):
            label = annotator.judge(possible, log["label"], people)
            delay = timedelta(minutes=5, hours=people.expovariate(1 / annotator.mean_delay_hours))
            if corrected and (both or alone):
                yield {
                    "request_id": log["request_id"],
                    "ts": _rfc3339(now + delay),
                    "label": swaps.get(label, label),
                    "annotator": annotator.name,
                    "saw_prediction": annotator.saw_prediction,
                }


def _generator(seed: int, week: date, stream: str) -> random.Random:
    return random.Random(f"{seed}/{week}/{stream}")  # noqa: S311 (a simulation must be repeatable, not secret)


def _time_of_week(share: float) -> float:
    """The time, 0..1 of the week, before which `share` of the requests come: four times as many at noon as at midnight,
    UTC."""
    return share + 0.6 / (14 * math.pi) * math.sin(14 * math.pi * share)


def _rfc3339(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _check_swap(swap: tuple[str, str] | None) -> None:
    if swap and (len(set(swap)) != 2 or not set(swap) <= set(LABELS)):
        raise RatchetError(
            f"swap = {list(swap)} does not name two classes.",
            f"Name two different ones of {', '.join(LABELS)}.",
            code="bad_simulation",
        )
