"""Freeze windows: whether one holds at a time, and until when. No rollout enters or steps up in one; rollbacks go on.

Evidence goes on to count, since it says the same at any time. Add here another form of a window; the settings are
`ratchet/config/freeze.py`, what is held because of one is in `ratchet/workflows/rollout/`.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from ratchet.config.clock_words import read_day_or_time, read_weekly
from ratchet.config.freeze import Freeze, FreezeWindow

_DAY = len("2026-12-20")
_WEEK = timedelta(days=7)


def find_freeze(freeze: Freeze, classifier: str, now: datetime) -> str:
    """Return why nothing enters or steps up at `now` (aware), with the end of the window; empty where none holds.

    Of several windows the one that ends last counts. Times are of the wall clock in the zone of the table, so that a
    window of every week keeps its hours when the clocks change.
    """
    local = now.astimezone(ZoneInfo(freeze.timezone)).replace(tzinfo=None)
    held = [
        (end, window)
        for window in freeze.window
        if (not window.classifiers or classifier in window.classifiers) and (end := _end_of(window, local)) is not None
    ]
    if not held:
        return ""
    end, window = max(held, key=lambda each: each[0])
    why = f" ({window.why})" if window.why else ""
    return f"changes are frozen until {end:%Y-%m-%d %H:%M} {freeze.timezone}{why}"


def _end_of(window: FreezeWindow, local: datetime) -> datetime | None:
    """Return the end of the window that holds at `local`, None where it does not."""
    if window.start.strip()[:1].isdigit():
        begin, end = read_day_or_time("start", window.start), read_day_or_time("end", window.end)
        if len(window.end.strip()) == _DAY:
            end += timedelta(days=1)  # a day counts until its midnight
        return end if begin <= local < end else None
    begins, ends = _place(*read_weekly("start", window.start)), _place(*read_weekly("end", window.end))
    monday = datetime.combine(local.date() - timedelta(days=local.weekday()), time())
    for first in (monday - _WEEK, monday):
        begin, end = first + begins, first + ends + (_WEEK if ends <= begins else timedelta())
        if begin <= local < end:
            return end
    return None


def _place(day: int, clock: time) -> timedelta:
    return timedelta(days=day, hours=clock.hour, minutes=clock.minute)
