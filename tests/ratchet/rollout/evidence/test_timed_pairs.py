"""Timed pairs are counted on the same request, in like batches, by both models' processor time."""

from math import inf, nan

import duckdb
import pytest

from ratchet.rollout.evidence.timed_pairs import TIMES_SQL

PLAIN = [(10.0, 12.0)] * 8
Counts = tuple[int, int, float | None, int, int]
"""Timed, slower than twice, median ratio, stalls of the candidate alone, stalls of live alone."""

CASES: dict[str, tuple[list[tuple[float | None, float | None]], Counts]] = {
    "nothing": ([], (0, 0, None, 0, 0)),
    "alike": (PLAIN, (8, 0, 1.2, 0, 0)),
    "long texts cost both": ([*PLAIN, (100.0, 120.0)], (9, 0, 1.2, 0, 0)),
    "three times slower": ([(10.0, 30.0)] * 5, (5, 5, 3.0, 0, 0)),
    "the candidate stalls": ([*PLAIN, (10.0, 120.0)], (9, 1, 1.2, 1, 0)),
    "live stalls": ([*PLAIN, (100.0, 12.0)], (9, 0, 1.2, 0, 1)),
    "both stall at once": ([*PLAIN, (100.0, 120.0)], (9, 0, 1.2, 0, 0)),
    "slow everywhere, and stalling": ([*[(10.0, 19.0)] * 8, (10.0, 190.0)], (9, 1, 1.9, 1, 0)),
    "times that are none": ([*PLAIN, (None, 1.0), (1.0, None), (0.0, 1.0), (1.0, inf), (nan, 1.0)], (8, 0, 1.2, 0, 0)),
}


@pytest.mark.parametrize("name", CASES)
def test_pairs_are_slow_by_the_other_models_time_for_the_same_text(name: str) -> None:
    """Each kind of slowness is counted where it belongs; what cannot be timed counts nowhere."""
    times, expected = CASES[name]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE pairs (timed BOOLEAN, other_error VARCHAR, incumbent_ms DOUBLE, challenger_ms DOUBLE)"
        )
        rows = [(True, None, *each) for each in times]
        rows += [(False, None, 1.0, 99.0), (True, "RuntimeError", 1.0, 99.0)]  # other batches; a failed answer
        connection.executemany("INSERT INTO pairs VALUES (?, ?, ?, ?)", rows)
        found = connection.execute(TIMES_SQL, {"slower": 2.0}).fetchall()[0]
    assert found == pytest.approx(expected)
