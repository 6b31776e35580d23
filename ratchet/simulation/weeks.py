"""Weeks of simulated production: requests as they were served, and their corrections.

Add here what a week consists of (mix of classes, shares, drift, faults). `week_files.py` turns rows into files.
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
from ratchet.simulation.form_visits import write_events
from ratchet.simulation.people import Annotator, answer_as_served, check_share, personal_detail
from ratchet.simulation.traces import LABELS, make_events
from ratchet.simulation.uniqueness import digest_trace, mark_events
from ratchet.simulation.vocabulary import KINDS
from ratchet.simulation.week_files import Suffix, write_week_files

CLASSIFIER = "form_abandonment"
_MIX = {
    0: (0.27, 0.16, 0.15, 0.17, 0.09, 0.16),
    1: (0.19, 0.15, 0.22, 0.15, 0.14, 0.15),
}
"""Shares of the classes, in the order of `LABELS`, before any drift (0) and after full drift (1). Real forms are left
for their validation errors more often than for anything else."""
_SAME_BEHAVIOUR = 64
"""Names that a behaviour meets before another one is drawn, where every trace is a copy or of another week."""


@dataclass(frozen=True)
class SimulatedRequest:
    """One request: its production log row, its correction rows, and the truth that only the simulator knows."""

    log: dict[str, Any]
    corrections: tuple[dict[str, Any], ...]
    possible: tuple[str, ...]
    """True class; both classes where the visit is ambiguous."""
    lean: float = 1.0
    """Share of people who call the visit the first of the possible classes."""


@dataclass(frozen=True)
class Simulation:
    """Deterministic simulation: the same values give the same bytes. All rates are shares between 0 and 1."""

    seed: int = 7
    served_error_rate: float = 0.2
    annotators: tuple[Annotator, Annotator] = (
        Annotator("ann_a", error_rate=0.012),
        Annotator("ann_b", error_rate=0.016, saw_prediction=True, anchoring=0.03),
    )
    corrected_share: float = 0.75
    """Share of all requests that are corrected."""
    double_share: float = 0.4
    """Share of the corrected requests that both annotators label."""
    blind_share: float = 0.7
    """Share of the requests with one label that the first annotator, who is blind, gives."""
    ambiguous_share: float = 0.05
    personal_share: float = 0.01
    """Share of texts that end with an invented personal detail, as in `, note:guest7@example.com`."""
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
        """Yield `requests` requests of the week of Monday `week`, in order of time, with their corrections.

        `drift` (0..1) is how far the mix of classes and of form kinds has moved from its start. `swap` names two
        classes that both annotators swap. Memory: 83 bytes per request. Raises `RatchetError` for invalid values.
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
        """Write the week of `iter_week` below `folder`; return the paths of logs and corrections.

        A correction made after the week's end is kept for the next week that is written there.
        """
        rows = (
            (request.log, request.corrections) for request in self.iter_week(week, requests, drift=drift, swap=swap)
        )
        return write_week_files(folder, week, rows, suffix=suffix)

    def _requests(self, cycle: Cycle, requests: int, drift: float, swaps: dict[str, str]) -> Iterator[SimulatedRequest]:
        # Two streams, so that the texts of a week stay the same when annotators or rates of errors change.
        users, people = _generator(self.seed, cycle.week, "visitors"), _generator(self.seed, cycle.week, "people")
        mix = [start + drift * (end - start) for start, end in zip(_MIX[0], _MIX[1], strict=True)]
        kinds = [4 - 3 * abs(drift - place / (len(KINDS) - 1)) for place in range(len(KINDS))]
        mark, seen = cycle.week.toordinal() // 7, set[bytes]()
        for number in range(requests):
            ambiguous = users.random() < self.ambiguous_share
            possible = users.choice(HARD_PAIRS) if ambiguous else tuple(users.choices(LABELS, mix))
            text, lean = self._text(possible, kinds, mark, seen, users)
            now = cycle.start + timedelta(days=7 * _time_of_week((number + people.random()) / requests))
            label, confidence = answer_as_served(possible, self.served_error_rate, people, lean)
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
            made = self._corrections(log, now, (possible, lean), swaps, people)
            yield SimulatedRequest(log, tuple(made), possible, lean)

    def _text(
        self, possible: tuple[str, ...], kinds: list[float], mark: int, seen: set[bytes], users: random.Random
    ) -> tuple[str, float]:
        """Return a trace that no request had before, and the share of people who call it the first possible class."""
        attempt, behaviour = 0, 0.0
        while True:
            if attempt % _SAME_BEHAVIOUR == 0:
                behaviour = users.random()
            attempt += 1
            # The same behaviour meets other names: a trace without numbers is not rarer for its mark.
            kind, lean, same = users.choices(KINDS, kinds)[0], 1.0, random.Random(behaviour)  # noqa: S311
            if len(possible) == 1:
                made = make_events(possible[0], same, kind, names=users)
            else:
                made, lean = make_ambiguous_events(possible, same, kind, names=users)
            events = mark_events(made, mark)
            if events is None:
                continue
            text = write_events(events)
            digest = digest_trace(text)
            if digest in seen:
                continue
            seen.add(digest)
            noted = f"{text}, note:{personal_detail(users)}" if users.random() < self.personal_share else text
            return noted, lean

    def _corrections(
        self,
        log: dict[str, Any],
        now: datetime,
        truth: tuple[tuple[str, ...], float],
        swaps: dict[str, str],
        people: random.Random,
    ) -> Iterator[dict[str, Any]]:
        """Yield the corrections of one request; the same draws are taken whoever corrects it, swapped or not."""
        corrected, both = people.random() < self.corrected_share, people.random() < self.double_share
        first = people.random() < self.blind_share
        for annotator, alone in zip(self.annotators, (first, not first), strict=True):
            label = annotator.judge(truth[0], log["label"], people, truth[1])
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
    """Return the time, 0..1 of the week, before which `share` of the requests come.

    Four times as many come at noon as at midnight, UTC.
    """
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
