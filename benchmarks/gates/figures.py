"""Figures of a row: what was measured, with its interval, its demand and the answer to it.

Add here another kind of demand; how figures are measured is in the module of each gate.
"""

import math
from dataclasses import dataclass, replace

from ratchet.metrics.intervals import proportion_interval


@dataclass(frozen=True)
class Figure:
    """One measured figure. `low` and `high` are its 95 % interval; None where it was computed exactly."""

    what: str
    value: float
    demand: str = ""
    """The demand in words; empty for a figure that is only shown."""
    met: bool = True
    low: float | None = None
    high: float | None = None
    unit: str = "%"
    """`%` for a share, which is shown in percent; else the unit of the number."""

    def write(self) -> str:
        """Return the figure with its interval, as the table has it."""
        if self.low is None or self.high is None:
            return f"{self._number(self.value)} (exact)"
        return f"{self._number(self.value)} [{self._number(self.low)}, {self._number(self.high)}]"

    def _number(self, value: float) -> str:
        if self.unit != "%":
            return f"{value:.3g} {self.unit}".strip()
        percent = 100 * value
        digits = 1 if percent == 0 or abs(percent) >= 1 else min(6, 1 - math.floor(math.log10(abs(percent))))
        return f"{percent:.{digits}f} %"


@dataclass(frozen=True)
class Curve:
    """One line of a plot: its name and its points."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Plot:
    """One plot of the page; the file is `docs/explanation/gates/<name>.svg`."""

    name: str
    title: str
    across: str
    up: str
    curves: tuple[Curve, ...]
    limit: float | None = None
    """A demand, drawn as a line."""


@dataclass(frozen=True)
class Measured:
    """Figures and plots of one row."""

    figures: tuple[Figure, ...]
    plots: tuple[Plot, ...] = ()

    @property
    def met(self) -> bool:
        """True where every demand of the row is met."""
        return all(figure.met for figure in self.figures)


def exact(what: str, value: float, *, at_most: float | None = None, at_least: float | None = None) -> Figure:
    """Return a share that was computed, not simulated."""
    return Figure(what, value, *_judge(value, at_most, at_least, "%"))


def counted(
    what: str, hits: int, trials: int, *, at_most: float | None = None, at_least: float | None = None
) -> Figure:
    """Return the share of trials with its exact 95 % interval (Clopper and Pearson 1934)."""
    low, high = proportion_interval(hits, trials)
    return Figure(what, hits / trials, *_judge(hits / trials, at_most, at_least, "%"), low, high)


def agrees(what: str, hits: int, trials: int, computed: float) -> Figure:
    """Return a simulated share, whose demand is that its exact 99.9 % interval holds the computed one."""
    low, high = proportion_interval(hits, trials, 0.999)
    shown = counted(what, hits, trials)
    return replace(shown, demand=f"agrees with {100 * computed:.3g} %", met=low <= computed <= high)


def number(
    what: str, value: float, unit: str, interval: tuple[float, float] | None = None,
    *, at_most: float | None = None, at_least: float | None = None,
) -> Figure:  # fmt: skip
    """Return a figure that is not a share, with its interval where it was simulated."""
    low, high = interval or (None, None)
    return Figure(what, value, *_judge(value, at_most, at_least, unit), low, high, unit)


def over_a_year(figure: Figure, cycles: int, what: str, *, at_most: float) -> Figure:
    """Return the chance of one or more in a year of `cycles` independent rollouts, from that of one."""

    def year(share: float) -> float:
        return -math.expm1(cycles * math.log1p(-share)) if share < 1 else 1.0

    ends = (None, None) if figure.low is None or figure.high is None else (year(figure.low), year(figure.high))
    return Figure(what, year(figure.value), *_judge(year(figure.value), at_most, None, "%"), *ends)


def _judge(value: float, at_most: float | None, at_least: float | None, unit: str) -> tuple[str, bool]:
    limit = at_least if at_most is None else at_most
    if limit is None:
        return "", True
    written = f"{100 * limit:g} %" if unit == "%" else f"{limit:g} {unit}".strip()
    return (f"at least {written}", value >= limit) if at_most is None else (f"at most {written}", value <= limit)
