"""Table `[machine]` of the specification: power and price of the machine that trains.

Add here what follows from seconds and the machine. Seconds are measured where the work is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.config.validation import STRICT, need_at_least


@dataclass(frozen=True)
class Machine:
    """Power and price that turn seconds into estimates of energy and cost; no decision depends on them."""

    __pydantic_config__ = STRICT

    watts: float = 30.0
    """Power while training, in watts. The default is a guess for two busy server cores, memory and losses included."""
    price_per_hour: float = 0.1
    """Price of an hour, in your currency. The default is in the range of a small rented two-core machine."""

    def __post_init__(self) -> None:
        need_at_least("machine.watts", self.watts, 0)
        need_at_least("machine.price_per_hour", self.price_per_hour, 0)

    @property
    def is_price_assumed(self) -> bool:
        """True where the price is the assumed default."""
        return self.price_per_hour == Machine.price_per_hour

    def describe(self) -> dict[str, Any]:
        """Return the settings as JSON types, and `assumed`: true for the defaults."""
        return {"watts": self.watts, "price_per_hour": self.price_per_hour, "assumed": self == Machine()}

    def spend(self, seconds: float) -> dict[str, float]:
        """Return `seconds`, `energy_wh` in watt hours and `cost` in the currency of the price."""
        hours = seconds / 3600
        return {"seconds": seconds, "energy_wh": hours * self.watts, "cost": hours * self.price_per_hour}


def sum_seconds(timings_s: Mapping[str, float]) -> float:
    """Return the sum of the seconds of all stages, which run one after the other."""
    return float(sum(timings_s.values()))
