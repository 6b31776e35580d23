"""Cycle: one week of one classifier. The only module that knows that weeks begin on Monday, in UTC.

Add here arithmetic on weeks; the warehouse knows which weeks hold data.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.names import check_name

_ISO_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, order=True)
class Cycle:
    """One week (its Monday, UTC) of one classifier."""

    classifier: str
    week: date

    def __post_init__(self) -> None:
        check_name(self.classifier)
        if not 1970 <= self.week.year <= 2999:
            raise UsageError(
                f"week {self.week} is out of range.", "Name a week between 1970 and 2999.", code="bad_week"
            )
        if self.week.weekday() != 0:
            monday = monday_of(self.week)
            raise UsageError(
                f"week {self.week} is a {self.week:%A}.", f"Weeks are named by their Monday: {monday}.", code="bad_week"
            )

    @property
    def start(self) -> datetime:
        """First instant of the week, inclusive."""
        return datetime(self.week.year, self.week.month, self.week.day, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        """First instant after the week."""
        return self.start + timedelta(days=7)

    @property
    def key(self) -> str:
        """Dagster partition key, `classifier|2026-02-23`."""
        return f"{self.classifier}|{self.week}"

    @classmethod
    def from_key(cls, key: str) -> "Cycle":
        """Inverse of `key`."""
        classifier, _, week = key.partition("|")
        return cls(classifier, parse_week(week))


def monday_of(day: date) -> date:
    """Return the Monday of the week that contains `day`."""
    return day - timedelta(days=day.weekday())


def parse_week(word: str) -> date:
    """Parse `2026-02-23` or `2026-W09`; raises `UsageError` for anything else."""
    if iso := _ISO_WEEK.fullmatch(word):
        try:
            return date.fromisocalendar(int(iso[1]), int(iso[2]), 1)
        except ValueError as error:
            raise UsageError(f"week {word!r}: {error}.", "Write it as 2026-W09.", code="bad_week") from None
    try:
        return datetime.strptime(word, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError(
            f"week {word[:40]!r} is not a week.",
            "Write its Monday (2026-02-23), its ISO week (2026-W09), 'latest' or 'current'.",
            code="bad_week",
        ) from None


def choose_week(classifier: str, word: str, known: Iterable[date], ended_by: date | None = None) -> Cycle:
    """Return the cycle named by `word`; `current` is the newest week of `known`, `latest` the newest that has ended by
    the day `ended_by`; where none has, or that does not matter, the newest.

    Raises `UsageError` for a day that is not a Monday, `RatchetError` when no such week is known.
    """
    if word not in {"latest", "current"}:
        return Cycle(classifier, parse_week(word))
    weeks = set(known)
    newest = max(weeks, default=None)
    if newest is None:
        raise RatchetError(
            f"{classifier} has no week yet that this could be about, so {word!r} names none.",
            f"Ingest rows ('ratchet ingest {classifier} --logs FILE'), then run 'ratchet cycle {classifier}"
            " --week latest'.",
            code="no_week",
        )
    if word == "current" or ended_by is None:
        return Cycle(classifier, newest)
    return Cycle(classifier, max((week for week in weeks if _has_ended(week, ended_by)), default=newest))


def describe_choice(cycle: Cycle, word: str, known: Iterable[date], today: date) -> str:
    """Return in words which week `latest` took; empty for any other word."""
    if word != "latest":
        return ""
    if not _has_ended(cycle.week, today):
        return ", as it is: no week has ended yet"
    newer = max(known, default=cycle.week)
    more = f"; {newer} goes on until {newer + timedelta(days=6)}, '--week current' takes it"
    return f", the latest complete week{more if newer > cycle.week else ''}"


def _has_ended(week: date, today: date) -> bool:
    return week + timedelta(days=7) <= today


def skip_reason(cycle: Cycle, known: Iterable[date], today: date) -> str:
    """Return why `cycle` has nothing to do: a week that has begun, and had no traffic, of a classifier that has some.

    Empty for a week among `known`, and for one that no traffic could have reached: that is a mistake, not a quiet week.
    """
    weeks = set(known)
    if not weeks or cycle.week in weeks or not min(weeks) < cycle.week <= monday_of(today):
        return ""
    return f"{cycle.classifier} had no production log in the week of {cycle.week} (the newest: {max(weeks)})."


def need_known(cycle: Cycle, known: Iterable[date], what: str) -> None:
    """Raise `RatchetError` when `cycle`'s week is not among `known`; the hint names the nearest known week."""
    weeks = sorted(known)
    if cycle.week not in weeks:
        listed = ", ".join(str(week) for week in weeks[-8:]) or "none"
        near = min(weeks, key=lambda week: abs(week - cycle.week), default=None)
        raise RatchetError(
            f"{cycle.classifier} has no {what} in the week of {cycle.week} (has: {listed}).",
            f"Did you mean {near}?" if near else f"Ingest rows first: 'ratchet ingest {cycle.classifier} --logs FILE'.",
            code="no_week",
        )
