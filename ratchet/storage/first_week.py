"""First week that holds data, by classifier: `first_week.json`, by which Dagster's partitions begin.

Add here what else the grid of weeks must know before it opens a warehouse; the partitions are in
`orchestration/first_partition.py`. The file is expendable: the next intake with new rows writes it again.
"""

import json
import logging
from datetime import date, timedelta

from ratchet.core.cycle import monday_of, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_json
from ratchet.storage.home import Home
from ratchet.storage.run_history import run_weeks

_LOG = logging.getLogger(__name__)
_BACK = timedelta(weeks=104)


def note_first_week(home: Home, classifier: str, week: date | None) -> None:
    """Note that `week` holds data, if it is earlier than what is noted. Errors of the disk are logged."""
    path = home.first_week(classifier)
    noted = read_first_week(home, classifier)
    if week is None or (noted is not None and noted <= week):
        return
    try:
        write_json(path, {"week": str(week)})
    except OSError as error:
        _LOG.warning("%s cannot be written: %s", path, error)


def read_first_week(home: Home, classifier: str) -> date | None:
    """Return the noted week; None where the file is missing, damaged or cannot be read."""
    try:
        return parse_week(str(json.loads(home.first_week(classifier).read_bytes())["week"]))
    except (OSError, ValueError, KeyError, TypeError, RatchetError):
        return None


def first_week_of_home(home: Home, today: date) -> date:
    """Return the earliest noted week of all classifiers.

    Two years back where none is noted; a classifier without a note, as in a home of before, begins with its oldest run
    if that is earlier.
    """
    noted, unknown = [], []
    for name in home.served():
        week = read_first_week(home, name)
        (noted.append(week) if week else unknown.append(name))
    if unknown or not noted:
        noted += [monday_of(today) - _BACK, *(parse_week(week) for name in unknown for week in run_weeks(home, name))]
    return min(noted)
