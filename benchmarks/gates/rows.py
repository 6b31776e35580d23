"""Rows of the measurement, by number: what each demands, and the function that measures it."""

from collections.abc import Callable, Mapping

from benchmarks.gates import distribution, promotion
from benchmarks.gates.figures import Measured

TITLES: Mapping[int, str] = {
    1: "a worse model is promoted",
    2: "a worse model is rolled back",
    3: "a better model is promoted",
    8: "the mix of labels",
}
ROWS: Mapping[int, Callable[[], Measured]] = {
    1: promotion.measure_error,
    2: promotion.measure_rollback,
    3: promotion.measure_power,
    8: distribution.measure_distribution,
}
