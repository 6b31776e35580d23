"""Speed of an adapter and of an export of it on this machine, one text at a time.

Add here other figures of speed in a record. `benchmarks/exports.py` measures the speed that int8 must reach.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ratchet.models.inference.predictor import Predictor

_TEXTS = 24


@dataclass(frozen=True)
class Speed:
    """Texts per second, measured in turn in one process; on a busy machine only their ratio is meaningful."""

    adapter_texts_per_s: float
    export_texts_per_s: float
    texts: int

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def compare_speed(adapter: Predictor, export: Predictor, texts: Sequence[str]) -> Speed | None:
    """Run both on the first 24 of `texts`, in turn, and take the median time; None without any text."""
    sample = texts[:_TEXTS]
    if not sample:
        return None
    seconds: tuple[list[float], list[float]] = ([], [])
    for text in (sample[0], *sample):  # the first one warms up
        for times, predictor in zip(seconds, (adapter, export), strict=True):
            started = time.perf_counter()
            predictor.predict([text])
            times.append(time.perf_counter() - started)
    ours, theirs = (round(1 / statistics.median(times[1:]), 2) for times in seconds)
    return Speed(ours, theirs, len(sample))
