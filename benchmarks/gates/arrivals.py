"""Rows 4 and 5: labels that come late, and labels that come because users complained."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks.gates.figures import Curve, Figure, Measured, Plot, counted, over_a_year
from benchmarks.gates.honest_weeks import blocked_by_complaints
from benchmarks.gates.played import DIFFER, LIMIT, POLICY, WEEK
from ratchet.metrics.betting import log_not_worse

_NEITHER = 0.015
"""Share of requests on which the answers differ and both are wrong."""
_PER_DAY, _DAYS, _WEEKS = 300, 7, 300
_LOOK = 0.5
"""Hours between two looks."""
_WRONG_LATE, _RIGHT_LATE = 6.0, 48.0
"""Mean delay of a label in hours, where live was wrong and where it was right."""
Floats = NDArray[np.float64]
LOSS, WIN, NEITHER = 1, 2, 3


def draw_kinds(generator: Generator, gain: float, n: int) -> NDArray[np.int64]:
    """Return for each of `n` compared requests 0 (alike), or which model alone is right; 3 where both are wrong."""
    chances = np.cumsum([(DIFFER - gain) / 2, (DIFFER + gain) / 2, _NEITHER])
    drawn = generator.random(n)
    return np.asarray(np.where(drawn < chances[-1], 1 + np.searchsorted(chances, drawn, side="right"), 0))


def late_rollout(generator: Generator, gain: float) -> float:
    """Return the hour at which "not worse" was shown, by day nine; 0 where it was not.

    Only ripe requests count; a ripe disagreement without a label is a loss.
    """
    kinds = draw_kinds(generator, gain, _PER_DAY * _DAYS)
    came = np.sort(generator.random(len(kinds)) * 24 * _DAYS)
    labelled = came + generator.exponential(np.where(kinds == LOSS, _RIGHT_LATE, _WRONG_LATE))
    ripe = came + POLICY.ripe_hours
    looks = np.arange(POLICY.ripe_hours + _LOOK, 24 * (_DAYS + 2) + _LOOK, _LOOK)

    def counted_by(times: Floats) -> NDArray[np.int64]:
        return np.searchsorted(np.sort(times), looks, side="right")

    compared, differ = counted_by(ripe), counted_by(ripe[kinds > 0])
    known = {kind: counted_by(np.maximum(ripe, labelled)[kinds == kind]) for kind in (LOSS, WIN, NEITHER)}
    waiting = differ - sum(known.values())
    shown = log_not_worse(known[LOSS] + waiting, known[WIN], compared, POLICY.margin) >= np.log(LIMIT)
    return float(looks[shown.argmax()]) if shown.any() else 0.0


def measure_late_labels() -> Measured:
    """Return row 4."""
    figures: list[Figure] = []
    curves = []
    trials = {-0.02: 4000, -0.05: 4000, 0.02: 1000}
    for gain, demand in ((-0.02, {"at_most": 0.004}), (-0.05, {"at_most": 0.0}), (0.02, {"at_least": 0.75})):
        hours = np.array([late_rollout(np.random.default_rng((4, i)), gain) for i in range(trials[gain])])
        what = f"truth {100 * gain:+.0f}: shown by day 9"
        figures.append(counted(what, int((hours > 0).sum()), len(hours), **demand))
        days = [each / 2 for each in range(4, 19)]
        points = tuple((day, 100 * float(((hours > 0) & (hours <= 24 * day)).mean())) for day in days)
        curves.append(Curve(f"{100 * gain:+.0f} points", points))
    plot = Plot("late_labels", "Shown where labels of live's errors come first", "day", "% of rollouts", tuple(curves))
    return Measured(tuple(figures), (plot,))


@dataclass(frozen=True)
class Queue:
    """A review queue that prefers complaints: how many times as often one is made where live was wrong, and the share
    of the week's disagreements that people get through."""

    weight: float
    done: float

    def play(self, generator: Generator, gain: float) -> bool:
        """Return True where "not worse" was shown in a week, looked at after each label."""
        kinds = draw_kinds(generator, gain, WEEK)
        differ = kinds[kinds > 0]
        complained = generator.random(len(differ)) < 0.15 * np.where(differ == LOSS, 1.0, self.weight)
        order = np.lexsort((generator.random(len(differ)), ~complained))[: round(self.done * len(differ))]
        losses, wins = (np.cumsum(differ[order] == kind) for kind in (LOSS, WIN))
        waiting = len(differ) - np.arange(1, len(order) + 1)
        shown = log_not_worse(losses + waiting, wins, WEEK, POLICY.margin) >= np.log(LIMIT)
        return bool(shown.any())


def measure_complaints() -> Measured:
    """Return row 5: promotions of worse models; the week of one classifier is the drawn stream of requests."""
    figures: list[Figure] = []
    trials = 4000
    for gain in (-0.02, -0.05):
        for weight in (2.0, 3.0, 5.0):
            hits = sum(Queue(weight, 1.0).play(np.random.default_rng((5, i)), gain) for i in range(trials))
            once = counted("", hits, trials)
            what = f"truth {100 * gain:+.0f}, complaints weighted {weight:g}: promoted in a year of 52"
            figures.append(over_a_year(once, POLICY.cycles_per_year, what, at_most=0.05))
    for done in (1.0, 0.9):
        hits = sum(Queue(3.0, done).play(np.random.default_rng((5, i)), 0.02) for i in range(1000))
        figures.append(counted(f"truth +2, weighted 3, {done:.0%} of the disagreements labelled: promoted", hits, 1000))
    for weight in (2.0, 5.0):
        blocked = blocked_by_complaints(weight, _WEEKS)
        what = f"honest week, equal candidate, complaints weighted {weight:g} and no queue: blocked by any gate"
        figures.append(counted(what, blocked, _WEEKS, at_most=0.08))
    return Measured(tuple(figures))
