"""Command of the measurement: `python -m benchmarks.gates [ROW ...]`.

All rows are measured and written into docs/explanation/gates.md, or those that are named; the others stay there as they
were. The exit status is 1 where a demand is not met.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.gates.figures import Measured
from benchmarks.gates.page import PAGE, render, write
from benchmarks.gates.rows import ROWS, TITLES

ROOT = Path(__file__).parents[2]


def measure(row: int) -> tuple[Measured, float]:
    """Return what a row measured, and the seconds that it took."""
    start = time.perf_counter()
    return ROWS[row](), time.perf_counter() - start


def main() -> int:
    """Measure, print and write; return 1 where a demand is not met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gates", description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, choices=[[], *ROWS], metavar="ROW")
    rows = parser.parse_args().rows or [*ROWS]
    found = {}
    with ProcessPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        for row, (measured, seconds) in zip(rows, pool.map(measure, rows), strict=True):
            found[row] = measured
            print(f"row {row}: {TITLES[row]} ({seconds:.0f} s)", file=sys.stderr, flush=True)
    print(render(found, TITLES))
    write(ROOT, found, TITLES)
    print(f"written: {PAGE}", file=sys.stderr)
    missed = [row for row in found if not found[row].met]
    if missed:
        print(f"demands that are not met: rows {', '.join(map(str, missed))}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
