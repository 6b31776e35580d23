"""Measure the history of a year: the first load, the next ones, and the page, of 52 weeks with 30 labels.

Run `python -m benchmarks.history`. The first load reads every file, the next ones look at times and sizes only.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.core.pages.frame import Frame
from ratchet.storage.home import Home
from ratchet.testing.year_of_weeks import write_year
from ratchet.workflows.history.history import load_history
from ratchet.workflows.history.page.rendering import render_trends

_TIMES = 5


def main() -> int:
    """Run the benchmark; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--labels", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, now = Home(Path(folder)), datetime(2026, 1, 6, tzinfo=UTC)
        write_year(home, weeks=options.weeks, labels=options.labels)
        first, document = _time(lambda: load_history(home, "small", now))
        again = [_time(lambda: load_history(home, "small", now))[0] for _ in range(_TIMES)]
        drawn = [_time(lambda: render_trends(document, Frame("../", "small", "trends"), str)) for _ in range(_TIMES)]
    lines = (
        f"{options.weeks} weeks of {options.labels} labels",
        f"first load        {first * 1000:7.0f} ms",
        f"next load, median {statistics.median(again) * 1000:7.0f} ms",
        f"page, median      {statistics.median(seconds for seconds, _ in drawn) * 1000:7.0f} ms",
        f"page              {len(drawn[0][1].encode()) / 1000:7.0f} kB",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _time(run: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = run()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    sys.exit(main())
