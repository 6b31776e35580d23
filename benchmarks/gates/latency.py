"""Row 14: latency: a candidate that is as fast as live, one that stalls, and one that is three times slower."""

from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted
from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.timed_pairs import TIMES_SQL
from ratchet.rollout.guardrails.latency import measure_latency

POLICY = PromotionPolicy()
_TRIALS, _PAIRS, _EVERY = 300, 500, 50
_STALL, _TIMES = 0.05, 10.0


@dataclass(frozen=True)
class Speeds:
    """Speeds of both models: the share of requests on which each stalls tenfold, and the candidate's usual ratio."""

    live_stalls: float = 0.0
    stalls: float = 0.0
    ratio: float = 1.0


def draw_times(generator: Generator, speeds: Speeds) -> NDArray[np.float64]:
    """Return the times of live and candidate in milliseconds, [pairs, 2]: a text's length slows both alike."""
    length = 20 * generator.lognormal(0.0, 0.6, (_PAIRS, 1))
    times = length * generator.lognormal(0.0, 0.2, (_PAIRS, 2)) * np.array([1.0, speeds.ratio])
    stalled = generator.random((_PAIRS, 2)) < np.array([speeds.live_stalls, speeds.stalls])
    return np.asarray(np.where(stalled, _TIMES * times, times))


def first_break(connection: duckdb.DuckDBPyConnection, times: NDArray[np.float64]) -> int:
    """Return the pairs after which a guardrail of time is broken, looked at every 50; 0 for never."""
    frame = pd.DataFrame({"incumbent_ms": times[:, 0], "challenger_ms": times[:, 1]})
    connection.register("drawn", frame)
    for n in range(_EVERY, _PAIRS + 1, _EVERY):
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE pairs AS"
            f" SELECT true AS timed, NULL::VARCHAR AS other_error, * FROM drawn LIMIT {n}"
        )
        timed, slower, ratio, stalls, live_stalls = connection.execute(
            TIMES_SQL, {"slower": POLICY.max_latency_ratio}
        ).fetchall()[0]
        step = Evidence(requests=n, timed=timed, slower=slower, median_time_ratio=ratio, stalls=stalls,
                        live_stalls=live_stalls)  # fmt: skip
        if any(guardrail.status == "broken" for guardrail in measure_latency(POLICY, step)):
            return n
    return 0


def measure_guardrails_of_time() -> Measured:
    """Return row 14."""
    kinds = {
        "both stall on 5 %": Speeds(_STALL, _STALL),
        "the candidate alone stalls on 5 %": Speeds(0.0, _STALL),
        "three times slower": Speeds(ratio=3.0),
        "three times slower, both stall on 5 %": Speeds(_STALL, _STALL, 3.0),
        "1.5 times slower": Speeds(ratio=1.5),
    }
    found = {}
    with duckdb.connect() as connection:
        for i, (name, speeds) in enumerate(kinds.items()):
            draws = (draw_times(np.random.default_rng((14, i, trial)), speeds) for trial in range(_TRIALS))
            found[name] = np.array([first_break(connection, times) for times in draws])

    def share(name: str, within: int, *, at_most: float | None = None, at_least: float | None = None) -> Figure:
        hits = int(((found[name] > 0) & (found[name] <= within)).sum())
        return counted(f"{name}: rolled back within {within} pairs", hits, _TRIALS, at_most=at_most, at_least=at_least)

    both, alone, slow, slow_both, within_limit = kinds
    looks = range(_EVERY, _PAIRS + 1, _EVERY)
    curves = tuple(
        Curve(name, tuple((n, 100 * float(((times > 0) & (times <= n)).mean())) for n in looks))
        for name, times in found.items()
    )
    return Measured(
        (
            share(both, _PAIRS, at_most=0.01),
            share(alone, _PAIRS, at_least=0.90),
            share(slow, 100, at_least=0.95),
            share(slow_both, 100),
            share(within_limit, _PAIRS),
        ),
        (Plot("latency", "Rolled back for time", "timed pairs", "% of rollouts", curves),),
    )
