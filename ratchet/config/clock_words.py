"""Words for times of the clock in settings: a time zone, the hours of a night, a time of the week.

Add here another form in which a setting says when; what happens then is decided by whoever reads the setting.
"""

import re
from datetime import datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ratchet.config.validation import bad_spec
from ratchet.core.names import nearest

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-3]):([0-5]\d)")
_WEEKLY = re.compile(r"([a-z]{3})\s+([01]\d|2[0-3]):([0-5]\d)")


def check_timezone(key: str, name: str) -> ZoneInfo:
    """Return the time zone called `name`; raises `RatchetError`, in which `key` is the setting."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        hint = nearest(name, available_timezones()) or "Write it as 'Europe/Berlin' or 'UTC'."
        raise bad_spec(f"{key} = {name[:60]!r} is not a time zone of this machine.", hint) from None


def read_hours(key: str, words: str) -> tuple[time, time]:
    """Return begin and end of `22:00-07:00`; the end may be on the next day. Raises `RatchetError`."""
    found = _HOURS.fullmatch(words.strip())
    if found is None:
        raise bad_spec(f"{key} = {words[:60]!r} is not a range of hours.", "Write it as '22:00-07:00'.")
    begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    if begin == end:
        raise bad_spec(f"{key} = {words[:60]!r} has no length.", "Write it as '22:00-07:00'.")
    return begin, end


def within_hours(hours: tuple[time, time], local: datetime) -> bool:
    """True where the clock of `local` stands within `hours`: from the begin on, until before the end."""
    begin, end = hours
    clock = local.time().replace(tzinfo=None)
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def read_weekly(key: str, words: str) -> tuple[int, time]:
    """Return the weekday, Monday 0, and the time of `mon 08:00`; raises `RatchetError`."""
    found = _WEEKLY.fullmatch(words.strip().lower())
    if found is None or found[1] not in DAYS:
        raise bad_spec(f"{key} = {words[:60]!r} is not a time of the week.", "Write it as 'mon 08:00'.")
    return DAYS.index(found[1]), time(int(found[2]), int(found[3]))


def read_day_or_time(key: str, words: str) -> datetime:
    """Return a date `2026-12-20` as its midnight, or a time `2026-12-20T18:00`, without a zone; raises
    `RatchetError`."""
    try:
        found = datetime.fromisoformat(words.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None:
        raise bad_spec(
            f"{key} = {words[:60]!r} is not a date or time.",
            "Write it as '2026-12-20', '2026-12-20T18:00' or, for every week, 'fri 16:00'.",
        )
    return found
