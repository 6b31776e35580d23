"""Files as other programs write them: Excel, pandas, Spark, Postgres, BigQuery, Snowflake, Label Studio and more.

The files are made by the programs' own libraries where they are installed, else by hand as those write them.
"""

import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.data.records import KINDS, Terms
from ratchet.data.row_rules import AHEAD, hint_of
from ratchet.ingest.landing import IngestResult, Landing
from ratchet.ingest.reading.salvage import fingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.reading.staging_reader import StagingReader
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.row_files.formats import UnreadableError, form_of
from ratchet.storage.row_files.opening import open_rows
from ratchet.storage.row_files.parts import parts_of

SPEC = Spec("tickets", (Label("refund"), Label("delivery"), Label("0"), Label("true")))
NOW = datetime(2026, 6, 1, tzinfo=UTC)
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
LOGS, CORRECTIONS = "production_logs", "corrections"
T = "2026-03-02T10:00:00Z"
TEXT = 'où est "ma" commande;\nvite, s\'il vous plaît'
SPARK = TEXT.replace('"', '\\"')
COPIED = TEXT.replace("\n", "\\n")
QUOTED = TEXT.replace('"', '""')
FRAME = pd.DataFrame({
    "request_id": ["ID"], "ts": pd.to_datetime([T]), "text": [TEXT], "label": pd.Categorical(["delivery"]),
    "confidence": [0.87], "adapter": [None], "channel": ["web"],
})  # fmt: skip


class Staged:
    """One connection whose table `stage` holds the rows of the file that was read last."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")

    def __call__(self, path: Path, content: bytes, kind: str = LOGS, names: Columns = Columns()) -> None:  # noqa: B008
        """Write the file and read it."""
        path.write_bytes(content)
        opened = open_rows(path, form_of(path.name) or "", path.parent)
        reader = StagingReader(self.connection, KINDS[kind], names, Terms.of(SPEC, NOW), segment=False)
        reader.read(opened, fingerprint(path), path.parent)

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        """These columns of every row."""
        sql = f"SELECT {columns} FROM stage WHERE reason IS DISTINCT FROM '' ORDER BY rowid"
        return self.connection.execute(sql).fetchall()

    def reasons(self) -> list[str]:
        """Why rows were refused."""
        sql = "SELECT reason FROM stage WHERE reason <> '' UNION ALL SELECT reason FROM bad"
        return [reason for (reason,) in self.connection.execute(sql).fetchall()]


@pytest.fixture(scope="module")
def staged() -> Iterator[Staged]:
    """Reads files into a staging table, without a home."""
    staged = Staged()
    yield staged
    staged.connection.close()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """An empty home's landing."""
    home = Home(tmp_path / "home")
    return Landing(home, open_warehouse(home, "tickets"))


def parquet(table: pa.Table, **options: Any) -> bytes:
    """A table as the bytes of a file."""
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def columns(**changes: Any) -> pa.Table:
    """One row of Parquet with the plainest types, and these changes."""
    sound = {
        "request_id": pa.array(["ID"]), "ts": pa.array([AT]), "text": pa.array([TEXT]),
        "label": pa.array(["delivery"]), "confidence": pa.array([0.87]),
    }  # fmt: skip
    return pa.table({**sound, **changes})


def snowflake() -> bytes:
    """Names in capitals, whole numbers as decimals, time without its zone's type as text."""
    return parquet(
        pa.table({
            "REQUEST_ID": pa.array(["ID"]), "TS": pa.array(["2026-03-02 10:00:00.000 +0000"]), "TEXT": pa.array([TEXT]),
            "LABEL": pa.array(["delivery"]), "CONFIDENCE": pa.array([Decimal("0.87")], pa.decimal128(38, 6)),
            "LATENCY_MS": pa.array([Decimal(12)], pa.decimal128(38, 0)),
        })
    )  # fmt: skip


ROW = {"request_id": "ID", "ts": T, "text": TEXT, "label": "delivery", "confidence": 0.87, "channel": "web"}
SHOUTED = {name.upper(): value for name, value in ROW.items()}
HEAD, TAIL = "request_id,ts,text,label,confidence", f'"{QUOTED}",delivery,0.87'
FILES: dict[str, tuple[str, bytes | Callable[[], bytes]]] = {
    "Excel, CSV UTF-8, German": (
        "a.csv",
        f'\ufeffrequest_id;ts;text;label;confidence\r\nID;{T};"{QUOTED}";delivery;0,87\r\n'.encode(),
    ),
    "Excel, CSV, French": (
        "a.csv",
        f'sep=;\r\nrequest_id;ts;text;label;confidence\r\nID;{T};"{QUOTED}";delivery;0,87\r\n'.encode("cp1252"),
    ),
    "Excel, Unicode text": (
        "a.tsv",
        f'request_id\tts\ttext\tlabel\tconfidence\r\nID\t{T}\t"{QUOTED}"\tdelivery\t0,87\r\n'.encode("utf-16"),
    ),
    "Postgres, COPY in its text format": (
        "a.tsv",
        f"request_id\tts\ttext\tlabel\tconfidence\tadapter\nID\t{T}\t{COPIED}\tdelivery\t0.87\t\\N\n".encode(),
    ),
    "pandas, CSV": ("a.csv", lambda: FRAME.to_csv().encode()),
    "pandas, CSV packed": ("a.csv.gz", lambda: gzip.compress(FRAME.to_csv(index=False, sep="\t").encode())),
    "pandas, records": ("a.json", lambda: FRAME.to_json(orient="records", date_format="iso", indent=2).encode()),
    "pandas, lines": ("a.json", lambda: FRAME.to_json(orient="records", lines=True, date_format="iso").encode()),
    "pandas, Parquet": ("a.parquet", lambda: parquet(pa.Table.from_pandas(FRAME))),
    "Spark, CSV": (
        "part-00000-tid.csv.gz",
        gzip.compress(
            f"{HEAD}\nID,2026-03-02T10:00:00.000Z,\"{SPARK}\",delivery,0.87\n".encode()
        ),
    ),
    "Spark, JSON": ("part-00000-tid-c000.json", json.dumps({**ROW, "ts": "2026-03-02T11:00:00.000+01:00"}).encode()),
    "Spark, Parquet with INT96": (
        "part-00000-tid-c000.snappy.parquet",
        lambda: parquet(
            columns(ts=pa.array([AT.replace(tzinfo=None)], pa.timestamp("ns"))), use_deprecated_int96_timestamps=True
        ),
    ),
    "Postgres, COPY": ("a.csv", f"{HEAD},latency_ms\nID,2026-03-02 10:00:00+00,{TAIL},\n".encode()),
    "BigQuery, CSV": ("000000000000.csv", f"{HEAD}\nID,2026-03-02 10:00:00 UTC,{TAIL}\n".encode()),
    "BigQuery, JSON": (
        "000000000000.json.gz",
        gzip.compress(json.dumps({**ROW, "ts": "2026-03-02 10:00:00.000000 UTC", "n": "7"}).encode()),
    ),
    "BigQuery, Parquet": ("a.parquet", lambda: parquet(columns(ts=pa.array([AT], pa.timestamp("us", "UTC"))))),
    "Snowflake, CSV": (
        "data_0_0_0.csv.gz",
        gzip.compress(f'{HEAD.upper()},ADAPTER\nID,2026-03-02 02:00:00.000 -0800,{TAIL},\\N\n'.encode()),
    ),
    "Snowflake, JSON": ("data_0_0_0.json", json.dumps(SHOUTED).encode()),
    "Snowflake, Parquet": ("data_0_0_0.snappy.parquet", snowflake),
    "DuckDB, COPY": ("a.csv", f"{HEAD}\nID,2026-03-02 10:00:00+00,{TAIL}\n".encode()),
    ".NET, System.Text.Json": (
        "a.jsonl",
        json.dumps(ROW).replace(T, "2026-03-02T11:00:00\\u002B01:00").replace("'", "\\u0027").encode(),
    ),
    "Java, ZonedDateTime": ("a.ndjson", json.dumps({**ROW, "ts": "2026-03-02T11:00:00+01:00[Europe/Berlin]"}).encode()),
    "jq": ("a.json", json.dumps(ROW, indent=2, ensure_ascii=False).encode()),
    "PowerShell, redirected": ("a.jsonl", json.dumps(ROW).encode("utf-16")),
    "Python, NaN": ("a.jsonl", json.dumps({**ROW, "latency_ms": float("nan"), "score": float("inf")}).encode()),
    "an editor of Windows": ("a.jsonl", json.dumps(ROW, ensure_ascii=False).encode("cp1252")),
    "a spreadsheet with empty rows": ("a.csv", f"{HEAD},,\nID,{T},{TAIL},,\n,,,,,,\n,,,,,,\n".encode()),
    "an empty adapter": ("a.jsonl", json.dumps({**ROW, "adapter": ""}).encode()),
    "a classic Mac": ("a.csv", f"{HEAD}\rID,{T},{TAIL}\r".encode()),
    "large and binary strings": (
        "a.parquet",
        lambda: parquet(
            columns(
                request_id=pa.array([b"ID"], pa.large_binary()), text=pa.array([TEXT], pa.large_string()),
                label=pa.array(["delivery"]).dictionary_encode(), confidence=pa.array([0.87], pa.float32()),
                day=pa.array([date(2026, 3, 2)]), nested=pa.array([{"a": [1, None]}]), took=pa.array([b"\xff"]),
            )
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_program_gives_its_row(staged: Staged, tmp_path: Path, name: str) -> None:
    """The same request, whoever wrote it down: time, text with quotes and line breaks, label, confidence."""
    file, content = FILES[name]
    staged(tmp_path / file, content if isinstance(content, bytes) else content())
    (row,) = staged.rows("request_id, ts, text, label, confidence, adapter, reason")
    assert (row[0], row[1], row[2].replace("\r\n", "\n"), row[3]) == ("ID", AT, TEXT, "delivery")
    assert row[4] == pytest.approx(0.87)
    assert row[5:] == (None, None)
    assert staged.reasons() == []


PLAIN, ROW_2 = "request_id,ts,text,label", f"a2,{T},plain,delivery"
RETURNS: dict[str, tuple[str, str]] = {
    "within": (f'{PLAIN}\na1,{T},"one\rtwo",delivery\n{ROW_2}\n', "one\rtwo"),
    "within, of Windows": (f'{PLAIN}\r\na1,{T},"one\rtwo",delivery\r\n{ROW_2}\r\n', "one\rtwo"),
    "at its end": (f'{PLAIN}\na1,{T},"one\r",delivery\n{ROW_2}\n', "one\r"),
    "in a file of them": (f'{PLAIN}\ra1,{T},"one\rtwo",delivery\r{ROW_2}\r', "one\rtwo"),
    "beside a line break": (f'{PLAIN}\na1,{T},"one\rtwo\n",delivery\n{ROW_2}\n', "one\rtwo\n"),
}


@pytest.mark.parametrize("name", RETURNS)
def test_a_lone_carriage_return_in_a_field_is_part_of_it(staged: Staged, tmp_path: Path, name: str) -> None:
    """A quoted text may hold any line end; none of them costs a row, let alone the file."""
    content, text = RETURNS[name]
    staged(tmp_path / "a.csv", content.encode())
    assert staged.rows("text, adapter, reason") == [(text, None, None), ("plain", None, None)]
    assert staged.reasons() == []


REFUSED: dict[str, tuple[str, bytes, str]] = {
    "pandas, epoch": ("a.json", b'[{"request_id":"x","ts":1772445600000,"text":"a","label":"0"}]', "milliseconds"),
    "Python, time()": ("a.jsonl", b'{"request_id":"x","ts":1772445600.25,"text":"a","label":"0"}', "seconds since"),
    "mails": ("a.csv", b'request_id,ts,text,label\nx,"Mon, 02 Mar 2026 10:00:00 +0000",a,0\n', "RFC 2822"),
    "MySQL": ("a.csv", b"request_id,ts,text,label\nx,2026-03-02 10:00:00,a,0\n", "ts has no time zone"),
    "Excel, its days": ("a.csv", b"request_id;ts;text;label\nx;46083,416;a;0\n", "ts is not an RFC 3339 time"),
    "float ids of pandas": ("a.jsonl", b'{"request_id":7.0,"ts":"2026-03-02T10:00:00Z","text":"a","label":"0"}',
                            "request_id is neither text nor an integer"),
    "cut emoji": ("a.jsonl", b'{"request_id":"x","ts":"2026-03-02T10:00:00Z","text":"\\ud83d","label":"0"}',
                  "a text holds a lone surrogate"),
    "cut emoji in a list": (
        "a.json", b'[{"request_id":"x","ts":"2026-03-02T10:00:00Z","text":"\\ud83d","label":"0"}]',
        "a text holds a lone surrogate",
    ),
    "nothing in a list": (
        "a.json", b'[null,{"request_id":"x","ts":"2026-03-02T10:00:00Z","text":"a","label":"0"}]',
        "the line is not a JSON object",
    ),
    "a list that breaks": ("a.json", b'[{"request_id":"x"} {"request_id":"y"}]', "its JSON is broken"),
    "Russian Excel": ("a.csv", "request_id;ts;text;label\nx;2026-03-02T10:00:00Z;где посылка;0\n".encode("cp1251"),
                      "its encoding is unknown"),
    "half a list": ("a.json", b'[{"request_id":"x"},', "ends in the middle of its JSON"),
    "a workbook": ("a.csv", b"PK\x03\x04", "Excel workbook"),
    "no text at all": ("a.jsonl", b'{"request_id":"x","ts":"2026-03-02T10:00:00Z","text":null,"label":"0"}',
                       "text is missing"),
    "one unclosed quote": (
        "a.csv", b'request_id,ts,text,label\nx,2026-03-02T10:00:00Z,"a,0\ny,2026-03-02T10:00:00Z,b,0\n',
        "a quote is not closed; it was opened in line 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_named_for_what_it_is(staged: Staged, tmp_path: Path, name: str) -> None:
    """Nothing is guessed: no unit, no zone, no encoding."""
    file, content, reason = REFUSED[name]
    try:
        staged(tmp_path / file, content)
        found = staged.reasons()
    except UnreadableError as error:
        found = [str(error)]
    assert len(found) == (2 if "quote" in name else 1)
    assert all(reason in each for each in found)


NULLED = {
    '"93%"': "confidence is not a number", '"93"': "confidence is outside 0..1",
    "1.0000001": "confidence is outside 0..1",
    "[0.5]": "confidence is not a number", "NaN": "confidence is not a number", "true": "confidence is not a number",
}  # fmt: skip


def test_an_optional_value_that_is_off_costs_the_value(landing: Landing, tmp_path: Path) -> None:
    """Counted by reason, in the result and for good, also after a rebuild; an empty one is nothing at all."""
    rows = [
        f'{{"request_id":"n{n}","ts":"{T}","text":"a","label":"0","confidence":{value}}}'
        for n, value in enumerate(NULLED)
    ]
    rows += [
        f'{{"request_id":"e1","ts":"{T}","text":"a","label":0,"confidence":"","latency_ms":"12,5"}}',
        f'{{"request_id":"e2","ts":"{T}","text":"a","label":true,"confidence":"0.93","latency_ms":-Infinity}}',
    ]
    (tmp_path / "n.jsonl").write_text("\n".join(rows))
    intake = landing.deliver(SPEC, LOGS, tmp_path / "n.jsonl", now=NOW)
    assert (intake.accepted, intake.rejected) == (len(rows), 0)
    expected = {
        "confidence is not a number": 4, "confidence is outside 0..1": 2, "latency_ms is negative or not finite": 1,
    }  # fmt: skip
    assert intake.nulled == expected
    assert json.loads(landing.home.intake("tickets").read_bytes())["nulled"] == expected
    with landing.warehouse.connect() as connection:
        sql = f"SELECT label, confidence, latency_ms FROM {LOGS} WHERE request_id IN ('e1', 'e2') ORDER BY request_id"
        assert connection.execute(sql).fetchall() == [("0", None, 12.5), ("true", 0.93, None)]
    assert landing.deliver(SPEC, LOGS, tmp_path / "n.jsonl", now=NOW) == IngestResult(LOGS, "n.jsonl", 0, len(rows))
    landing.warehouse.rebuild()
    landing.take(SPEC, now=NOW)
    with landing.warehouse.connect() as connection:
        assert dict(connection.execute("SELECT reason, sum(rows)::INT FROM nulled GROUP BY ALL").fetchall()) == expected


def test_ids_of_parquet_are_what_they_are_in_a_csv(staged: Staged, tmp_path: Path) -> None:
    """Whole decimals, UUIDs and big integers: each is its text, also as a number of JSON."""
    name = uuid.UUID("051c0165-96b6-45af-b33f-92c70fe45441")
    kinds = {
        "7": pa.array([Decimal(7)], pa.decimal128(38, 0)), str(2**63): pa.array([2**63], pa.uint64()),
        str(name): pa.ExtensionArray.from_storage(pa.uuid(), pa.array([name.bytes], pa.binary(16))),
    }  # fmt: skip
    for text, ids in kinds.items():
        staged(tmp_path / "a.parquet", parquet(columns(request_id=ids, label=pa.array([0]))))
        found = staged.rows("request_id, label, reason")
        staged(tmp_path / "a.csv", f'{HEAD}\n{text},{T},"{QUOTED}",0,0.87\n'.encode())
        assert found == staged.rows("request_id, label, reason") == [(text, "0", None)]
    for digits in (str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), "9" * 100):
        staged(tmp_path / "a.jsonl", json.dumps({**ROW, "request_id": 0}).replace(": 0", f": {digits}", 1).encode())
        assert staged.rows("request_id, reason") == [(digits, None)], digits


def test_overlapping_full_exports_add_what_is_new(landing: Landing, tmp_path: Path) -> None:
    """Further columns, a rounded time and a number of 32 bits change with every export; what matters is named."""
    first = {**ROW, "request_id": "o1", "export_date": "2026-03-08", "status": "open"}
    second = {**first, "export_date": "2026-03-15", "status": "closed", "latency_ms": 3}
    for number, row in enumerate(({**second, "ts": "2026-03-02T10:00:00.4Z", "confidence": 0.8700000047683716}, first)):
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(first) + "\n" + json.dumps(row))
        intake = landing.deliver(SPEC, LOGS, tmp_path / f"{number}.jsonl", now=NOW)
        assert (intake.accepted + intake.duplicate, intake.rejected) == (2, 0)
    (tmp_path / "c.jsonl").write_text(json.dumps({**first, "text": "another", "label": "refund"}))
    intake = landing.deliver(SPEC, LOGS, tmp_path / "c.jsonl", now=NOW)
    assert intake.reasons == {"conflicts with an earlier row of the same request_id: another text, label": 1}


def test_a_row_ahead_of_the_clock_waits_for_it(landing: Landing, tmp_path: Path) -> None:
    """The machine that wrote it is 90 s ahead: it is taken 90 s later."""
    (tmp_path / "a.jsonl").write_text(json.dumps({**ROW, "request_id": "w1", "ts": "2026-06-01T00:01:30Z"}))
    assert landing.deliver(SPEC, LOGS, tmp_path / "a.jsonl", now=NOW).reasons == {AHEAD: 1}
    assert landing.take(SPEC, now=NOW) == []
    assert [each.accepted for each in landing.take(SPEC, now=NOW.replace(minute=2))] == [1]


@pytest.mark.parametrize(
    "form", [pytest.param(form, marks=[pytest.mark.faults] * (form != "csv")) for form in ("csv", "jsonl", "parquet")]
)
def test_a_row_that_was_refused_comes_back_when_it_is_corrected(landing: Landing, tmp_path: Path, form: str) -> None:
    """Corrected in the file, in the report itself, or as the row that the report holds: each of them is taken."""
    ids = [f"{form}{n}" for n in range(3)]
    frame = pd.DataFrame({**ROW, "request_id": ids, "label": "Delivery", "ts": pd.to_datetime(T)})
    source = tmp_path / f"in.{form}"
    if form == "csv":
        frame.to_csv(source, index=False)
    elif form == "jsonl":
        frame.to_json(source, orient="records", lines=True, date_format="iso")
    else:
        frame.to_parquet(source)
    assert landing.deliver(SPEC, LOGS, source, now=NOW).rejected == 3
    report = next(landing.home.rejected("tickets").glob(f"*in.{form}*"))
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    fixed = [{**line, "row": line["row"].replace("Delivery", "delivery")} for line in lines]
    (tmp_path / "report.jsonl").write_text(json.dumps(fixed[0]) + "\n" + json.dumps(lines[1]) + "\n")
    (tmp_path / "rows.jsonl").write_text(fixed[1]["row"])
    frame.assign(label="delivery").to_csv(tmp_path / "again.csv", index=False)
    for name, (accepted, duplicate, rejected) in {
        "report.jsonl": (1, 0, 1), "rows.jsonl": (1, 0, 0), "again.csv": (1, 2, 0),
    }.items():  # fmt: skip
        intake = landing.deliver(SPEC, LOGS, tmp_path / name, now=NOW)
        assert (intake.accepted, intake.duplicate, intake.rejected) == (accepted, duplicate, rejected), name


STUDIO = {"annotation_id": 7, "annotator": 1, "choice": "refund", "created_at": "2026-03-03T10:00:00.123456Z", "id": 1,
          "lead_time": 4.2, "request_id": "ID", "text": TEXT, "updated_at": "2026-03-03T10:00:00.123456Z"}  # fmt: skip
TOOLS: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "Label Studio, CSV": (
        "a.csv", pd.DataFrame([STUDIO]).to_csv(index=False).encode(), {"label": "choice", "ts": "created_at"},
    ),
    "Label Studio, TSV": (
        "a.tsv", pd.DataFrame([STUDIO]).to_csv(index=False, sep="\t").encode(),
        {"label": "choice", "ts": "updated_at"},
    ),
    "Label Studio, JSON-MIN": (
        "a.json", json.dumps([STUDIO], indent=4).encode(), {"label": "choice", "ts": "created_at"},
    ),
    "doccano, JSON lines": (
        "a.jsonl",
        json.dumps({"id": 1, "text": TEXT, "label": ["refund"], "request_id": "ID", "who": 7, "at": T}).encode(),
        {"annotator": "who", "ts": "at"},
    ),
    "lists in Parquet": (
        "a.parquet",
        parquet(pa.table({"request_id": ["ID"], "ts": [AT], "label": [["refund"]], "annotator": [7]})), {},
    ),
    "doccano, CSV": (
        "a.csv", f'id,data,label,request_id,who,when\n1,"{QUOTED}",refund,ID,ann,2026-03-03 10:00:00+00\n'.encode(),
        {"annotator": "who", "ts": "when"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOOLS)
def test_annotation_tools_do_not_say_who_saw_the_prediction(staged: Staged, tmp_path: Path, name: str) -> None:
    """The command says it for the whole file; without it the file is refused, with both ways to say it."""
    file, content, names = TOOLS[name]
    with pytest.raises(RatchetError, match="no column 'saw_prediction'") as error:
        staged(tmp_path / file, content, CORRECTIONS, Columns(names))
    assert "--blind" in error.value.hint
    for saw in (True, False):
        staged(tmp_path / file, content, CORRECTIONS, Columns(names, saw))
        assert staged.rows("request_id, label, saw_prediction, reason") == [("ID", "refund", saw, None)]


@pytest.mark.parametrize(
    "content",
    [
        b"request_id,ts,label,annotator,saw_prediction\nx,2026-03-03T10:00:00Z,refund,ann,t\n",
        b'{"request_id":"x","ts":"2026-03-03T10:00:00Z","label":"refund","annotator":"ann","saw_prediction":0}',
    ],
)
def test_a_file_that_says_who_saw_the_prediction_is_not_overruled(
    staged: Staged, tmp_path: Path, content: bytes
) -> None:
    """Blind labels decide over models: nothing makes them of others by a word on the command line."""
    source = tmp_path / ("a.csv" if content[:1] == b"r" else "a.jsonl")
    with pytest.raises(RatchetError, match="says itself"):
        staged(source, content, CORRECTIONS, Columns({}, saw_prediction=False))
    staged(source, content, CORRECTIONS)
    assert staged.rows("saw_prediction, reason") == [(b"t\n" in content, None)]


def spark_folder(folder: Path, name: str) -> Path:
    """An export of two parts with its mark and its checksums."""
    (folder / name).mkdir(parents=True)
    for part in range(2):
        row = json.dumps({**ROW, "request_id": f"{name}-{part}"}).encode()
        (folder / name / f"part-0000{part}-x.json.gz").write_bytes(gzip.compress(row))
        (folder / name / f".part-0000{part}-x.json.gz.crc").write_bytes(b"crc")
    (folder / name / "_SUCCESS").touch()
    return folder / name


def test_a_folder_of_parts_is_taken_part_by_part(landing: Landing, tmp_path: Path) -> None:
    """Named on the command line, or dropped whole into the landing folder; one that is not complete is refused."""
    parts = parts_of(spark_folder(tmp_path, "named"))
    assert [landing.deliver(SPEC, LOGS, part, now=NOW).accepted for part in parts] == [1, 1]
    drop = landing.home.landing("tickets", LOGS)
    (spark_folder(drop, "whole") / "day=2026-03-02").mkdir()
    (spark_folder(drop, "half") / "_SUCCESS").unlink()
    (drop / "link").symlink_to(tmp_path / "named")
    found = {each.file: (each.accepted, each.rejected) for each in landing.take(SPEC, now=NOW)}
    assert found == {
        "whole/part-00000-x.json.gz": (1, 0), "whole/part-00001-x.json.gz": (1, 0), "half": (0, 1), "link": (0, 1),
        "whole/day=2026-03-02": (0, 1),
    }  # fmt: skip
    assert landing.take(SPEC, now=NOW) == []
    (drop / "half" / "_SUCCESS").touch()
    found = {each.file: (each.accepted, each.rejected) for each in landing.take(SPEC, now=NOW)}
    assert found == {"half/part-00000-x.json.gz": (1, 0), "half/part-00001-x.json.gz": (1, 0)}
    landing.warehouse.rebuild()
    with landing.warehouse.connect() as connection:
        assert connection.execute(f"SELECT count(*) FROM {LOGS}").fetchone() == (6,)


CASES = Path(__file__).parents[5] / "shared" / "cases"
KNOWN: dict[str, tuple[int, int, int]] = {
    "timestamps/zoned_but_refused.jsonl": (8, 0, 5), "timestamps/duckdb_timestamptz.csv": (1, 0, 0),
    "parquet_types/uuid_id.parquet": (1, 0, 0), "parquet_types/integer_label.parquet": (1, 0, 0),
    "parquet_types/confidence_1.0000001.parquet": (1, 0, 0),
    "json_oddities/optional_value_loses_the_row.jsonl": (6, 0, 0), "json_oddities/lone_surrogate.jsonl": (0, 0, 1),
    "csv_oddities/cp1252.csv": (2, 0, 0), "csv_oddities/embedded_newline_line_numbers.csv": (1, 0, 1),
    "csv_oddities/excel_sep_line.csv": (1, 0, 0), "csv_oddities/semicolon_decimal_comma.csv": (1, 0, 0),
    "overlap/week1.jsonl": (1, 0, 0),
}  # fmt: skip


@pytest.mark.skipif(not CASES.is_dir(), reason="the inputs are not beside this checkout")
@pytest.mark.parametrize("name", KNOWN)
def test_inputs_of_public_reports_come_out_as_they_should(tmp_path: Path, name: str) -> None:
    """Each of them broke an earlier version."""
    home = Home(tmp_path / "home")
    landing = Landing(home, open_warehouse(home, "tickets"))
    found = landing.deliver(SPEC, LOGS, CASES / name)
    assert (found.accepted, found.duplicate, found.rejected) == KNOWN[name]
    if name.startswith("overlap"):
        assert landing.deliver(SPEC, LOGS, CASES / "overlap/week2.jsonl").duplicate == 1
    if "embedded" in name:
        (report,) = home.rejected("tickets").iterdir()
        assert json.loads(report.read_text())["line"] == 6


ROW = {"request_id": "x", "ts": T, "text": "a", "label": "0"}
WRAPPED: dict[str, str] = {
    "under a key": json.dumps({"data": [ROW, ROW]}),
    "a page of an API": json.dumps({"count": 1, "next": None, "results": [ROW]}, indent=2),
    "pages, one a line": "\n".join([json.dumps({"results": [ROW]})] * 3),
    "pandas, split": json.dumps({"columns": [*ROW], "index": [0], "data": [[*ROW.values()]]}),
    "pandas, table": json.dumps({"schema": {"fields": []}, "data": [ROW]}),
    "pandas, columns": json.dumps({name: {"0": value, "1": value} for name, value in ROW.items()}),
    "pandas, index": json.dumps({"0": ROW, "1": ROW}),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_rows_inside_a_document_are_refused_with_what_helps(staged: Staged, tmp_path: Path, name: str) -> None:
    """No mapping of a column can help there; a mapping was named before."""
    with pytest.raises(RatchetError, match="rows lie inside a JSON object, with the keys") as error:
        staged(tmp_path / "a.json", WRAPPED[name].encode())
    assert "orient='records', lines=True" in error.value.hint
    assert error.value.code == "missing_column"
    assert repr(next(iter(json.loads(WRAPPED[name].partition("\n{")[0])))) in error.value.message


def test_a_list_beside_the_columns_of_a_row_is_no_wrapper(staged: Staged, tmp_path: Path) -> None:
    """Further keys may hold anything; the row is judged by its columns."""
    staged(tmp_path / "a.jsonl", json.dumps({**ROW, "ts": None, "history": [{"at": 1}], "more": {}}).encode())
    assert staged.reasons() == ["ts is missing"]


def test_binary_ids_are_refused_with_their_own_fix(staged: Staged, tmp_path: Path) -> None:
    """Sixteen bytes of a UUID: integers would not help."""
    raw = pa.array([bytes.fromhex("f47ac10b58cc4372a5670e02b2c3d479")], pa.binary(16))
    staged(tmp_path / "a.parquet", parquet(columns(request_id=raw)))
    (reason,) = staged.reasons()
    assert reason == "request_id is bytes, not text in UTF-8"
    assert "uuid.UUID(bytes=x)" in hint_of(reason, Terms.of(SPEC, NOW), {})
