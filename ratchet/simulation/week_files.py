"""Files of a simulated week, as a landing folder takes them, written one request at a time.

Add a file format here. `weeks.py` decides what the rows contain.
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
    """Write log rows and their corrections, in order of arrival, below `folder`; return the two paths.

    The files are in `production_logs/` and `corrections/`; both appear complete or not at all. A correction made after
    the week's end waits in a hidden file until the next week is written to the same folder, and is written there.
    Memory: the pending corrections and one batch.
    """
    if suffix not in ("jsonl", "parquet"):
        raise RatchetError(f"suffix = {suffix!r} is not supported.", "Use 'jsonl' or 'parquet'.", code="bad_simulation")
    logs, corrections = folder / "production_logs" / f"{week}.{suffix}", folder / "corrections" / f"{week}.{suffix}"
    late, early = _late(corrections, week + timedelta(days=7)), _late(corrections, week)
    end, arrival = (week + timedelta(days=7)).isoformat(), count()
    # Heap of corrections not yet written, by time; the number keeps rows of one time in order of arrival.
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
    """Yield a function that adds a row to `path`; the file appears when the block ends without an error."""
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
"""Columns of each kind of row, in the order in which they are written."""
