"""The machine that trains: what it draws and what it costs, as the specification says it. Nothing is measured here.

Add here what follows from seconds and the machine. Seconds are measured where the work is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.config.validation import STRICT, need_at_least


@dataclass(frozen=True)
class Machine:
    """Table `[machine]` of the specification: it turns seconds into an estimate of energy and cost, and decides
    nothing."""

    __pydantic_config__ = STRICT

    watts: float = 30.0
    """What it draws while it trains. The default is a guess for two busy server cores with their share of memory and
    losses."""
    price_per_hour: float = 0.1
    """What an hour of it costs, in your currency. The default is the order of a small rented two-core machine."""

    def __post_init__(self) -> None:
        need_at_least("machine.watts", self.watts, 0)
        need_at_least("machine.price_per_hour", self.price_per_hour, 0)

    @property
    def is_price_assumed(self) -> bool:
        """Whether the price of an hour is the assumed default."""
        return self.price_per_hour == Machine.price_per_hour

    def describe(self) -> dict[str, Any]:
        """The settings as JSON types, and whether they are the assumed defaults."""
        return {"watts": self.watts, "price_per_hour": self.price_per_hour, "assumed": self == Machine()}

    def spend(self, seconds: float) -> dict[str, float]:
        """What `seconds` of it come to: `seconds` themselves, `energy_wh` in watt hours, `cost` in the price's
        currency."""
        hours = seconds / 3600
        return {"seconds": seconds, "energy_wh": hours * self.watts, "cost": hours * self.price_per_hour}


def sum_seconds(timings_s: Mapping[str, float]) -> float:
    """Seconds of all stages: they run one after the other."""
    return float(sum(timings_s.values()))
