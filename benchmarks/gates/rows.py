"""Rows of the measurement, by number: what each demands, and the function that measures it."""

from collections.abc import Callable, Mapping

from benchmarks.gates import promotion
from benchmarks.gates.figures import Measured

TITLES: Mapping[int, str] = {
    1: "a worse model is promoted",
    2: "a worse model is rolled back",
    3: "a better model is promoted",
}
ROWS: Mapping[int, Callable[[], Measured]] = {
    1: promotion.measure_error,
    2: promotion.measure_rollback,
    3: promotion.measure_power,
}
