"""Partitions of every asset: one classifier and one week, together one cycle.

Add here what turns Dagster's partition keys into values of the product; arithmetic on weeks is in
`ratchet/core/cycle.py`.
"""

from datetime import date

import dagster as dg

from ratchet.core.cycle import Cycle

classifiers = dg.DynamicPartitionsDefinition(name="classifiers")


def cycles_since(week: date) -> dg.MultiPartitionsDefinition:
    """Return the partitions of all classifiers, from `week` to the current one."""
    weeks = dg.WeeklyPartitionsDefinition(start_date=str(week), day_offset=1, end_offset=1, timezone="UTC")
    return dg.MultiPartitionsDefinition({"classifier": classifiers, "week": weeks})


cycles = cycles_since(date(2000, 1, 3))
"""Partitions as the assets declare them; `orchestration/definitions.py` lets them begin with the home's first week."""


def cycle_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Cycle:
    """Return the cycle that this step works on."""
    return Cycle.from_key(context.run.tags["dagster/partition"])
