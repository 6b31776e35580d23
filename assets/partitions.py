"""Partitions of every asset: one classifier and one week, together one cycle.

Add here what turns Dagster's partition keys into values of the product; arithmetic on weeks is in
`ratchet/core/cycle.py`.
"""

import dagster as dg

from ratchet.core.cycle import Cycle

classifiers = dg.DynamicPartitionsDefinition(name="classifiers")
weeks = dg.WeeklyPartitionsDefinition(start_date="2000-01-03", day_offset=1, end_offset=1, timezone="UTC")
cycles = dg.MultiPartitionsDefinition({"classifier": classifiers, "week": weeks})


def cycle_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Cycle:
    """Return the cycle that this step works on."""
    return Cycle.from_key(context.run.tags["dagster/partition"])
