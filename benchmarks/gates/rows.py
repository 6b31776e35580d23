"""Rows of the measurement, by number: what each demands, and the function that measures it."""

from collections.abc import Callable, Mapping

from benchmarks.gates import (
    agreement,
    arrivals,
    attacks,
    distribution,
    golden,
    honest_weeks,
    latency,
    promotion,
    receipts,
    stream_weeks,
    temperature,
    thresholds,
)
from benchmarks.gates.figures import Measured

TITLES: Mapping[int, str] = {
    1: "a worse model is promoted",
    2: "a worse model is rolled back",
    3: "a better model is promoted",
    4: "labels that come late",
    5: "labels that come by complaints",
    6: "anchored votes and near-duplicates",
    7: "the golden set",
    8: "the mix of labels",
    9: "agreement",
    10: "honest weeks",
    11: "attacks",
    12: "the temperature",
    13: "thresholds for acting",
    14: "latency",
    15: "altered receipts",
}
ROWS: Mapping[int, Callable[[], Measured]] = {
    1: promotion.measure_error,
    2: promotion.measure_rollback,
    3: promotion.measure_power,
    4: arrivals.measure_late_labels,
    5: arrivals.measure_complaints,
    6: stream_weeks.measure_stream,
    7: golden.measure_golden,
    8: distribution.measure_distribution,
    9: agreement.measure_doubles,
    10: honest_weeks.measure_honest_weeks,
    11: attacks.measure_attacks,
    12: temperature.measure_temperature,
    13: thresholds.measure_thresholds,
    14: latency.measure_guardrails_of_time,
    15: receipts.measure_receipts,
}
