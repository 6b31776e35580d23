"""What comes in: every bad row is refused with its reason, the rest is taken, once."""

import csv
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError, UsageError
from ratchet.data.row_rules import AHEAD, WAITING
from ratchet.ingest.landing import IngestResult, Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SPEC = Spec("tickets", (Label("refund"), Label("card's"), Label("other")), max_text_chars=50)
FORMATS = ("jsonl", "csv", "parquet")
LOGS, CORRECTIONS = "production_logs", "corrections"

LOG_TYPES = {
    "request_id": pa.string(), "ts": pa.string(), "text": pa.string(), "label": pa.string(),
    "confidence": pa.float64(), "adapter": pa.string(), "latency_ms": pa.float64(), "saw_prediction": pa.bool_(),
}  # fmt: skip

ABSENT = object()

BAD_LOGS: dict[str, tuple[dict[str, Any], str]] = {
    "no request id": ({"request_id": None}, "request_id is missing"),
    "empty request id": ({"request_id": ""}, "request_id is empty"),
    "control character in the id": ({"request_id": "a\x07b"}, "request_id holds control characters"),
    "endless id": ({"request_id": "x" * 201}, "request_id is longer than 200 characters"),
    "no time": ({"ts": None}, "ts is missing"),
    "time without zone": ({"ts": "2026-02-02T10:00:00"}, "ts has no time zone"),
    "a day only": ({"ts": "2026-02-02"}, "ts has no time zone"),
    "no time at all": ({"ts": "yesterday"}, "ts is not an RFC 3339 time"),
    "a day that is not": ({"ts": "2026-02-30T10:00:00Z"}, "ts is not an RFC 3339 time"),
    "infinite time": ({"ts": "infinity"}, "ts is not an RFC 3339 time"),
    "future time": ({"ts": "2026-03-01T00:00:01Z"}, AHEAD),
    "future time by its zone": ({"ts": "2026-02-28T23:30:00-01:00"}, AHEAD),
    "no text": ({"text": None}, "text is missing"),
    "blank text": ({"text": " \t "}, "text is empty"),
    "invisible text": ({"text": "\u200b\u00a0\u2003"}, "text is empty"),
    "long text": ({"text": "é" * 51}, "text is longer than 50 characters"),
    "NUL in the text": ({"text": "a\x00b"}, "text holds a NUL character"),
    "no label": ({"label": None}, "label is missing"),
    "unknown label": ({"label": "Refund"}, "label is not in classifier.toml"),
}
"""Bad values that every format can hold."""

BAD_LINES: dict[str, tuple[str | dict[str, Any], str]] = {
    "cut off": ('{"request_id": "x", "ts": "2026', "broken JSON"),
    "no JSON": ("hello", "broken JSON"),
    "two documents": ("{} {}", "broken JSON"),
    "a list": ("[1, 2]", "the line is not a JSON object"),
    "a string": ('"text"', "the line is not a JSON object"),
    "null": ("null", "the line is not a JSON object"),
    "empty object": ("{}", "request_id is missing"),
    "lone surrogate": (
        '{"request_id": "s", "ts": "2026-02-02T10:00:00Z", "text": "\\ud800", "label": "other"}',
        "a text holds a lone surrogate",
    ),
    "lone surrogate in broken JSON": ('{"text": "\\ud800"', "broken JSON"),
    "id a number": ({"request_id": 7.5}, "request_id is neither text nor an integer"),
    "id too long a number": (
        '{"request_id": ' + "9" * 5000 + ', "ts": "2026-02-02T10:00:00Z", "text": "a b", "label": "other"}',
        "request_id is neither text nor an integer",
    ),
    "id true": ({"request_id": True}, "request_id is neither text nor an integer"),
    "time a number": ({"ts": 1767607200}, "ts is a number of seconds since 1970"),
    "text a list": ({"text": ["a"]}, "text is not text"),
    "text an object": ({"text": {"a": 1}}, "text is not text"),
    "text NaN": ({"text": float("nan")}, "text is missing"),
    "label true": ({"label": True}, "label is not in classifier.toml"),
    "label a fraction": ({"label": 0.5}, "label is neither text nor an integer"),
    "label absent": ({"label": ABSENT}, "label is missing"),
}
"""Bad lines that only JSONL can hold."""

BAD_CORRECTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown request": ({"request_id": "nobody"}, WAITING),
    "unknown label": ({"label": "elsewhere"}, "label is not in classifier.toml"),
    "no annotator": ({"annotator": None}, "annotator is missing"),
    "empty annotator": ({"annotator": ""}, "annotator is empty"),
    "no word on the prediction": ({"saw_prediction": None}, "saw_prediction is missing"),
    "future": ({"ts": "2027-01-01T00:00:00Z"}, AHEAD),
    "no zone": ({"ts": "2026-02-03T10:00:00"}, "ts has no time zone"),
}


def log(number: int, **changes: Any) -> dict[str, Any]:
    """A sound production log, one for each number, with some values changed."""
    ts = datetime(2026, 2, 2, 10, tzinfo=UTC) + timedelta(minutes=number)
    row = {
        "request_id": f"r{number}", "ts": ts.isoformat(), "text": f"where is my money, {number}?", "label": "refund",
        "confidence": 0.5, "adapter": "bootstrap", "latency_ms": 3.25,
    }  # fmt: skip
    return {key: value for key, value in {**row, **changes}.items() if value is not ABSENT}


def correction(number: int, **changes: Any) -> dict[str, Any]:
    """A sound correction of log `number`."""
    ts = datetime(2026, 2, 9, 10, tzinfo=UTC) + timedelta(minutes=number)
    row = {
        "request_id": f"r{number}",
        "ts": ts.isoformat(),
        "label": "card's",
        "annotator": "ann_a",
        "saw_prediction": False,
    }
    return {**row, **changes}


def write(path: Path, rows: list[dict[str, Any] | str]) -> Path:
    """Write rows in the format of the suffix; a string is a raw JSONL line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    objects = [row for row in rows if isinstance(row, dict)]
    names = list(dict.fromkeys(name for row in objects for name in row))
    if path.suffix == ".jsonl":
        path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, quoting=csv.QUOTE_MINIMAL)
            writer.writeheader()
            writer.writerows(objects)
    else:
        columns = {name: pa.array([row.get(name) for row in objects], LOG_TYPES.get(name)) for name in names}
        pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """An empty home's landing."""
    home = Home(tmp_path / "home")
    return Landing(home, open_warehouse(home, "tickets"))


def rows_of(landing: Landing, table: str) -> list[tuple[Any, ...]]:
    """Every row of a table, sorted, nulls and all."""
    with landing.warehouse.connect() as connection:
        return sorted(connection.execute(f"FROM {table}").fetchall(), key=str)


def rejects(landing: Landing, pattern: str = "*") -> list[dict[str, Any]]:
    """Every refused row, in the order of files and lines. The files must be strict JSON."""
    found = []
    for path in sorted(landing.home.rejected("tickets").glob(pattern)):
        found += [
            json.loads(line, parse_constant=pytest.fail) for line in path.read_text(encoding="utf-8").splitlines()
        ]
    return found


def files(landing: Landing) -> list[str]:
    """Every file below the classifier's folder but the warehouse."""
    return sorted(
        str(path.relative_to(landing.home.root))
        for path in landing.home.root.rglob("tickets/**/*")
        if path.is_file() and "warehouse.duckdb" not in path.name
    )


@pytest.mark.parametrize("form", FORMATS)
def test_every_bad_log_is_refused_with_its_line_and_reason_and_the_rest_is_taken(
    landing: Landing, tmp_path: Path, form: str
) -> None:
    """In each format, each planted row has exactly its reason; the sound rows around them are in the warehouse."""
    bad = dict(BAD_LOGS)
    if form == "csv":  # an empty field is a missing one
        bad["empty request id"] = ({"request_id": ""}, "request_id is missing")
    rows: list[dict[str, Any] | str] = []
    for number, (changes, _) in enumerate(bad.values()):
        rows += [log(2 * number), log(2 * number + 1, **changes)]
    source = write(tmp_path / f"in.{form}", rows)
    intake = landing.deliver(SPEC, LOGS, source, now=NOW)
    header = 1 if form == "csv" else 0
    found = {row["line"]: row["reason"] for row in rejects(landing)}
    assert found == {2 * n + 2 + header: reason for n, (_, reason) in enumerate(bad.values())}
    assert {row["file"] for row in rejects(landing)} == {source.name}
    assert (intake.accepted, intake.duplicate, intake.rejected) == (len(bad), 0, len(bad))
    assert sum(intake.reasons.values()) == len(bad)
    assert {row[1] for row in rows_of(landing, LOGS)} == {f"r{2 * n}" for n in range(len(bad))}


def test_every_bad_line_of_jsonl_is_refused_with_its_text(landing: Landing, tmp_path: Path) -> None:
    """Broken documents and wrong types are refused; the report holds the line as it was written."""
    rows: list[dict[str, Any] | str] = []
    for number, (line, _) in enumerate(BAD_LINES.values()):
        rows += [log(2 * number), line if isinstance(line, str) else log(2 * number + 1, **line)]
    source = write(tmp_path / "in.jsonl", rows)
    intake = landing.deliver(SPEC, LOGS, source, now=NOW)
    assert {row["line"]: row["reason"] for row in rejects(landing)} == {
        2 * n + 2: reason for n, (_, reason) in enumerate(BAD_LINES.values())
    }
    lines = source.read_text().splitlines()
    assert [row["row"] for row in rejects(landing)] == lines[1::2]
    assert intake.accepted == len(BAD_LINES)


@pytest.mark.parametrize("form", FORMATS)
def test_every_bad_correction_is_refused_and_the_rest_is_taken(landing: Landing, tmp_path: Path, form: str) -> None:
    """Corrections are judged by their own rules, in each format."""
    landing.deliver(SPEC, LOGS, write(tmp_path / "logs.jsonl", [log(n) for n in range(40)]), now=NOW)
    bad = dict(BAD_CORRECTIONS)
    if form == "csv":
        bad["empty annotator"] = ({"annotator": ""}, "annotator is missing")
    rows: list[dict[str, Any] | str] = []
    for number, (changes, _) in enumerate(bad.values()):
        rows += [correction(2 * number), correction(2 * number + 1, **changes)]
    intake = landing.deliver(SPEC, CORRECTIONS, write(tmp_path / f"in.{form}", rows), now=NOW)
    header = 1 if form == "csv" else 0
    assert {row["line"]: row["reason"] for row in rejects(landing)} == {
        2 * n + 2 + header: reason for n, (_, reason) in enumerate(bad.values())
    }
    assert (intake.accepted, intake.rejected) == (len(bad), len(bad))
    assert intake.reasons[WAITING] == 1


WRONG_COLUMNS: list[tuple[str, pa.Array, str]] = [
    ("request_id", pa.array([1.0, 2.0]), "request_id is neither text nor an integer"),
    (
        "ts",
        pa.array([datetime(2026, 2, 2), datetime(2026, 2, 3)], pa.timestamp("us")),  # noqa: DTZ001
        "ts has no time zone",
    ),
    ("ts", pa.array([1767607200, 1767607201]), "ts is a number of seconds since 1970"),
    ("ts", pa.array([date(2026, 2, 2), date(2026, 2, 3)]), "ts has no time zone"),
    ("text", pa.array([b"\xff", b"\xfe"], pa.binary()), "text is not text"),
    ("label", pa.array([[1], [2]]), "label is neither text nor an integer"),
]


def test_a_parquet_column_of_the_wrong_type_refuses_its_rows(landing: Landing) -> None:
    """A typed file says its types once; each of its rows is refused for it."""
    table = pa.table({name: pa.array([log(0)[name], log(1)[name]]) for name in log(0)})
    folder = landing.home.landing("tickets", LOGS)
    folder.mkdir(parents=True)
    for number, (column, values, _) in enumerate(WRONG_COLUMNS):
        pq.write_table(table.set_column(table.column_names.index(column), column, values), folder / f"{number}.parquet")
    assert [each.reasons for each in landing.take(SPEC, now=NOW)] == [{reason: 2} for _, _, reason in WRONG_COLUMNS]


def test_parquet_times_of_every_unit_and_zone_are_the_same_instants(landing: Landing) -> None:
    """Whatever unit and zone a writer chose, the instant is what counts: the first is taken, the others are the same
    row."""
    instant = datetime(2026, 2, 2, 10, tzinfo=UTC)
    table = pa.table({name: pa.array([value]) for name, value in log(0).items()})
    folder = landing.home.landing("tickets", LOGS)
    folder.mkdir(parents=True)
    for unit, zone in (("ns", "UTC"), ("us", "UTC"), ("ms", "Europe/Berlin"), ("s", "+02:00")):
        pq.write_table(
            table.set_column(1, "ts", pa.array([instant], pa.timestamp(unit, zone))), folder / f"{unit}.parquet"
        )
    assert [(each.accepted, each.duplicate) for each in landing.take(SPEC, now=NOW)] == [(1, 0), (0, 1), (0, 1), (0, 1)]
    assert [row[2] for row in rows_of(landing, LOGS)] == [instant]


def test_times_with_every_written_zone_are_the_same_instants(landing: Landing, tmp_path: Path) -> None:
    """RFC 3339 allows Z and offsets, with or without fractions."""
    written = [
        "2026-02-02T10:00:00Z",
        "2026-02-02T11:00:00+01:00",
        "2026-02-02 04:30:00.000-05:30",
        "2026-02-02T10:00:00.000000000+0000",
    ]
    landing.deliver(SPEC, LOGS, write(tmp_path / "in.jsonl", [log(n, ts=ts) for n, ts in enumerate(written)]), now=NOW)
    assert {row[2] for row in rows_of(landing, LOGS)} == {datetime(2026, 2, 2, 10, tzinfo=UTC)}
    assert len(rows_of(landing, LOGS)) == len(written)


def test_bytes_that_are_no_utf8_cost_only_their_own_row(landing: Landing, tmp_path: Path) -> None:
    """One broken byte in a text file refuses its line, with the others taken and numbered as before."""
    good = [json.dumps(log(n)).encode() for n in range(3)]
    (tmp_path / "in.jsonl").write_bytes(
        b"\n".join([good[0], b'{"text": "\xff\xfe"}', good[1], b"", good[2], b'{"label": "\xed\xa0\x80"}'])
    )
    intake = landing.deliver(SPEC, LOGS, tmp_path / "in.jsonl", now=NOW)
    assert [(row["line"], row["reason"]) for row in rejects(landing)] == [(2, "invalid UTF-8"), (6, "invalid UTF-8")]
    assert "\\xff" in rejects(landing)[0]["row"]
    assert (intake.accepted, intake.rejected) == (3, 2)
    lines = write(tmp_path / "in.csv", [log(n) for n in range(3, 6)]).read_bytes().splitlines()
    (tmp_path / "in.csv").write_bytes(b"\n".join([*lines[:2], b"r9,\xff,a,b,c,d,e", *lines[2:], b"too,few"]))
    landing.deliver(SPEC, LOGS, tmp_path / "in.csv", now=NOW)
    reasons = {row["line"]: row["reason"] for row in rejects(landing, "*csv*")}
    assert reasons[3] == "invalid UTF-8"
    assert len(reasons) == 2
    assert len(rows_of(landing, LOGS)) == 6


def test_text_in_parquet_that_is_no_utf8_costs_only_its_own_row(landing: Landing, tmp_path: Path) -> None:
    """Parquet writers do not check their strings; ours are checked row by row when DuckDB refuses the file."""
    columns = {name: pa.array([row[name] for row in map(log, range(4))]) for name in log(0)}
    columns["text"] = pa.array([b"fine", b"\xff", b"also fine", b"good"], pa.binary()).view(pa.string())
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    intake = landing.deliver(SPEC, LOGS, tmp_path / "in.parquet", now=NOW)
    assert [(row["line"], row["reason"]) for row in rejects(landing)] == [(2, "invalid UTF-8")]
    assert (intake.accepted, {row[1] for row in rows_of(landing, LOGS)}) == (3, {"r0", "r2", "r3"})


def test_odd_line_ends_and_separators_neither_hide_nor_invent_rows(landing: Landing, tmp_path: Path) -> None:
    """CR LF, a byte order mark, blank lines, no last line end: all rows; stray control characters: refused, in their
    line."""
    good = [json.dumps(log(n)).encode() for n in range(6)]
    (tmp_path / "crlf.jsonl").write_bytes(b"\xef\xbb\xbf" + good[0] + b"\r\n\r\n" + good[1] + b"\r\nbroken\r\n")
    landing.deliver(SPEC, LOGS, tmp_path / "crlf.jsonl", now=NOW)
    (tmp_path / "mixed.jsonl").write_bytes(
        good[2] + b"\r\n" + good[3] + b"\n" + good[4] + b"\x01{}\n" + b"  \n" + good[5]
    )
    landing.deliver(SPEC, LOGS, tmp_path / "mixed.jsonl", now=NOW)
    assert [(row["file"], row["line"], row["reason"]) for row in rejects(landing)] == [
        ("crlf.jsonl", 4, "broken JSON"),
        ("mixed.jsonl", 3, "the line holds raw control characters"),
    ]
    assert {row[1] for row in rows_of(landing, LOGS)} == {"r0", "r1", "r2", "r3", "r5"}


def test_csv_records_over_several_lines_and_ragged_ones_are_told_apart(landing: Landing, tmp_path: Path) -> None:
    """Quoted line breaks belong to the text; a record that does not fit the header is refused alone. Semicolons will
    do."""
    records = [
        "request_id;ts;text;label;channel",
        'a;2026-02-02T10:00:00Z;"two\nlines; ""quoted""";other;web',
        "b;2026-02-02T10:00:00Z;x;other;web;more",
        "c;2026-02-02T10:00:00Z;x",
        "d;2026-02-02T10:00:00Z;fine;other;",
        "e;;fine;other;",
    ]
    (tmp_path / "in.csv").write_text("\n".join(records) + "\n")
    intake = landing.deliver(SPEC, LOGS, tmp_path / "in.csv", now=NOW)
    found = rows_of(landing, LOGS)
    assert [(row[1], row[3], row[8]) for row in found] == [
        ("a", 'two\nlines; "quoted"', '{"channel":"web"}'),
        ("d", "fine", None),
    ]
    assert [row["line"] for row in rejects(landing)] == [4, 5, 7]
    assert rejects(landing)[2]["reason"] == "ts is missing"
    assert intake.rejected == 3


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "empty.jsonl": (b"", "the file is empty"),
    "empty.csv": (b"", "the file is empty"),
    "empty.parquet": (b"", "the file is empty"),
    "cut.parquet": (b"PAR1 and then nothing", "the file is not readable as Parquet"),
    "columns.csv": (b"a,b\n1,2\n", "the file has no column 'request_id'"),
    "columns.jsonl": (b'{"a": 1}\n', "the file has no column 'request_id'"),
    "twice.csv": (b"request_id,ts,text,label,Text\n", "the header names column"),
    "wide.jsonl": ('{"a": 1}\n'.encode("utf-16"), "the file has no column 'request_id'"),
    "notes.txt": (b"hello", "its name does not end in one of"),
}


def test_files_that_cannot_be_read_are_reported_and_harm_no_other(landing: Landing) -> None:
    """A bad file is one refused row without a line; its neighbours are taken, and it is not tried again."""
    folder = landing.home.landing("tickets", LOGS)
    write(folder / "a.jsonl", [log(0)])
    write(folder / "z.parquet", [log(1)])
    for name, (content, _) in UNREADABLE.items():
        (folder / name).write_bytes(content)
    intakes = landing.take(SPEC, now=NOW)
    found = {row["file"]: row for row in rejects(landing)}
    assert len(rejects(landing)) == len(found) == len(UNREADABLE)
    assert {row["line"] for row in found.values()} == {None}
    for name, (_, reason) in UNREADABLE.items():
        assert reason in found[name]["reason"]
    taken = {intake.file: (intake.accepted, intake.rejected) for intake in intakes}
    assert taken == {"a.jsonl": (1, 0), "z.parquet": (1, 0), **dict.fromkeys(UNREADABLE, (0, 1))}
    assert landing.take(SPEC, now=NOW) == []


def test_a_parquet_file_cut_short_anywhere_harms_no_other(landing: Landing, tmp_path: Path) -> None:
    """Truncation, the common end of a half-copied file, is a refused file wherever the cut falls."""
    whole = write(tmp_path / "whole.parquet", [log(n) for n in range(20)]).read_bytes()
    folder = landing.home.landing("tickets", LOGS)
    write(folder / "good.jsonl", [log(0)])
    for cut in (1, 4, len(whole) // 2, len(whole) - 1):
        (folder / f"cut{cut}.parquet").write_bytes(whole[:cut])
    assert sorted((each.accepted, each.rejected) for each in landing.take(SPEC, now=NOW)) == [(0, 1)] * 4 + [(1, 0)]


@pytest.mark.parametrize("form", FORMATS)
def test_delivering_a_file_twice_changes_nothing(landing: Landing, tmp_path: Path, form: str) -> None:
    """The second time every row is a duplicate, and neither the folder nor a report grows."""
    logs = write(tmp_path / f"logs.{form}", [log(0, channel="web"), log(1), log(2, label="nonsense")])
    corrections = write(tmp_path / f"corrections.{form}", [correction(0), correction(1), correction(9)])
    first = [landing.deliver(SPEC, LOGS, logs, now=NOW), landing.deliver(SPEC, CORRECTIONS, corrections, now=NOW)]
    before = (
        rows_of(landing, LOGS),
        rows_of(landing, CORRECTIONS),
        rows_of(landing, "ingested_files"),
        files(landing),
        rejects(landing),
    )
    again = [landing.deliver(SPEC, LOGS, logs, now=NOW), landing.deliver(SPEC, CORRECTIONS, corrections, now=NOW)]
    assert landing.take(SPEC, now=NOW) == []
    after = (
        rows_of(landing, LOGS),
        rows_of(landing, CORRECTIONS),
        rows_of(landing, "ingested_files"),
        files(landing),
        rejects(landing),
    )
    assert [(each.accepted, each.duplicate, each.rejected) for each in first] == [(2, 0, 1), (2, 0, 1)]
    assert [(each.accepted, each.duplicate, each.rejected) for each in again] == [(0, 2, 1), (0, 3, 0)]
    assert after == before


def test_the_same_rows_in_other_formats_are_duplicates(landing: Landing, tmp_path: Path) -> None:
    """Overlapping files, whatever their format and the order of their keys, add only what is new."""
    rows = [log(n, channel="web", priority="3") for n in range(4)]
    turned = [dict(reversed(row.items())) for row in rows]
    seen = [
        landing.deliver(SPEC, LOGS, write(tmp_path / "a.jsonl", rows[:2]), now=NOW),
        landing.deliver(SPEC, LOGS, write(tmp_path / "b.jsonl", turned[:2]), now=NOW),
        landing.deliver(SPEC, LOGS, write(tmp_path / "c.parquet", rows[:3]), now=NOW),
        landing.deliver(SPEC, LOGS, write(tmp_path / "d.csv", rows), now=NOW),
    ]
    assert [(each.accepted, each.duplicate, each.rejected) for each in seen] == [
        (2, 0, 0),
        (0, 2, 0),
        (1, 2, 0),
        (1, 3, 0),
    ]


def test_an_integer_id_is_its_digits_in_every_format(landing: Landing, tmp_path: Path) -> None:
    """As large as 64 bits hold, and below zero: the same row again is a duplicate, another is a conflict, a correction
    finds it."""
    names = [7, 0, -3, 9_223_372_036_854_775_807]
    rows = [log(n, request_id=name) for n, name in enumerate(names)]
    table = {
        key: pa.array([row[key] for row in rows], pa.int64() if key == "request_id" else LOG_TYPES[key])
        for key in rows[0]
    }
    pq.write_table(pa.table(table), tmp_path / "b.parquet")
    paths = [write(tmp_path / "a.jsonl", [*rows]), tmp_path / "b.parquet", write(tmp_path / "c.csv", [*rows])]
    seen = [landing.deliver(SPEC, LOGS, path, now=NOW) for path in paths]
    assert [(each.accepted, each.duplicate, each.rejected) for each in seen] == [(4, 0, 0), (0, 4, 0), (0, 4, 0)]
    assert {row[1] for row in rows_of(landing, LOGS)} == {str(name) for name in names}
    other = landing.deliver(SPEC, LOGS, write(tmp_path / "d.jsonl", [log(0, request_id="7", text="another")]), now=NOW)
    assert other.reasons == {"conflicts with an earlier row of the same request_id: another text": 1}
    mine = write(tmp_path / "e.jsonl", [correction(0, request_id=7, annotator=12)])
    assert landing.deliver(SPEC, CORRECTIONS, mine, now=NOW).accepted == 1
    assert rows_of(landing, CORRECTIONS)[0][1:5:3] == ("7", "12")


def test_the_first_of_two_contradicting_rows_stays(landing: Landing, tmp_path: Path) -> None:
    """Within a file, between files, and for corrections; the other is refused with its content and what differs."""
    same = "conflicts with an earlier row of the same"
    source = write(tmp_path / "in.jsonl", [log(0), log(0, text="something else"), log(0), log(1, text="  "), log(1)])
    intake = landing.deliver(SPEC, LOGS, source, now=NOW)
    assert (intake.accepted, intake.duplicate) == (2, 1)
    assert intake.reasons == {f"{same} request_id: another text": 1, "text is empty": 1}
    assert json.loads(rejects(landing)[0]["row"])["text"] == "something else"
    changed = [log(1, confidence=0.75, label="other"), log(1, adapter=None), log(1, status="closed")]
    later = landing.deliver(SPEC, LOGS, write(tmp_path / "later.csv", changed), now=NOW)
    assert (later.duplicate, later.reasons) == (2, {f"{same} request_id: another label, confidence": 1})
    mine = landing.deliver(
        SPEC, CORRECTIONS, write(tmp_path / "c.jsonl", [correction(0), correction(0, label="other")]), now=NOW
    )
    assert mine.reasons == {f"{same} request_id and annotator and ts: another label": 1}
    assert [row[3] for row in rows_of(landing, CORRECTIONS)] == ["card's"]
    assert [row[3] for row in rows_of(landing, LOGS)] == ["where is my money, 0?", "where is my money, 1?"]


def test_an_annotator_may_change_their_mind(landing: Landing, tmp_path: Path) -> None:
    """Corrections of one request by one annotator at other times, and by others at the same time, are all kept."""
    landing.deliver(SPEC, LOGS, write(tmp_path / "l.jsonl", [log(0)]), now=NOW)
    rows = [
        correction(0),
        correction(0, ts="2026-02-10T00:00:00Z", label="other"),
        correction(0, annotator="ann_b", label="other"),
    ]
    assert landing.deliver(SPEC, CORRECTIONS, write(tmp_path / "c.jsonl", rows), now=NOW).accepted == 3


def test_a_late_correction_lands_in_the_week_of_its_request(landing: Landing, tmp_path: Path) -> None:
    """The week is that of the request, by UTC, whatever week the correction came in."""
    logs = [log(0, ts="2026-02-09T00:30:00+01:00"), log(1, ts="2026-02-09T00:00:00Z")]
    landing.deliver(SPEC, LOGS, write(tmp_path / "l.jsonl", logs), now=NOW)
    landing.deliver(
        SPEC,
        CORRECTIONS,
        write(tmp_path / "c.jsonl", [correction(n, ts="2026-02-25T00:00:00Z") for n in range(2)]),
        now=NOW,
    )
    assert [(row[1], row[7]) for row in rows_of(landing, CORRECTIONS)] == [
        ("r0", date(2026, 2, 2)),
        ("r1", date(2026, 2, 9)),
    ]
    assert landing.warehouse.weeks("tickets") == {date(2026, 2, 2): 1, date(2026, 2, 9): 1}


@pytest.mark.parametrize("way", ["delivered", "dropped in"])
def test_corrections_that_come_before_their_logs_are_rescued(landing: Landing, tmp_path: Path, way: str) -> None:
    """They wait, are reported as refused, and are accepted when the logs arrive; then their report goes away."""
    rows: list[dict[str, Any] | str] = [correction(0), correction(1), correction(2, label="nonsense")]
    if way == "delivered":
        landing.deliver(SPEC, CORRECTIONS, write(tmp_path / "early.jsonl", rows), now=NOW)
    else:
        write(landing.home.landing("tickets", CORRECTIONS) / "early.jsonl", rows)
        landing.take(SPEC, now=NOW)
    assert (rows_of(landing, CORRECTIONS), len(rejects(landing))) == ([], 3)
    assert [row["file"] for row in rejects(landing)] == ["early.jsonl"] * 3
    landing.deliver(SPEC, LOGS, write(tmp_path / "l.jsonl", [log(0)]), now=NOW)
    assert [(each.accepted, each.reasons.get(WAITING)) for each in landing.take(SPEC, now=NOW)] == [(1, 1)]
    assert {row["line"]: row["reason"] for row in rejects(landing)} == {
        2: WAITING,
        3: "label is not in classifier.toml",
    }
    write(landing.home.landing("tickets", LOGS) / "late.csv", [log(1)])
    assert [(each.kind, each.accepted) for each in landing.take(SPEC, now=NOW)] == [(LOGS, 1), (CORRECTIONS, 1)]
    assert [(row["line"], row["reason"]) for row in rejects(landing)] == [(3, "label is not in classifier.toml")]
    assert landing.take(SPEC, now=NOW) == []


def test_new_columns_are_kept_and_optional_ones_may_be_absent(landing: Landing, tmp_path: Path) -> None:
    """Schema drift loses nothing: further columns, nested ones too, go to `extra`; missing optional ones are null."""
    bare = dict.fromkeys(("confidence", "adapter", "latency_ms"), ABSENT)
    rows = [
        log(0, channel="web", nested={"a": [1, None]}, extra="mine"),
        log(1),
        log(2, **bare),
        log(3, confidence=None),
    ]
    landing.deliver(SPEC, LOGS, write(tmp_path / "a.jsonl", rows), now=NOW)
    landing.deliver(SPEC, LOGS, write(tmp_path / "b.parquet", [log(4, channel="app", **bare), log(5, **bare)]), now=NOW)
    found = {row[1]: row for row in rows_of(landing, LOGS)}
    assert json.loads(found["r0"][8]) == {"channel": "web", "nested": {"a": [1, None]}, "extra": "mine"}
    assert json.loads(found["r4"][8]) == {"channel": "app"}
    assert [found[f"r{n}"][8] for n in (1, 2, 3, 5)] == [None] * 4
    assert [found["r2"][n] for n in (5, 6, 7)] == [None] * 3
    assert landing.warehouse.rebuild() is not None
    assert {row[1]: row for row in rows_of(landing, LOGS)} == found


@pytest.mark.parametrize("form", FORMATS)
def test_other_column_names_are_mapped(landing: Landing, tmp_path: Path, form: str) -> None:
    """`--map text=body`: theirs becomes ours, and is not kept twice."""
    row = {"id": "r0", "ts": log(0)["ts"], 'the "body"/~': "hello", "label": "other"}
    columns = {"request_id": "id", "text": 'the "body"/~'}
    landing.deliver(SPEC, LOGS, write(tmp_path / f"in.{form}", [row]), columns=columns, now=NOW)
    assert [(found[1], found[3], found[8]) for found in rows_of(landing, LOGS)] == [("r0", "hello", None)]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_without_a_required_column_says_what_it_has_and_suggests_a_map(
    landing: Landing, tmp_path: Path, form: str
) -> None:
    """The error names the file, the columns found and the option that mends it; nothing is landed."""
    rows = [{"request_id": "a", "ts": log(0)["ts"], "texts": "hello", "label": "other"}]
    with pytest.raises(RatchetError) as error:
        landing.deliver(SPEC, LOGS, write(tmp_path / f"in.{form}", rows), now=NOW)
    assert f"in.{form}: the file has no column 'text'" in error.value.message
    assert "'texts'" in error.value.message
    assert "--map text=texts" in error.value.hint
    assert files(landing) == []


def test_what_cannot_be_delivered_at_all_is_an_error_with_a_cure(landing: Landing, tmp_path: Path) -> None:
    """No file, a folder, another format, another kind, a map to no column of ours: one sentence each."""
    (tmp_path / "x.xlsx").write_bytes(b"x")
    source = write(tmp_path / "x.jsonl", [log(0)])
    cases: list[tuple[str, Path, dict[str, str], str]] = [
        (LOGS, tmp_path / "absent.jsonl", {}, "does not exist"),
        (LOGS, tmp_path, {}, "is a folder"),
        (LOGS, tmp_path / "x.xlsx", {}, "ends in .xlsx"),
        ("feedback", source, {}, "unknown kind of rows 'feedback'"),
        (LOGS, source, {"texts": "body"}, "no column 'texts'"),
    ]
    for kind, path, columns, sentence in cases:
        with pytest.raises(RatchetError, match=sentence) as error:
            landing.deliver(SPEC, kind, path, columns=columns, now=NOW)
        assert error.value.hint
    with pytest.raises(UsageError, match="not allowed"):
        landing.home.landing("../evil", LOGS)


ODD_NAMES = (
    "*.jsonl",
    "a[1].csv",
    "it's.parquet",
    "two\nlines.jsonl",
    "a'b\"c;--.csv",
    "ünï.jsonl",
    f"{'x' * 240}.csv",
)


def test_odd_file_names_are_only_names(landing: Landing) -> None:
    """Wildcards, quotes, line breaks and long names neither widen what is read nor break or mix up the reports."""
    folder = landing.home.landing("tickets", LOGS)
    for number, name in enumerate(ODD_NAMES):
        write(folder / name, [log(2 * number), log(2 * number + 1, label="nonsense")])
    intakes = landing.take(SPEC, now=NOW)
    assert {each.file: (each.accepted, each.rejected) for each in intakes} == dict.fromkeys(ODD_NAMES, (1, 1))
    assert sorted(row["file"] for row in rejects(landing)) == sorted(ODD_NAMES)
    assert landing.take(SPEC, now=NOW) == []


def test_a_folder_and_a_name_that_is_no_utf8_are_reported_not_passed_over(landing: Landing) -> None:
    """Whatever lies in a landing folder is taken or reported; dot-files are writers at work."""
    folder = landing.home.landing("tickets", LOGS)
    (folder / "sub.jsonl").mkdir(parents=True)
    write(folder / "ok.jsonl", [log(0)])
    write(folder / ".half.jsonl", [log(1)])
    (folder / "caf\udce9.jsonl").write_text(json.dumps(log(2)))
    intakes = landing.take(SPEC, now=NOW)
    assert sorted((each.file, each.accepted, each.rejected) for each in intakes) == [
        ("caf\\udce9.jsonl", 0, 1),
        ("ok.jsonl", 1, 0),
        ("sub.jsonl", 0, 1),
    ]
    assert landing.take(SPEC, now=NOW) == []


def test_a_dropped_file_that_grows_adds_only_its_new_rows(landing: Landing) -> None:
    """A log that is appended to and synced again and again is taken up where it was."""
    path = landing.home.landing("tickets", LOGS) / "growing.jsonl"
    write(path, [log(0), log(1)])
    landing.take(SPEC, now=NOW)
    with path.open("a") as file:
        file.write(json.dumps(log(2)) + "\n" + "half a li")
    assert [(each.accepted, each.duplicate, each.rejected) for each in landing.take(SPEC, now=NOW)] == [(1, 2, 1)]
    write(path, [log(n) for n in range(4)])
    assert [(each.accepted, each.duplicate, each.rejected) for each in landing.take(SPEC, now=NOW)] == [(1, 3, 0)]
    assert rejects(landing) == []


def test_the_refused_rows_can_be_mended_and_delivered_again(landing: Landing, tmp_path: Path) -> None:
    """The report holds each row whole: `row`, fixed, is a file of its own."""
    landing.deliver(SPEC, LOGS, write(tmp_path / "in.jsonl", [log(0, label="Refund"), log(1)]), now=NOW)
    fixed = [json.loads(row["row"]) | {"label": "refund"} for row in rejects(landing)]
    assert landing.deliver(SPEC, LOGS, write(tmp_path / "fixed.jsonl", [*fixed]), now=NOW) == IngestResult(
        LOGS, "fixed.jsonl", 1
    )


def test_two_classifiers_never_see_each_others_rows(landing: Landing, tmp_path: Path) -> None:
    """The same request id may occur in each."""
    source = write(tmp_path / "in.jsonl", [log(0)])
    other = Spec("chats", SPEC.label)
    assert [landing.deliver(spec, LOGS, source, now=NOW).accepted for spec in (SPEC, other)] == [1, 1]
    early = write(tmp_path / "c.jsonl", [correction(0)])
    landing.deliver(Spec("mails", SPEC.label), CORRECTIONS, early, now=NOW)
    assert landing.deliver(other, CORRECTIONS, early, now=NOW).accepted == 1
    assert [row[0] for row in rows_of(landing, CORRECTIONS)] == ["chats"]


def test_line_numbers_hold_in_a_file_that_is_read_in_parallel(landing: Landing, tmp_path: Path) -> None:
    """A hundred thousand lines, bad ones at known places, in each format."""
    count, bad = 100_000, {1, 49_999, 77_777, 100_000}
    with duckdb.connect() as connection:
        columns = f"""'q' || i AS request_id, '2026-02-02T10:00:00Z' AS ts, 'text number ' || i AS text,
            CASE WHEN i IN ({", ".join(map(str, bad))}) THEN 'nonsense' ELSE 'other' END AS label"""
        for form in FORMATS:
            path = tmp_path / f"in.{form}"
            connection.execute(
                f"COPY (SELECT {columns} FROM range(1, {count + 1}) r(i)) TO '{path}' (FORMAT"
                f" {form.replace('jsonl', 'json')})"
            )
            intake = landing.deliver(SPEC, LOGS, path, now=NOW)
            header = 1 if form == "csv" else 0
            assert {row["line"] - header for row in rejects(landing, f"*{form}*")} == bad
            assert intake.accepted + intake.duplicate == count - len(bad)
