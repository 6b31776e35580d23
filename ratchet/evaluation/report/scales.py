"""From values to places in a drawing: linear scales, round ticks and frames. No chart is described here.

Add here arithmetic that several charts share; what a chart shows is in the module of that chart.
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
        """The pixel of `value`, rounded to a hundredth, held inside the scale."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    @property
    def json(self) -> str:
        """`low high start end`: enough to recompute every place, for whoever checks the drawing."""
        return f"{self.low:g} {self.high:g} {self.start:g} {self.end:g}"


def pick_ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values within [low, high], roughly `about` of them."""
    rough = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(s * power for s in _STEPS if s * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def write_ticks(ticks: list[float]) -> list[str]:
    """The ticks' labels, all with as many decimals as the finest needs."""
    decimals = max((len(f"{t:.4f}".rstrip("0").split(".")[1]) for t in ticks), default=0)
    return [f"{t:.{decimals}f}".replace("-", "\N{MINUS SIGN}") for t in ticks]
