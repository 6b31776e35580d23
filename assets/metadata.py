"""How frames and figures look in the Dagster UI: small tables of ready strings.

Add here presentation that several assets or checks share; what the figures mean is computed in `ratchet/`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

_ROWS = 20


def as_table(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """The first twenty rows as a table that Dagster draws inline."""
    result = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    return dg.MetadataValue.table(
        [dg.TableRecord({str(k): readable(v) for k, v in row.items()}) for row in result[:_ROWS]]
        or [dg.TableRecord({"": "none"})]
    )


def as_counts(counts: Mapping[str, Any], name: str = "what", value: str = "count") -> dg.TableMetadataValue:
    """A mapping as a table of two columns."""
    return as_table([{name: key, value: number} for key, number in counts.items()])


def readable(value: Any) -> str:
    """One cell: floats to four digits, everything else as it prints."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def stage_seconds(context: dg.AssetExecutionContext) -> dict[str, float]:
    """Seconds that each finished step of this run took, by step."""
    result = context.instance.get_run_step_stats(context.run_id)
    return {s.step_key: round(s.end_time - s.start_time, 3) for s in result if s.start_time and s.end_time}
