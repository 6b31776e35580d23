"""Presentation of frames and figures in the Dagster UI: small tables of formatted strings.

Add here presentation that several assets or checks share; the figures themselves are computed in `ratchet/`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import pandas as pd

_ROWS = 20
_MARKUP = re.compile(r"\\*(?:!\[|\](?=\s*[\[(:])|<(?=[A-Za-z/!?]))")
"""Beginning of an image, end of a link's text, beginning of a tag or of an address in angle brackets; with the
backslashes before it, which would take the meaning of ours."""


def as_table(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """Return the first twenty rows as a table that Dagster shows inline."""
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    return dg.MetadataValue.table(
        [dg.TableRecord({str(k): readable(v) for k, v in row.items()}) for row in records[:_ROWS]]
        or [dg.TableRecord({"": "none"})]
    )


def as_counts(counts: Mapping[str, Any], name: str = "name", value: str = "count") -> dg.TableMetadataValue:
    """Return a mapping as a table of two columns."""
    return as_table([{name: key, value: number} for key, number in counts.items()])


def readable(value: Any) -> str:
    """Format one cell: floats to four digits, other values as they print."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def without_markup(sentence: str) -> str:
    """Return a sentence in which neither an image, nor a link, nor HTML is Markdown any more; most stay as they are.

    Dagster shows descriptions as Markdown. Sentences may hold what people, labels and files say, and a browser fetches
    an image as soon as somebody opens the page.
    """
    return _MARKUP.sub(lambda match: "".join(f"\\{c}" if c in "\\![]<" else c for c in match[0]), sentence)


def stage_seconds(context: dg.AssetExecutionContext) -> dict[str, float]:
    """Return the seconds that each finished step of this run took, by step."""
    steps = context.instance.get_run_step_stats(context.run_id)
    return {s.step_key: round(s.end_time - s.start_time, 3) for s in steps if s.start_time and s.end_time}
