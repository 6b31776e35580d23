"""Presentation of frames and figures in the Dagster UI: small tables of formatted strings.

Add here presentation that several assets or checks share; the figures themselves are computed in `ratchet/`.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

_ROWS = 20
_EVIDENCE_ROWS = 60
_WEEK = re.compile(r"\AWeek \d{4}-\d{2}-\d{2}: ")
_MARKUP = re.compile(r"\\*(?:!\[|\](?=\s*[\[(:])|<(?=[A-Za-z/!?]))")
"""Beginning of an image, end of a link's text, beginning of a tag or of an address in angle brackets; with the
backslashes before it, which would take the meaning of ours."""


def as_table(rows: pd.DataFrame | Sequence[Mapping[str, Any]], most: int = _ROWS) -> dg.TableMetadataValue:
    """Return the first `most` rows as a table that Dagster shows inline."""
    records = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    return dg.MetadataValue.table(
        [dg.TableRecord({str(k): readable(v) for k, v in row.items()}) for row in records[:most]]
        or [dg.TableRecord({"": "none"})]
    )


def as_evidence(evidence: Mapping[str, Any]) -> dg.TableMetadataValue:
    """Return nested evidence as a table of names and values: a row for each value, however deep it lies."""
    rows = [{"name": name, "value": value} for name, value in _leaves("", evidence)]
    return as_table(rows, most=_EVIDENCE_ROWS)


def _leaves(name: str, value: Any) -> Iterator[tuple[str, str]]:
    nested: Iterable[tuple[Any, Any]]
    if isinstance(value, Mapping):
        nested = value.items()
    elif isinstance(value, (list, tuple)) and any(isinstance(each, (Mapping, list, tuple)) for each in value):
        nested = enumerate(value, 1)
    else:
        several = isinstance(value, (list, tuple))
        yield name, (", ".join(map(readable, value)) if several else readable(value))[:300]
        return
    for key, each in nested:
        yield from _leaves(f"{name} {key}".strip(), each)


def rounded(value: Any) -> float | int | None:
    """Return a number as Dagster plots it, floats to four digits; None for anything but a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value if isinstance(value, int) else float(f"{value:.4g}")


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


def with_week(week: date, sentence: str) -> str:
    """Return the description of an evaluation, which names its week: Dagster shows the newest evaluation of a check,
    whichever week was run."""
    return f"Week {week}: {sentence}"


def without_week(description: str) -> str:
    """Inverse of `with_week`."""
    return _WEEK.sub("", description, count=1)


def stage_seconds(context: dg.AssetExecutionContext) -> dict[str, float]:
    """Return the seconds that each finished step of this run took, by step."""
    steps = context.instance.get_run_step_stats(context.run_id)
    return {s.step_key: round(s.end_time - s.start_time, 3) for s in steps if s.start_time and s.end_time}
