"""Figures of one week as flat keys, each a number, a pair of interval ends, or None where the week does not have it.

Add a figure as a row of `FIGURES` and it stands in the JSON, in the CSV and, as a key of a chart, on the page. Rows
name the places where the figure may be written, the first that holds a number counts: a report, else what the stages
noted, else a gate's evidence, so that a week which its data blocked has the figures of its data.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.workflows.history.week_files import WeekFiles

_AGREEMENT = ("noted agreement", "evidence label_agreement", "report data labels")
_DRIFT = ("evidence label_distribution", "report drift labels")
_TRAFFIC = ("noted traffic", "report traffic")
_LABELS = ("noted labels", "report data labels")
FIGURES: Mapping[str, tuple[str, ...]] = {
    "test_n": ("report metrics test n",),
    "test_macro_f1": ("report metrics test macro_f1",),
    "test_macro_f1_ci": ("report metrics test macro_f1_ci",),
    "golden_n": ("report metrics golden n",),
    "golden_macro_f1": ("report metrics golden macro_f1",),
    "golden_macro_f1_ci": ("report metrics golden macro_f1_ci",),
    "live_test_macro_f1": ("report live_metrics test macro_f1",),
    "live_test_macro_f1_ci": ("report live_metrics test macro_f1_ci",),
    "live_golden_macro_f1": ("report live_metrics golden macro_f1",),
    "live_golden_macro_f1_ci": ("report live_metrics golden macro_f1_ci",),
    "test_difference": ("report comparison test macro_f1_difference",),
    "test_difference_ci": ("report comparison test ci",),
    "margin": ("report comparison test margin",),
    "baseline_majority": ("report baselines majority macro_f1",),
    "baseline_tfidf_logreg": ("report baselines tfidf_logreg macro_f1",),
    "baseline_linear_probe": ("report baselines linear_probe macro_f1",),
    "baseline_base_model": ("report baselines base_model macro_f1",),
    "baseline_best": (),
    "test_ece": ("report metrics test ece",),
    "golden_ece": ("report metrics golden ece",),
    "live_test_ece": ("report live_metrics test ece",),
    "test_nll": ("report metrics test nll",),
    "golden_nll": ("report metrics golden nll",),
    "live_test_nll": ("report live_metrics test nll",),
    "golden_lost": ("report golden lost",),
    "doubles": tuple(f"{place} doubles" for place in _AGREEMENT),
    "agreement": tuple(f"{place} agreement" for place in _AGREEMENT),
    "agreement_ci": tuple(f"{place} agreement_ci" for place in _AGREEMENT),
    "agreement_limit": ("evidence label_agreement limits min_agreement",),
    "alpha": tuple(f"{place} alpha" for place in _AGREEMENT),
    "alpha_ci": tuple(f"{place} alpha_ci" for place in _AGREEMENT),
    "label_drift": tuple(f"{place} distance" for place in _DRIFT),
    "label_drift_beyond_chance": tuple(f"{place} excess" for place in _DRIFT),
    "label_drift_limit": tuple(f"{place} limit" for place in _DRIFT),
    "confidence_drift": tuple(f"{place} confidence_drift" for place in _TRAFFIC),
    "label_noise": ("evidence label_noise share", "noted label_noise share", "report data label_noise share"),
    "text_drift": ("evidence text_drift distance", "noted text_drift distance", "report data text_drift distance"),
    "mean_confidence": tuple(f"{place} mean_confidence" for place in _TRAFFIC),
    "below_threshold": tuple(f"{place} below_threshold" for place in _TRAFFIC),
    "requests": tuple(f"{place} requests" for place in _TRAFFIC),
    "corrections": tuple(f"{place} corrections" for place in _LABELS),
    "reviewed": tuple(f"{place} reviewed" for place in _TRAFFIC),
    "waiting": tuple(f"{place} waiting" for place in _TRAFFIC),
    "cost_per_1000": (),
    "seconds": (),
    "cost": (),
    "price_per_hour": ("noted traffic price_per_hour", "report sweep machine price_per_hour"),
    "error_budget_spent": (),
    "error_budget_limit": (),
}
"""Name of each figure, with the places that may hold it; a figure without a place is computed here or in `history.py`.
Shares are 0..1, times in seconds, costs in the currency of `[machine]`."""
TAKEN = (
    "verdict", "metrics", "live_metrics", "comparison", "baselines", "golden", "data", "drift", "traffic", "sweep",
    "three_way",
)  # fmt: skip
_LARGE = {"confusion", "reliability", "thresholds"}


def slim_report(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts of a report that the history reads: no texts, no matrices, and no part of another kind."""
    kept = {key: report[key] for key in TAKEN if isinstance(report.get(key), Mapping)}
    for models in {"metrics", "live_metrics"} & kept.keys():
        kept[models] = {
            split: {key: value for key, value in found.items() if key not in _LARGE}
            for split, found in kept[models].items()
            if isinstance(found, Mapping)
        }
    lost = kept.get("golden", {}).get("lost")
    if isinstance(lost, list):
        kept["golden"] = {"lost": len(lost)}
    return {"adapter": str(report.get("adapter") or ""), **kept}


def read_metrics(files: WeekFiles) -> dict[str, Any]:
    """Return every figure of a week, None where it has none, and `labels`: F1, its interval and support by label."""
    documents = {"report": files.report, "noted": files.noted, "evidence": files.evidence}
    found: dict[str, Any] = {
        name: next((value for place in places if (value := _at(documents, place.split())) is not None), None)
        for name, places in FIGURES.items()
    }
    seconds = [stage["execution_time"] for stage in files.run.get("results", ()) if stage["status"] != "skipped"]
    found["seconds"] = round(float(sum(seconds)), 3) if seconds else None
    if found["seconds"] is not None and found["price_per_hour"] is not None:
        found["cost"] = found["seconds"] / 3600 * found["price_per_hour"]
    found["cost_per_1000"] = _cost_per_1000(files.report)
    baselines = [value for name, value in found.items() if name.startswith("baseline_") and value is not None]
    found["baseline_best"] = max(baselines, default=None)
    classes = _at(documents, ["report", "metrics", "test", "per_class"], dict) or {}
    found["labels"] = {
        str(label): {key: _figure(row.get(key)) for key in ("f1", "f1_ci", "support")}
        for label, row in classes.items()
        if isinstance(row, Mapping)
    }
    return found


def _cost_per_1000(report: Mapping[str, Any]) -> Any:
    rows = report.get("three_way", {}).get("rows")
    known = [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    return next((_figure(row.get("cost_per_1000")) for row in known if row.get("name") == "tuned"), None)


def _at(document: Any, path: list[str], kind: Any = None) -> Any:
    """Return what stands at `path`, None where nothing or nothing of its kind does; a figure unless `kind` is given."""
    for part in path:
        if not isinstance(document, Mapping):
            return None
        document = document.get(part)
    if kind is not None:
        return document if isinstance(document, kind) else None
    return _figure(document)


def _figure(value: Any) -> Any:
    """Return a finite number or a pair of them, None for all else."""
    if isinstance(value, list) and len(value) == 2:
        ends = [_figure(each) for each in value]
        return None if None in ends else ends
    if isinstance(value, bool) or not isinstance(value, int | float) or value - value != 0:
        return None
    return value
