"""Scales: places of values in a drawing, and round ticks.

Add here arithmetic that several charts share; the content of a chart is in the module of that chart.
"""

import math
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """A linear scale: value `low` lies at pixel `start`, value `high` at pixel `end` (which may be smaller)."""

    low: float
    high: float
    start: float
    end: float

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"a scale needs low < high, not {self.low} and {self.high}")

    def at(self, value: float) -> float:
        """Return the pixel of `value`, rounded to a hundredth and clipped to the scale."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    @property
    def json(self) -> str:
        """Numbers `low high start end`, from which every place of a drawing can be checked."""
        return f"{self.low:g} {self.high:g} {self.start:g} {self.end:g}"


def pick_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round values within [low, high], roughly `about` of them."""
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def write_ticks(ticks: list[float]) -> list[str]:
    """Write the ticks' labels, all with as many decimals as the finest needs."""
    decimals = max((len(f"{t:.4f}".rstrip("0").split(".")[1]) for t in ticks), default=0)
    return [f"{t:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for t in ticks]
