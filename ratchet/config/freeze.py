"""Table `[freeze]` of `<home>/settings.toml`: windows in which no rollout enters or steps up. Rollbacks go on.

Add a setting here, with its default, unit and the error for a wrong value. The windows are as written;
`ratchet/rollout/freeze.py` says which of them holds at a time.
"""

import re
from dataclasses import dataclass

from ratchet.config.clock_words import check_timezone, read_day_or_time, read_weekly
from ratchet.config.validation import STRICT, bad_spec

_IS_WEEKLY = re.compile(r"[a-z]")
"""Beginning of a time of every week; dates begin with a digit."""


@dataclass(frozen=True)
class FreezeWindow:
    """One window, `[[freeze.window]]`: between two dates or times, or the same hours of every week."""

    __pydantic_config__ = STRICT

    start: str
    """Begin: a date `2026-12-20`, a time `2026-12-20T18:00`, or one of every week, `fri 16:00`."""
    end: str
    """End, in the same form. A date counts until its midnight: `2027-01-03` is frozen, too."""
    why: str = ""
    """Reason that pages, commands and the ledger show."""
    classifiers: tuple[str, ...] = ()
    """Classifiers that it holds for; empty: all."""

    def __post_init__(self) -> None:
        weekly = bool(_IS_WEEKLY.match(self.start.strip().lower()))
        if weekly:
            if read_weekly("freeze.window.start", self.start) == read_weekly("freeze.window.end", self.end):
                raise bad_spec(f"freeze.window: {self.start[:40]!r} to {self.end[:40]!r} has no length.", "Change one.")
            return
        start, end = (
            read_day_or_time("freeze.window.start", self.start),
            read_day_or_time("freeze.window.end", self.end),
        )
        if end < start or (start == end and len(self.end.strip()) > len("2026-12-20")):
            raise bad_spec(
                f"freeze.window ends before it begins: {self.start[:40]!r} to {self.end[:40]!r}.", "Swap them."
            )


@dataclass(frozen=True)
class Freeze:
    """The windows and the time zone that they are written in."""

    __pydantic_config__ = STRICT

    timezone: str = "UTC"
    """Time zone of the windows, as `Europe/Berlin`."""
    window: tuple[FreezeWindow, ...] = ()
    """Windows `[[freeze.window]]`."""

    def __post_init__(self) -> None:
        check_timezone("freeze.timezone", self.timezone)
