"""Measure the weekly cycle on real tickets: every week runs in order and is promoted.

Run `python -m benchmarks.weeks --data FOLDER` (`--weeks 2` for a quick look). The candidates are those that `ratchet
init` writes. Logs and corrections of one week are ingested, its cycle runs, and the passed candidate becomes live by
`ratchet promote` before the next week. Prints a row for each week, from its `eval_report.json`. Exits 1 when a gate
stopped a week.
"""

import argparse
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.sweep import DATA, KINDS, NAME, need_data, ratchet
from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports

HEADER = (
    "week",
    "training texts",
    "kept",
    "test macro-F1 (95 %)",
    "TF-IDF",
    "linear probe",
    "golden macro-F1",
    "ECE",
    "seconds",
)


def main() -> int:
    """Run the weeks and print a row for each; return 0 when every week passed its gates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help=DATA)
    parser.add_argument("--weeks", type=int, default=8, help="number of weeks, from the first")
    options = parser.parse_args()
    need_data(options.data)
    weeks = sorted(path.stem for path in (options.data / KINDS[0]).glob("*.jsonl"))[: options.weeks]
    print(f"| {' | '.join(HEADER)} |\n|{'---|' * len(HEADER)}")
    with tempfile.TemporaryDirectory(prefix="ratchet-weeks-") as folder:
        home = Home(Path(folder) / "home")
        ratchet(home, "init", NAME, "--labels-from", options.data / "golden.jsonl")
        for week in weeks:
            files = [
                word
                for kind in KINDS
                for word in (f"--{kind.rpartition('_')[2]}", options.data / kind / f"{week}.jsonl")
            ]
            ratchet(home, "ingest", NAME, *files, codes=(0, 3))
            started = time.perf_counter()
            code = ratchet(home, "cycle", NAME, "--week", week, codes=(0, 2))
            seconds = time.perf_counter() - started
            if code:
                print(f"a gate stopped the week {week}")
                return 1
            ratchet(home, "promote", NAME, "--why", f"the week {week} passed", "--yes")
            print(row(Reports(home).read(Cycle(NAME, date.fromisoformat(week))), seconds), flush=True)
    return 0


def row(report: dict[str, Any], seconds: float) -> str:
    """Format one week as a row of a Markdown table."""
    test, golden = (report["metrics"][split] for split in ("test", "golden"))
    low, high = test["macro_f1_ci"]
    cells = (
        report["week"],
        f"{report['splits']['train']['n']:,}",
        report["candidate"]["method"],
        f"{test['macro_f1']:.3f} ({low:.3f} to {high:.3f})",
        *(f"{report['baselines'][name]['macro_f1']:.3f}" for name in ("tfidf_logreg", "linear_probe")),
        f"{golden['macro_f1']:.3f}",
        f"{test['ece']:.3f}",
        f"{seconds:.0f}",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
