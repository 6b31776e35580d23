"""Tiles: each guardrail with its figure, interval and limit in words, and the places of a small drawing of the three.

Add here the wording of a new guardrail. Guardrails are measured in `ratchet/rollout/guardrails/measure.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.evaluation.report.formatting import NO_DATA, format_figure
from ratchet.rollout.guardrails.guardrail import Guardrail

_WORDS = {
    "ok": ("passed", "✓", "within its limit"),
    "unsure": ("open", "~", "not certain yet"),
    "open": ("open", "~", "not shown yet"),
    "high": ("blocked", "▲", "over its limit"),
    "broken": ("blocked", "✕", "failing"),
    "unknown": ("open", "?", NO_DATA),
}


@dataclass(frozen=True)
class Mark:
    """Places on a line from 0 to 100: the limit, and the figure with the ends of its interval where there are any."""

    limit: float
    value: float
    start: float | None = None
    width: float | None = None


@dataclass(frozen=True)
class Tile:
    """One guardrail in the words of the page."""

    name: str
    tone: str
    sign: str
    word: str
    value: str
    interval_name: str
    interval: str
    limit: str
    drawn: Mark | None
    usual: str = ""
    """The 95 % interval, beside one that decides; empty where that is the only one."""


def build_tiles(guardrails: Sequence[Guardrail], *, is_shown: bool = False) -> tuple[Tile, ...]:
    """Build one tile for each guardrail, in order; `is_shown` where "not worse" carried the first step already."""
    return tuple(_lay(guardrail, is_shown) for guardrail in guardrails)


def is_failing(guardrail: Guardrail) -> bool:
    """Return True where the figure is over its limit, whether this rolls the candidate back or only holds it."""
    return guardrail.status in {"broken", "high"}


def _lay(found: Guardrail, is_shown: bool) -> Tile:
    kind = "accuracy" if found.name.startswith("accuracy") else found.name
    unsure = found.status == "ok" and _crosses(found, kind)
    tone, sign, word = _WORDS["unsure" if unsure else found.status]
    if found.status == "open" and is_shown:  # one proof carries the climb, whatever it looks like by now
        tone, sign, word = "passed", "✓", "shown at the first step"
    side = "at least" if kind == "accuracy" else "at most"
    interval = _span(kind, found.low, found.high) or "no interval"
    limit = "no limit" if found.limit is None else f"{side} {_write(kind, found.limit)}"
    name = "95 % interval" if found.name == kind else "Interval, wider for many labels"
    if found.confidence is not None:
        name = f"Deciding interval, each end {100 * found.confidence:.1f} %"
    usual = _span(kind, found.low_95, found.high_95)
    return Tile(found.name, tone, sign, word, _write(kind, found.value), name, interval, limit, _draw(found), usual)


def _span(kind: str, low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{_plain(kind, low)} to {_write(kind, high)}"


def _crosses(found: Guardrail, kind: str) -> bool:
    """Return True where the interval holds values on the wrong side of the limit."""
    if found.low is None or found.high is None or found.limit is None:
        return False
    return found.low < found.limit if kind == "accuracy" else found.high > found.limit


def _write(kind: str, value: float | None) -> str:
    if value is None:
        return NO_DATA
    unit = {"accuracy": "pp", "stalls": "pp", "latency": "\N{MULTIPLICATION SIGN}", "cost": ""}.get(kind, "%")
    return f"{_plain(kind, value)}\N{NO-BREAK SPACE}{unit}".rstrip()


def _plain(kind: str, value: float) -> str:
    return (
        format_figure(value, "2")
        if kind in {"latency", "cost"}
        else format_figure(100 * value, "+1" if kind in {"accuracy", "stalls"} else "1")
    )


def _draw(found: Guardrail) -> Mark | None:
    if found.value is None or found.limit is None:
        return None
    shown = [found.value, found.limit, 0.0, *(end for end in (found.low, found.high) if end is not None)]
    low, high = min(shown), max(shown)
    room = (high - low) * 0.06 or 1.0
    low, high = low - room, high + room

    def at(value: float) -> float:
        return round(100 * (value - low) / (high - low), 2)

    if found.low is None or found.high is None:
        return Mark(at(found.limit), at(found.value))
    return Mark(at(found.limit), at(found.value), at(found.low), round(at(found.high) - at(found.low), 2))
