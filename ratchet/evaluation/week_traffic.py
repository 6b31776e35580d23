"""Traffic of a week in figures: requests, confidences, and how far they moved since the week before.

Add here another figure of what was served; labels of the week are counted in `ratchet/data/judging.py`, what waits for
review in `ratchet/workflows/review/waiting.py`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.gates.label_distribution import jensen_shannon_distance

BINS = 10
_BIN = f"least(floor(confidence * {BINS}), {BINS - 1})"
_FLOOR = "list_extract($floors, list_position($labels, label))"
TRAFFIC_SQL = f"""
SELECT week::VARCHAR AS week, count(*) AS requests, count(confidence) AS with_confidence,
       avg(confidence) AS mean_confidence,
       count(*) FILTER (confidence IS NOT NULL AND {_FLOOR} IS NOT NULL) AS with_threshold,
       count(*) FILTER (confidence < {_FLOOR}) AS below,
       [{", ".join(f"count(*) FILTER ({_BIN} = {number})" for number in range(BINS))}] AS bins
FROM read_logs WHERE classifier = $classifier AND week IN ($week, $before) GROUP BY week
"""
"""Requests of a week and of the one before; `labels` and `floors` are the thresholds for acting by label."""


def describe_traffic(weeks: Mapping[str, Mapping[str, Any]], week: str, before: str) -> dict[str, Any]:
    """Return the figures of `week`, None where no request has what they need.

    `below_threshold` is the share of answers, 0..1, whose confidence is below the threshold of their label: nobody acts
    on them. `confidence_drift` is the Jensen-Shannon distance, 0..1, of the confidences from those of the week before,
    in ten bins; small samples differ by chance.
    """
    found: Mapping[str, Any] = weeks.get(week, {})
    earlier: Mapping[str, Any] = weeks.get(before, {})
    mean, judged = found.get("mean_confidence"), int(found.get("with_threshold", 0))
    compared = found.get("with_confidence") and earlier.get("with_confidence")
    return {
        "requests": int(found.get("requests", 0)),
        "with_confidence": int(found.get("with_confidence", 0)),
        "mean_confidence": float(mean) if found.get("with_confidence") and mean is not None else None,
        "below_threshold": int(found["below"]) / judged if judged else None,
        "confidence_drift": jensen_shannon_distance([int(n) for n in earlier["bins"]], [int(n) for n in found["bins"]])
        if compared
        else None,
    }


def drift_figures(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key `drift` of the eval report, from the evidence of label_distribution."""
    return {"labels": {key: evidence.get(key) for key in ("distance", "excess", "limit")}} if evidence else {}
