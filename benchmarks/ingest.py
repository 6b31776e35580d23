"""Measure intake against DuckDB alone, which reads the same file and writes one Parquet file.

Run `python -m benchmarks.ingest` (`--rows 200000` for a quick look; missed bounds are then shown but do not fail). Each
measurement is a fresh process; the two sides alternate, and the best of each counts. The bound on the ratio holds for
wall-clock time and for processor time (user + system, both threads), whichever is worse; growth is judged in processor
time. Exits 1 when a bound is missed or a planted row is miscounted.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ratchet.config.spec import Label, Spec
from ratchet.data.row_rules import AHEAD
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home

FULL_ROWS = 1_000_000
GROWTH = 4
MAX_RATIO = 4.0
MAX_RSS_MB = 2000
MAX_GROWTH = 4.6
LABELS = tuple(f"label_{i}" for i in range(11))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
FORMATS = ("parquet", "jsonl")
SIDES = ("duckdb", "ratchet")

PLANTED = {
    "text is empty": ("text", "''"),
    "label is not in classifier.toml": ("label", "'elsewhere'"),
    "confidence is outside 0..1": ("confidence", "1.5"),
    AHEAD: ("ts", "TIMESTAMPTZ '2031-01-01T00:00:00Z'"),
    "request_id is missing": ("request_id", "NULL"),
}
"""Bad values by reason: column and value; one row in a hundred has one of them, in turn."""
NULLED = "confidence is outside 0..1"
"""The one of them that costs its row a value only."""

WORDS = (
    "card",
    "payment",
    "transfer",
    "pending",
    "abroad",
    "refund",
    "cash",
    "limit",
    "fee",
    "account",
    "stolen",
    "exchange",
)


def make_file(path: Path, rows: int) -> dict[str, int]:
    """Write `rows` production logs with 1 % planted bad ones to `path`; return the number of each kind."""
    columns = {
        "request_id": "md5(i::VARCHAR)",
        "ts": "TIMESTAMPTZ '2026-01-05T00:00:00Z' + to_microseconds(i * 1700000 % 4838400000000)",
        "text": (
            "list_reduce(list_transform(range(6 + i % 9), lambda k: ['"
            + "','".join(WORDS)
            + f"'][1 + (hash(i * 31 + k) % {len(WORDS)})::INT]), lambda a, b: a || ' ' || b) || ' ' || i"
        ),
        "label": f"'label_' || (hash(i) % {len(LABELS)})",
        "confidence": "round((hash(i + 1) % 10000) / 10000.0, 4)",
        "adapter": "'bootstrap'",
        "latency_ms": "round((hash(i + 2) % 5000) / 100.0, 2)",
    }
    turn = {name: turn for turn, (name, _) in enumerate(PLANTED.values())}
    values = dict(PLANTED.values())
    chosen = []
    for name, good in columns.items():
        if name in turn:
            good = (
                f"CASE WHEN i % 100 = 37 AND i // 100 % {len(PLANTED)} = {turn[name]} THEN {values[name]} ELSE"
                f" {good} END"
            )
        chosen.append(f"{good} AS {name}")
    if path.suffix == ".jsonl":  # JSON has no type for a time, so it is written as text
        chosen[1] = f"strftime({chosen[1].removesuffix(' AS ts')}, '%Y-%m-%dT%H:%M:%S.%fZ') AS ts"
    form = "FORMAT json" if path.suffix == ".jsonl" else "FORMAT parquet, COMPRESSION zstd"
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; SET threads = 2")
        connection.execute(f"COPY (SELECT {', '.join(chosen)} FROM range({rows}) r(i)) TO '{path}' ({form})")
    bad_rows = rows // 100
    return {reason: len(range(turn, bad_rows, len(PLANTED))) for turn, reason in enumerate(PLANTED)}


def read_and_write(source: Path, target: Path) -> None:
    """Read the file into a DuckDB table and write it as one Parquet file: the least that intake must do."""
    with duckdb.connect(config={"memory_limit": "1GB", "threads": 2}) as connection:
        connection.execute(f"CREATE TABLE t AS FROM '{source}'")
        connection.execute(f"COPY t TO '{target}' (FORMAT parquet, COMPRESSION zstd)")


def measure(side: str, source: Path, folder: Path) -> dict[str, object]:
    """Run one side in a fresh process; return seconds, peak RSS in MB and, for ours, the intake."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest", "--side", side, "--source", str(source), "--folder", str(folder)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def work(side: str, source: Path, folder: Path) -> dict[str, object]:
    """Run one side in this process."""
    start, begun, report = time.perf_counter(), time.process_time(), {}
    if side == "duckdb":
        read_and_write(source, folder / "roof.parquet")
    else:
        home = Home(folder)
        spec = Spec("bench", tuple(Label(name) for name in LABELS))
        intake = Landing(home, open_warehouse(home, spec.name)).deliver(spec, "production_logs", source, now=NOW)
        report = {
            "accepted": intake.accepted,
            "duplicate": intake.duplicate,
            "reasons": {**intake.reasons, **intake.nulled},
        }
    clock, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
    return {"clock": clock, "cpu": used.ru_utime + used.ru_stime - begun, "rss_mb": used.ru_maxrss / 1024, **report}


def compare(form: str, rows: int, repeats: int) -> tuple[dict[str, float], list[str]]:
    """Measure both sides on one file; return figures and complaints."""
    complaints = []
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as root:
        source = Path(root) / f"logs.{form}"
        planted = make_file(source, rows)
        best = {(side, unit): float("inf") for side in SIDES for unit in ("cpu", "clock")}
        peak = 0.0
        for turn in range(repeats):
            for side in SIDES:
                # A new home for each run: intake skips rows that a home already has.
                with tempfile.TemporaryDirectory(dir=root) as folder:
                    result = measure(side, source, Path(folder))
                for unit in ("cpu", "clock"):
                    best[side, unit] = min(best[side, unit], float(str(result[unit])))
                if side == "ratchet":
                    peak = max(peak, float(str(result["rss_mb"])))
                    if (result["accepted"], result["duplicate"], result["reasons"]) != (
                        rows - sum(planted.values()) + planted[NULLED],
                        0,
                        planted,
                    ):
                        complaints.append(f"{form} {rows}: planted {planted}, run {turn} found {result}")
        size_mb = source.stat().st_size / 1e6
    return {
        "mb": size_mb,
        "rss_mb": peak,
        **{f"{side} {unit}": value for (side, unit), value in best.items()},
    }, complaints


def main() -> int:
    """Measure and print the table and the missed bounds; return 1 when one counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=FULL_ROWS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=("duckdb", "ratchet"), help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side:
        print(json.dumps(work(given.side, given.source, given.folder)))
        return 0
    complaints: list[str] = []
    missed: list[str] = []
    print(f"{'':27} {'processor seconds':^25} {'by the clock':^25}")
    head = f"{'duckdb':>8} {'ratchet':>8} {'ratio':>7}"
    print(f"{'format':8} {'rows':>9} {'file MB':>8} {head} {head} {'peak MB':>8}")
    for form in FORMATS:
        seconds = []
        for rows in (given.rows, given.rows * GROWTH):
            figures, wrong = compare(form, rows, given.repeats)
            complaints += wrong
            seconds.append(figures["ratchet cpu"])
            ratio = max(figures[f"ratchet {unit}"] / figures[f"duckdb {unit}"] for unit in ("cpu", "clock"))
            pairs = [(figures[f"duckdb {unit}"], figures[f"ratchet {unit}"]) for unit in ("cpu", "clock")]
            times = " ".join(f"{theirs:8.2f} {ours:8.2f} {ours / theirs:7.2f}" for theirs, ours in pairs)
            print(f"{form:8} {rows:9} {figures['mb']:8.1f} {times} {figures['rss_mb']:8.0f}", flush=True)
            if ratio > MAX_RATIO:
                missed.append(f"{form} {rows}: ratio {ratio:.2f} is over {MAX_RATIO}")
            if figures["rss_mb"] >= MAX_RSS_MB:
                missed.append(f"{form} {rows}: peak {figures['rss_mb']:.0f} MB is not under {MAX_RSS_MB}")
        growth = seconds[1] / seconds[0]
        print(f"{form:8} {GROWTH} times the rows take {growth:.2f} times as long (bound {MAX_GROWTH})")
        if growth > MAX_GROWTH:
            missed.append(f"{form}: growth {growth:.2f} is over {MAX_GROWTH}")
    for line in complaints + missed:
        print("MISSED", line)
    return 1 if complaints or (missed and given.rows >= FULL_ROWS) else 0


if __name__ == "__main__":
    sys.exit(main())
