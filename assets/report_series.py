"""Series of a classifier's evaluation that Dagster plots, week by week: at most twelve named numbers.

Add or exchange a row of `SERIES`; the figures themselves are those of the trends (`ratchet/workflows/history/`).
"""

from collections.abc import Mapping
from typing import Any

from assets.metadata import rounded
from ratchet.workflows.history.week_files import WeekFiles
from ratchet.workflows.history.week_metrics import read_metrics, slim_report

SERIES = {
    "macro-F1, test": "test_macro_f1",
    "macro-F1, golden set": "golden_macro_f1",
    "difference to live, test": "test_difference",
    "golden items lost": "golden_lost",
    "ECE, test": "test_ece",
    "NLL, test": "test_nll",
    "agreement of people": "agreement",
    "divergence of labels": "label_drift",
    "seconds so far": "seconds",
    "cost so far": "cost",
}
"""Name on the screen, by figure of the trends."""


def series_of(
    document: Mapping[str, Any], noted: Mapping[str, Any], evidence: Mapping[str, Any], seconds: Mapping[str, float]
) -> dict[str, float | int]:
    """Return the figures of a report that were measured; the run so far took `seconds`, by step."""
    stages = [{"execution_time": each, "status": "pass"} for each in seconds.values()]
    files = WeekFiles(str(document["week"]), slim_report(document), {"results": stages}, noted, evidence)
    figures = read_metrics(files)
    return {name: found for name, key in SERIES.items() if (found := rounded(figures[key])) is not None}
