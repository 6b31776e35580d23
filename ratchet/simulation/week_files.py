"""Writes a simulated week as the two files that a landing folder takes, one request after the other, whatever their
number.

Add a file format here. What stands in the rows is decided in `weeks.py`.
"""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal

from ratchet.core.errors import RatchetError

JsonRow = dict[str, Any]
Suffix = Literal["jsonl", "parquet"]
_BATCH_ROWS = 20_000


def write_week_files(
    folder: Path, week: date, requests: Iterable[tuple[JsonRow, Iterable[JsonRow]]], *, suffix: Suffix = "jsonl"
) -> tuple[Path, Path]:
    """Write log rows and their corrections, in order of arrival, to `production_logs/` and `corrections/` below
    `folder`.

    A correction made after the week's end waits in a hidden file until the next week is written to the same folder, and
    arrives there. Both files appear whole or not at all. Memory: the corrections under way and one batch. Returns the
    two paths.
    """
    if suffix not in ("jsonl", "parquet"):
        raise RatchetError(f"suffix = {suffix!r} is no format.", "Use 'jsonl' or 'parquet'.", code="bad_simulation")
    logs, corrections = folder / "production_logs" / f"{week}.{suffix}", folder / "corrections" / f"{week}.{suffix}"
    late, early = _late(corrections, week + timedelta(days=7)), _late(corrections, week)
    end, arrival = (week + timedelta(days=7)).isoformat(), count()
    under_way: list[tuple[str, int, JsonRow]] = []
    for row in map(json.loads, early.read_text().splitlines() if early.exists() else ()):
        heapq.heappush(under_way, (row["ts"], next(arrival), row))
    with ExitStack() as files:
        write_log, write_correction, write_late = (
            files.enter_context(_writer(path)) for path in (logs, corrections, late)
        )
        for log, made in requests:
            write_log(log)
            for row in made:
                heapq.heappush(under_way, (row["ts"], next(arrival), row))
            while under_way and under_way[0][0] <= log["ts"]:
                write_correction(heapq.heappop(under_way)[2])
        while under_way:
            ts, _, row = heapq.heappop(under_way)
            (write_correction if ts < end else write_late)(row)
    return logs, corrections


def _late(corrections: Path, week: date) -> Path:
    return corrections.parent / f".{week}.late"


@contextmanager
def _writer(path: Path) -> Iterator[Callable[[JsonRow], None]]:
    """A function that adds a row to `path`, which appears when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".{path.name}.stage")
    try:
        with _parquet_rows(stage, path.parent.name) if path.suffix == ".parquet" else _json_rows(stage) as write:
            yield write
        stage.replace(path)
    finally:
        stage.unlink(missing_ok=True)


@contextmanager
def _json_rows(path: Path) -> Iterator[Callable[[JsonRow], None]]:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        yield lambda row: print(json.dumps(row), file=file)


@contextmanager
def _parquet_rows(path: Path, kind: str) -> Iterator[Callable[[JsonRow], None]]:
    import pyarrow
    import pyarrow.parquet

    special = {"confidence": pyarrow.float64(), "latency_ms": pyarrow.float64(), "saw_prediction": pyarrow.bool_()}
    schema = pyarrow.schema([(name, special.get(name, pyarrow.string())) for name in COLUMNS[kind]])
    batch: list[JsonRow] = []
    with pyarrow.parquet.ParquetWriter(path, schema, compression="zstd") as writer:

        def flush() -> None:
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
            batch.clear()

        def write(row: JsonRow) -> None:
            batch.append(row)
            if len(batch) >= _BATCH_ROWS:
                flush()

        yield write
        flush()


COLUMNS = {
    "production_logs": ("request_id", "ts", "text", "label", "confidence", "adapter", "latency_ms"),
    "corrections": ("request_id", "ts", "label", "annotator", "saw_prediction"),
}
"""The columns of each kind of row, in the order in which they are written."""
