"""Narrowing of the partitions to the weeks that a home has: the one place where definitions read a file.

Rule of the house: no work at import. This is its exception, since Dagster draws its grids, the launch dialog and the
bars of progress from the definitions. It reads a few bytes for each classifier, and fails for no file.

Add here what else the definitions must know of a home; what is read is in `ratchet/storage/first_week.py`.
"""

import logging
from datetime import UTC, date, datetime

import dagster as dg

from assets.partitions import cycles_since
from ratchet.storage.first_week import first_week_of_home
from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)


def read_first_partition(home: Home) -> date:
    """Return the week with which the partitions begin. A home that cannot be listed has the default."""
    today = datetime.now(UTC).date()
    try:
        return min(first_week_of_home(home, today), today)
    except OSError as error:
        _LOG.warning("%s cannot be listed: %s", home.root, error)
        return first_week_of_home(Home(home.root / "none"), today)


def begin_with(week: date, assets: list[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """Return the assets with partitions that begin with `week`."""
    partitions = cycles_since(week)
    return [each.map_asset_specs(lambda spec: spec.replace_attributes(partitions_def=partitions)) for each in assets]
