"""One bad file stops itself alone, by name: what lies beside it is loaded, and so is what comes next."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.row_files.formats import MAX_COLUMNS, UnreadableError
from ratchet.storage.row_files.parquet_limits import MAX_DEPTH
from ratchet.storage.row_files.rows import read_rows
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.try_intake import try_intake

ROW: dict[str, Any] = {
    "request_id": "bad-1", "ts": "2026-01-05T00:00:00Z", "text": "refund", "label": "amber", "confidence": 0.5,
    "adapter": "b", "latency_ms": 1.0,
}  # fmt: skip


def write_row(path: Path, **more: Any) -> None:
    """Write one row with further columns."""
    pq.write_table(pa.table({name: [value] for name, value in ROW.items()} | more), path)


def nest(depth: int, wrap: Callable[[pa.DataType], pa.DataType], item: Callable[[Any], Any]) -> pa.Array:
    """One value, nested `depth` deep."""
    kind, value = pa.int32(), 1
    for _ in range(depth):
        kind, value = wrap(kind), item(value)
    return pa.array([value], kind)


def structs(path: Path) -> None:
    """200 structs in each other."""
    write_row(path, deep=nest(200, lambda kind: pa.struct([("a", kind)]), lambda value: {"a": value}))


def lists(path: Path) -> None:
    """200 lists in each other."""
    write_row(path, deep=nest(200, pa.list_, lambda value: [value]))


def just_too_deep(path: Path) -> None:
    """One level more than is taken."""
    write_row(path, deep=nest(MAX_DEPTH, lambda kind: pa.struct([("a", kind)]), lambda value: {"a": value}))


def columns(number: int) -> Callable[[Path], None]:
    """A column for each of many keys, as a careless export leaves them."""
    return lambda path: write_row(path, **{f"c{n}": [n] for n in range(number)})


def large_footer(path: Path) -> None:
    """Names that fill a schema of 17 MB."""
    write_row(path, **{f"{n}{'x' * 1_000_000}": [n] for n in range(9)})


def repeated(text: str, rows: int) -> Callable[[Path], None]:
    """One row, repeated by the dictionaries of its columns, in a few kilobytes."""

    def write(path: Path) -> None:
        at = pa.array([0], pa.int32()).take(pa.array(np.zeros(rows, dtype=np.int64)))
        table = {name: pa.DictionaryArray.from_arrays(at, pa.array([value])) for name, value in ROW.items()}
        pq.write_table(pa.table(table | {"text": pa.DictionaryArray.from_arrays(at, pa.array([text]))}), path)

    return write


def wide_csv(path: Path) -> None:
    """The same table as text."""
    names = [*ROW, *(f"c{n}" for n in range(20_000))]
    path.write_text(",".join(names) + "\n" + ",".join([*map(str, ROW.values()), *["1"] * 20_000]) + "\n")


def deep_jsonl(path: Path) -> None:
    """A line whose further key is nested."""
    path.write_text(json.dumps(ROW)[:-1] + ', "deep": ' + "[" * 50_000 + "]" * 50_000 + "}\n")


def deep_csv_header(path: Path) -> None:
    """A header that closes no quote."""
    path.write_text('"request_id,ts\n')


FILES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "200 structs": (structs, ".parquet", "its columns are nested 201 deep"),
    "200 lists": (lists, ".parquet", "deep, more than"),
    "just too deep": (just_too_deep, ".parquet", f"nested {MAX_DEPTH + 1} deep"),
    "just too many columns": (columns(MAX_COLUMNS - 6), ".parquet", f"it has {MAX_COLUMNS + 1:,} columns"),
    "a large footer": (large_footer, ".parquet", "its schema takes"),
    "one long text": (repeated("x" * 60_000, 20_000), ".parquet", "it unpacks to more than 1,073,741,824 bytes"),
    "a wide CSV": (wide_csv, ".csv", "it has 20,007 columns"),
    "a nested line": (deep_jsonl, ".jsonl", ""),
    "an open quote": (deep_csv_header, ".csv", ""),
}


def stops_itself_alone(tmp_path: Path, write: Callable[[Path], None], suffix: str, reason: str) -> None:
    """Take a home with a good file on either side of the bad one, twice."""
    home = Home(tmp_path / "home")
    small = SmallClassifier(home, requests=9)
    small.write()
    for kind in ("production_logs", "corrections"):
        folder = home.landing("small", kind)
        folder.mkdir(parents=True)
        write(folder / f"2026-01-06{suffix}")
    for monday in (date(2026, 1, 5), date(2026, 1, 12)):
        small.write_week(monday)
    warehouse = open_warehouse(home, "small")
    results = Landing(home, warehouse).take(Specs(home)["small"])
    good = [result for result in results if not result.file.startswith("2026-01-06")]
    assert sum(result.accepted for result in good) == 2 * 9 * 3
    (bad,) = {result.file for result in results if result.rejected}
    assert bad == f"2026-01-06{suffix}"
    told = " ".join(reason for result in results for reason in result.reasons)
    assert reason in told
    assert Landing(home, warehouse).take(Specs(home)["small"]) == []
    assert try_intake(home, "small", warehouse) == ""


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_no_reader_bears_stops_itself_alone(tmp_path: Path, case: str) -> None:
    """By the table, in both landing folders."""
    stops_itself_alone(tmp_path, *FILES[case])


def test_predict_and_golden_set_refuse_it_too(tmp_path: Path) -> None:
    """Before its first row is read."""
    repeated("x" * 60_000, 20_000)(tmp_path / "a.parquet")
    with pytest.raises(UnreadableError, match="it unpacks to more than"):
        next(read_rows(tmp_path / "a.parquet"))


@pytest.mark.faults
@pytest.mark.parametrize("number", [2_000, 20_000])
def test_a_file_of_many_columns_stops_itself_alone(tmp_path: Path, number: int) -> None:
    """As a careless export leaves it."""
    stops_itself_alone(tmp_path, columns(number), ".parquet", f"it has {number + 7:,} columns")


def test_a_file_within_the_limits_is_taken(tmp_path: Path) -> None:
    """Nested as deep, and with as many columns, as is allowed."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    folder = home.landing("small", "production_logs")
    folder.mkdir(parents=True)
    structs_ = nest(MAX_DEPTH - 1, lambda kind: pa.struct([("a", kind)]), lambda value: {"a": value})
    write_row(folder / "deep.parquet", deep=structs_)
    (found,) = Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])
    assert (found.accepted, found.rejected) == (1, 0)


def test_a_failed_intake_is_a_remark(tmp_path: Path) -> None:
    """A specification that cannot be read: the decision is made on what is there already."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    warehouse = open_warehouse(home, "small")
    home.spec("small").write_text("[")
    assert try_intake(home, "small", warehouse).startswith("New rows were not loaded: ")
