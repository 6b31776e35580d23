"""Measure what a newcomer waits for: help, the demo's first line and longest silence, a report in a browser.

`python -m benchmarks.first_look help|demo|report [FOLDER]`; `demo` takes minutes, and `report` opens the newest report
of a home, such as data/demo.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ratchet.core.errors import UsageError

_TIMES = 7
_RATCHET = (sys.executable, "-m", "orchestration.cli.app")


def measure_help() -> list[str]:
    """Return the median time of `ratchet --help`."""
    took = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        subprocess.run([*_RATCHET, "--help"], check=True, capture_output=True)
        took.append(time.perf_counter() - started)
    return [f"ratchet --help, median of {_TIMES}  {statistics.median(took):.2f} s"]


def measure_demo() -> list[str]:
    """Return when the demo's first line came, its longest silence and its end."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*_RATCHET, "--home", f"{folder}/demo", "demo"]
        started = last = time.perf_counter()
        first, silence = None, 0.0
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
            for _ in running.stdout or ():
                now = time.perf_counter()
                first, silence, last = first or now - started, max(silence, now - last), now
        end = time.perf_counter() - started
    return [
        f"first line       {first or end:.1f} s",
        f"longest silence  {silence:.1f} s",
        f"end              {end:.0f} s",
    ]


def measure_report(home: Path) -> list[str]:
    """Return size and load time of the newest report of a home, in Chromium."""
    from playwright.sync_api import sync_playwright

    pages = sorted(home.glob("*/reports/*/eval_report.html"), key=lambda path: path.stat().st_mtime)
    if not pages:
        raise UsageError(f"{home} has no report.", "Run `make demo` first, or name another home.")
    with sync_playwright() as play:
        browser = play.chromium.launch()
        page = browser.new_page()
        page.goto(pages[-1].resolve().as_uri())
        loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        browser.close()
    return [f"{pages[-1].stat().st_size / 1000:.0f} kB, loaded in {loaded / 1000:.2f} s"]


def main() -> int:
    """Run one measurement; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("help", "demo", "report"))
    parser.add_argument("home", nargs="?", type=Path, default=Path("data/demo"))
    options = parser.parse_args()
    found: dict[str, Callable[[], list[str]]] = {
        "help": measure_help,
        "demo": measure_demo,
        "report": partial(measure_report, options.home),
    }
    print("\n".join(found[options.what]()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
