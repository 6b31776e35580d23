"""The sweep: a table of every candidate of a cycle and of TF-IDF, with quality, time, energy and cost.

Quality is measured on the calibration split. Add a column here, and show it in `report/sweep.py` and
`orchestration/cli/commands/weekly/sweep.py`. The candidate to keep is chosen in `ratchet/training/result.py`; this
table decides nothing.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from ratchet.config.machine import Machine, sum_seconds
from ratchet.config.spec import Spec
from ratchet.evaluation.baselines import predict_tfidf
from ratchet.evaluation.scoring import Split
from ratchet.metrics.calibration import serve_out_of_sample
from ratchet.metrics.classification import expected_calibration_error, macro_f1, macro_nll, negative_log_likelihood

TFIDF = "TF-IDF + logistic regression"
_LEAST = 1e-12  # lower bound of a probability whose logarithm is taken


def measure_tfidf(splits: Mapping[str, Split], spec: Spec) -> dict[str, Any]:
    """Measure TF-IDF as a row of the sweep: fitted on train, timed, and judged on calibration like every candidate."""
    import sklearn.feature_extraction.text
    import sklearn.linear_model  # noqa: F401 - before the clock starts

    train, calibration, k = splits["train"], splits["calibration"], len(spec.labels)
    started = time.perf_counter()
    probabilities = predict_tfidf(train.texts, train.labels, calibration.texts, k)
    seconds = time.perf_counter() - started
    served = serve_out_of_sample(np.log(np.maximum(probabilities, _LEAST)), calibration.labels)
    return {
        "title": TFIDF,
        "seconds": seconds,
        "samples_per_second": len(train.texts) / seconds,
        "macro_f1": macro_f1(np.asarray(probabilities.argmax(axis=1)), calibration.labels, k),
        "nll": negative_log_likelihood(probabilities, calibration.labels),
        "served_nll": negative_log_likelihood(served, calibration.labels),
        "served_macro_nll": macro_nll(served, calibration.labels),
        "ece": expected_calibration_error(probabilities, calibration.labels),
    }


def build_sweep(
    training: Mapping[str, Any], tfidf: Mapping[str, Any] | None, machine: Machine, timings_s: Mapping[str, float]
) -> dict[str, Any]:
    """Build the key `sweep` of `eval_report.json`: the machine, a row for each candidate and TF-IDF, and the whole
    cycle.

    `training` is `result.json`, `tfidf` the result of `measure_tfidf`, `timings_s` the seconds of the stages before the
    report.
    """
    rows = [_row(each, machine, kept=each["index"] == training["best"]) for each in training["candidates"]]
    if tfidf is not None:
        simple = {key: value for key, value in tfidf.items() if key != "seconds"}
        rows.append(
            {"kind": "baseline", "kept": False, "status": "fitted", **simple, **machine.spend(tfidf["seconds"])}
        )
    return {"machine": machine.describe(), "rows": rows, "cycle": machine.spend(sum_seconds(timings_s))}


def _row(found: Mapping[str, Any], machine: Machine, *, kept: bool) -> dict[str, Any]:
    measured = found["calibration"] or {}
    return {
        "kind": "candidate",
        "index": found["index"],
        "kept": kept,
        "title": found["title"],
        "status": found["status"],
        "reason": found["reason"],
        "note": found.get("first_kept", ""),
        "macro_f1": measured.get("macro_f1"),
        "nll": measured.get("nll"),
        "served_nll": found["served_nll"],
        "served_macro_nll": found.get("served_macro_nll"),
        "ece": measured.get("ece"),
        "samples_per_second": found["samples_per_second"] or None,
        **machine.spend(found["seconds"]),
    }
