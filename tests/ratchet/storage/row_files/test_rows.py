"""Whatever the form of a file, its rows are the same values with their lines."""

import gzip
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.label_names import LABEL_SQL, label_of
from ratchet.storage.row_files.formats import UnreadableError
from ratchet.storage.row_files.rows import read_export, read_rows, text_of, value_named

ROWS = [{"text": "déjà vu", "label": "a"}, {"text": "zwei\nZeilen", "label": None}]
LINES = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
CSV = 'text,label\ndéjà vu,a\n"zwei\nZeilen",\n'


def parquet(path: Path) -> None:
    """Both rows as Parquet."""
    pq.write_table(pa.Table.from_pylist(ROWS), path)


FILES: dict[str, tuple[bytes | Callable[[Path], None], list[int]]] = {
    "a.jsonl": (LINES.encode(), [1, 3]),
    "a.ndjson.gz": (gzip.compress(LINES.encode()), [1, 3]),
    "a.json": (json.dumps(ROWS, indent=1).encode(), [1, 2]),
    "b.jsonl": (LINES.encode("cp1252"), [1, 3]),
    "c.jsonl": (b"\xef\xbb\xbf" + LINES.encode(), [1, 3]),
    "a.csv": (CSV.encode(), [2, 3]),
    "b.csv": (CSV.encode("cp1252"), [2, 3]),
    "c.csv": (CSV.encode("utf-16"), [2, 3]),
    "a.parquet": (parquet, [1, 2]),
}


@pytest.mark.parametrize("name", FILES)
def test_every_form_gives_the_same_rows(tmp_path: Path, name: str) -> None:
    """Packed, a list, in another encoding, a table."""
    content, lines = FILES[name]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    else:
        content(tmp_path / name)
    found = list(read_rows(tmp_path / name))
    assert [dict(row.values) for row in found] == ROWS
    assert [row.line for row in found] == lines


ODD_ROWS = {
    "half a character": (b'{"text": "\\ud83d"}', "is not strict JSON: a text holds a lone surrogate"),
    "nested": (b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", "is not JSON: it is nested too deeply"),
    "digits": (b'{"a": ' + b"7" * 6_000 + b"}", "is not strict JSON: Exceeds the limit"),
    "a broken word": (b'{"a": tru, "b": ["]"]}', "is not JSON"),
    "a line break in a text": (b'{"a": "b\nc"}', "is not JSON"),
    "a key twice": (b'{"a": 1, "a": 2}', "is not strict JSON: a key occurs twice"),
    "nothing": (b"null", "is not a JSON object"),
    "a list": (b"[1, 2]", "is not a JSON object"),
}


@pytest.mark.parametrize("case", ODD_ROWS)
def test_a_bad_row_of_a_list_costs_only_itself(tmp_path: Path, case: str) -> None:
    """The others are read, in a list and between objects over several lines."""
    row, reason = ODD_ROWS[case]
    contents = [b'[\n{"text": "a"},' + row + b', {"text":\n"b"}]']
    if row.startswith(b"{"):
        contents.append(b'{\n"text": "a"\n}\n\n' + row + b'\n{"text": "b"}')
    for content in contents:
        (tmp_path / "a.json").write_bytes(content)
        first, odd, last = read_rows(tmp_path / "a.json")
        assert (first.values, odd.values, last.values) == ({"text": "a"}, {}, {"text": "b"})
        assert odd.reason.startswith(reason)


@pytest.mark.parametrize(
    "content", ['[{"a": 1} {"b": 2}]', '[{"a": 1},]', '[{"a": 1}, , 2]', '[{"a": [1]', '{\n"a": }}]x}']
)
def test_json_in_which_no_next_row_is_found_is_refused(tmp_path: Path, content: str) -> None:
    """As a whole: what follows could be anything."""
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UnreadableError):
        list(read_rows(tmp_path / "a.json"))


def test_the_parts_of_an_export_are_read_one_after_the_other(tmp_path: Path) -> None:
    """Each row says of which part it is; a file alone says nothing."""
    for number in range(2):
        (tmp_path / f"part-{number}.json").write_text(json.dumps({"text": str(number)}))
    (tmp_path / "_SUCCESS").touch()
    assert [(row.part, row.line, row.values) for row in read_export(tmp_path)] == [
        ("part-0.json", 1, {"text": "0"}), ("part-1.json", 1, {"text": "1"}),
    ]  # fmt: skip
    assert [row.part for row in read_export(tmp_path / "part-0.json")] == [""]


def test_values_of_parquet_become_those_of_json(tmp_path: Path) -> None:
    """So that a row can be written again, without loss where JSON has a word for it."""
    name = uuid.UUID(int=1)
    table = pa.table({
        "when": [datetime(2026, 3, 2, tzinfo=UTC)], "whole": [Decimal("7")], "part": [Decimal("0.5")],
        "bytes": [b"ab"], "none": [float("nan")], "nested": [{"a": [1, None]}], "name": [str(name)],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet")
    (row,) = read_rows(tmp_path / "a.parquet")
    assert json.loads(json.dumps(dict(row.values), allow_nan=False)) == {
        "when": "2026-03-02T00:00:00+00:00", "whole": 7, "part": 0.5, "bytes": "ab", "none": None,
        "nested": {"a": [1, None]}, "name": str(name),
    }  # fmt: skip


NO_WORD = {
    "after the year 9999": pa.array([2**62, 0], pa.timestamp("us")),
    "before the year 1": pa.array([-(2**60), 0], pa.timestamp("us", "UTC")),
    "a day": pa.array([-(10**6), 0], pa.date32()),
    "a duration": pa.array([2**62, 0], pa.duration("s")),
    "in a list": pa.array([[2**62], [0]], pa.list_(pa.timestamp("ms"))),
    "a zone that nobody knows": pa.array([0, None], pa.timestamp("us", "Mars/City")),
}


def test_a_value_of_parquet_that_python_has_no_word_for_is_null(tmp_path: Path) -> None:
    """The rest of its row stays, and the next row; text that is not UTF-8 costs its row."""
    pq.write_table(pa.table({"text": ["a", "b"], **NO_WORD}), tmp_path / "a.parquet")
    first, second = read_rows(tmp_path / "a.parquet")
    assert first.values == {"text": "a", **dict.fromkeys(NO_WORD)}
    assert second.values["in a list"] == ["1970-01-01T00:00:00"]
    pq.write_table(pa.table({"text": pa.array([b"\xff", b"b"]).view(pa.string())}), tmp_path / "b.parquet")
    first, second = read_rows(tmp_path / "b.parquet")
    assert (first.reason, second.values) == ("holds bytes in text that are not UTF-8", {"text": "b"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"hello", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"text": "\\ud83d"}', "is not strict JSON: a text holds a lone surrogate"),
        (b"[" * 10**5 + b"]" * 10**5, "is not JSON: it is nested too deeply"),
        (b'{"a": 1, "a": 2}', "is not strict JSON: a key occurs twice"),
    ],
)
def test_a_line_that_is_no_row_has_its_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    """The lines beside it are rows; NaN of a table is nothing."""
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a", "n": NaN}\n' + line + b"\n")
    first, second = read_rows(tmp_path / "a.jsonl")
    assert (first.values, second.line, second.reason) == ({"text": "a", "n": None}, 2, reason)


@pytest.mark.parametrize("name", ["a.json", "a.parquet", "a.csv.gz"])
def test_a_file_that_cannot_be_read_is_an_error_of_its_own(tmp_path: Path, name: str) -> None:
    """Half a list, half a table, half a packed file."""
    content = {"a.json": b'[{"text": "a"}, {"te', "a.parquet": b"PAR1xx", "a.csv.gz": gzip.compress(b"x,y\n" * 99)[:-5]}
    (tmp_path / name).write_bytes(content[name])
    with pytest.raises(UnreadableError):
        list(read_rows(tmp_path / name))


@pytest.mark.parametrize(
    ("value", "text", "label"),
    [
        ("a", "a", "a"), (7, "7", "7"), (0, "0", "0"), (True, None, "true"), (1.5, None, None), (None, None, None),
        (["a"], None, "a"), ('["a"]', '["a"]', "a"), (["a", "b"], None, None),
        ('["a", "b"]', '["a", "b"]', '["a", "b"]'),
        ([], None, None), ("[]", "[]", None), ("", "", None), ([""], None, None), ([7], None, None), ("[x", "[x", "[x"),
    ],
)  # fmt: skip
def test_an_integer_is_its_digits(value: Any, text: str | None, label: str | None) -> None:
    """A label may be true or false as well, or the one text of a list; SQL says the same of texts."""
    assert (text_of(value), label_of(value)) == (text, label)
    if isinstance(value, str):
        with duckdb.connect() as connection:
            assert connection.execute(f"SELECT {LABEL_SQL.format('v')} FROM (SELECT ? AS v)", [value]).fetchone() == (
                label,
            )


def test_a_name_is_found_in_any_case_unless_two_are_alike() -> None:
    """As intake finds it."""
    assert value_named({"text": 1, "TEXT": 2}, "text") == ("text", 1)
    assert value_named({"TEXT": 2}, "text") == ("TEXT", 2)
    assert value_named({"TEXT": 2, "Text": 3}, "text") == ("text", None)
