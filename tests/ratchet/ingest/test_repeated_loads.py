"""What is refused now can be taken later, nothing that was taken is refused, and each row is somewhere and counted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.consensus import CONSENSUS_SQL
from ratchet.data.row_rules import AHEAD, WAITING
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.row_counts import outside_of
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import RowSchema, publish_segment

LOGS, CORRECTIONS = "production_logs", "corrections"
SPEC = Spec("tickets", (Label("a"), Label("b")))
START = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLUMNS = {
    LOGS: {"request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "text": "VARCHAR", "label": "VARCHAR"},
    CORRECTIONS: {
        "request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "label": "VARCHAR", "annotator": "VARCHAR",
        "saw_prediction": "BOOLEAN",
    },
}  # fmt: skip


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """The landing folders of an empty home."""
    home = Home(tmp_path / "home")
    return Landing(home, open_warehouse(home, "tickets"))


def log(n: int, minutes: float = 0, **changes: Any) -> dict[str, Any]:
    """A request, served so many minutes after the start."""
    ts = (START + timedelta(minutes=minutes)).isoformat()
    return {"request_id": f"r{n}", "ts": ts, "text": f"text {n}", "label": "a", **changes}


def vote(n: int, label: str = "a", annotator: str = "ann", minutes: float = 0, *, saw: bool = False) -> dict[str, Any]:
    """A correction."""
    ts = (START + timedelta(minutes=minutes)).isoformat()
    return {"request_id": f"r{n}", "ts": ts, "label": label, "annotator": annotator, "saw_prediction": saw}


def drop(landing: Landing, kind: str, name: str, *rows: dict[str, Any]) -> None:
    """Put a file into a landing folder."""
    folder = landing.home.landing("tickets", kind)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def seal(landing: Landing, kind: str, journal: int, *rows: dict[str, Any]) -> None:
    """Land rows as a gateway does."""
    folder = landing.home.landing("tickets", kind)
    folder.mkdir(parents=True, exist_ok=True)
    publish_segment(folder, RowSchema(kind, COLUMNS[kind]), rows, journal=journal)


def take(landing: Landing, minutes: float = 60, spec: Spec = SPEC) -> dict[str, int]:
    """Take what is there at a time, and count the rows that came in and the reasons of those that did not."""
    result: dict[str, int] = {}
    for intake in landing.take(spec, now=START + timedelta(minutes=minutes)):
        for reason, rows in {"accepted": intake.accepted, **intake.reasons}.items():
            result[reason] = result.get(reason, 0) + rows
    return {reason: rows for reason, rows in result.items() if rows}


def rows(landing: Landing, kind: str) -> list[tuple[Any, ...]]:
    """The rows of a table, all columns, in a fixed order."""
    with landing.warehouse.connect() as connection:
        return connection.execute(f"FROM {kind} ORDER BY ALL").fetchall()


def rebuilt_equal(landing: Landing) -> bool:
    """True where a rebuilt warehouse has the same rows, waiting and refused ones included."""
    tables = (LOGS, CORRECTIONS, "waiting", "refused")
    before = [rows(landing, table) for table in tables]
    landing.warehouse.rebuild()
    return [rows(landing, table) for table in tables] == before


def labels(landing: Landing) -> dict[str, tuple[str | None, int, bool]]:
    """The consensus by request: label, people, and if it is blind."""
    week = {"classifier": "tickets", "week": START.date()}
    with landing.warehouse.connect() as connection:
        found = connection.execute(CONSENSUS_SQL, week).fetchall()
    return {row[1]: (row[2], row[4], row[7]) for row in found}


@pytest.mark.parametrize("way", ["jsonl", "gateway"])
def test_a_clock_that_steps_back_loses_no_row(landing: Landing, way: str) -> None:
    """Rows of a time that intake's clock has not reached: counted, in no week, and taken in their time."""
    served, corrected = [log(0), log(1, 10)], [vote(0, minutes=10), vote(1, minutes=11)]
    if way == "jsonl":
        drop(landing, LOGS, "l.jsonl", *served)
        drop(landing, CORRECTIONS, "c.jsonl", *corrected)
    else:
        seal(landing, LOGS, 1, *served)
        seal(landing, CORRECTIONS, 1, *corrected)
    assert take(landing, 5) == {"accepted": 1, AHEAD: 3}
    assert list(landing.warehouse.weeks("tickets").values()) == [1]
    assert rebuilt_equal(landing)
    assert take(landing, 9) == {}
    assert take(landing, 10) == {"accepted": 2, AHEAD: 1}
    assert take(landing, 11) == {"accepted": 1}
    assert take(landing, 12) == {}
    assert rebuilt_equal(landing)
    assert labels(landing) == {"r0": ("a", 1, True), "r1": ("a", 1, True)}


def test_rows_far_ahead_make_no_week(landing: Landing) -> None:
    """A year 2999 in a file waits, counted, and the newest week is this one."""
    drop(landing, LOGS, "l.jsonl", log(0), log(1, ts="2999-01-01T00:00:00Z"))
    assert take(landing) == {"accepted": 1, AHEAD: 1}
    assert max(landing.warehouse.weeks("tickets")) == START.date()


def test_a_delivered_row_ahead_of_the_clock_is_landed_and_waits(landing: Landing, tmp_path: Path) -> None:
    """The delivered file may go; delivering it again adds nothing."""
    file = tmp_path / "l.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (log(0), log(1, 10))))
    first = landing.deliver(SPEC, LOGS, file, now=START)
    assert (first.accepted, first.reasons) == (1, {AHEAD: 1})
    again = landing.deliver(SPEC, LOGS, file, now=START)
    assert (again.accepted, again.duplicate) == (0, 2)
    file.unlink()
    assert take(landing, 20) == {"accepted": 1}
    assert rebuilt_equal(landing)


@pytest.mark.parametrize(
    ("row", "wider"),
    [
        (log(0, label="c"), Spec("tickets", (Label("a"), Label("b"), Label("c")))),
        (log(0, text="x" * 65_537), Spec("tickets", (Label("a"), Label("b")), max_text_chars=70_000)),
    ],
)
def test_what_the_specification_refuses_is_taken_once_it_does_not(
    landing: Landing, row: dict[str, Any], wider: Spec
) -> None:
    """A label that is added, a longer text; a narrower specification takes nothing back."""
    drop(landing, LOGS, "l.jsonl", row, log(1, label="b"))
    assert len(take(landing)) == 2
    assert take(landing) == {}
    assert take(landing, spec=wider) == {"accepted": 1}
    assert rebuilt_equal(landing)
    narrower = Spec("tickets", (Label("a"), Label("z")))
    drop(landing, LOGS, "m.jsonl", log(2, 59))
    assert take(landing, spec=narrower) == {"accepted": 1}
    assert len(rows(landing, LOGS)) == 3


def test_a_correction_waits_for_its_log_only(landing: Landing) -> None:
    """Its file is read again when that log comes, and not before."""
    drop(landing, CORRECTIONS, "c.jsonl", vote(1))
    assert take(landing) == {WAITING: 1}
    drop(landing, LOGS, "l.jsonl", log(0))
    assert take(landing) == {"accepted": 1}
    drop(landing, LOGS, "m.jsonl", log(1))
    assert take(landing) == {"accepted": 2}
    assert rebuilt_equal(landing)


@pytest.mark.parametrize("together", [True, False])
def test_the_last_vote_that_arrived_counts_whatever_its_time(landing: Landing, together: bool) -> None:
    """A vote that claims a later year does not stay; nor does the order of digests or of intakes decide."""
    drop(landing, LOGS, "l.jsonl", *(log(n) for n in range(8)))
    take(landing)
    for n in range(8):
        seal(landing, CORRECTIONS, 2 * n + 1, vote(n, "a", minutes=50))
        if not together:
            take(landing)
        seal(landing, CORRECTIONS, 2 * n + 2, vote(n, "b", minutes=n))
        if not together:
            take(landing)
    take(landing)
    assert {label for label, _, _ in labels(landing).values()} == {"b"}
    assert rebuilt_equal(landing)
    assert {label for label, _, _ in labels(landing).values()} == {"b"}


def test_a_vote_that_waited_is_no_newer_for_it(landing: Landing) -> None:
    """Journalled first, taken last, since it was ahead of the clock: the one journalled later stays."""
    drop(landing, LOGS, "l.jsonl", log(0))
    seal(landing, CORRECTIONS, 1, vote(0, "a", minutes=90))
    seal(landing, CORRECTIONS, 2, vote(0, "b", minutes=10))
    assert take(landing, 60) == {"accepted": 2, AHEAD: 1}
    assert take(landing, 95) == {"accepted": 1}
    assert labels(landing)["r0"] == ("b", 1, True)
    assert rebuilt_equal(landing)


def test_names_are_people(landing: Landing) -> None:
    """One person in three spellings is one vote; a name of two scripts is refused, and none of them outvotes two."""
    drop(landing, LOGS, "l.jsonl", log(0))
    spellings = [vote(0, "a", name, n) for n, name in enumerate(("Ann", " ANN ", "\uff21nn", "ann"))]
    odd = vote(0, "a", "\u0430nn", 9)
    drop(landing, CORRECTIONS, "c.jsonl", *spellings, odd, vote(0, "b", "bob"), vote(0, "b", "cem"))
    assert take(landing) == {"accepted": 7, "annotator mixes the scripts CYRILLIC and LATIN": 1}
    assert labels(landing)["r0"] == ("b", 3, True)


def test_people_who_are_listed_count_and_others_wait(landing: Landing) -> None:
    """Aliases are one person; a name that is not listed has no vote until it is, and without a list everyone has."""
    drop(landing, LOGS, "l.jsonl", log(0))
    names = ("Ann Smith", "ann+2@corp.example", "ann", "eve", "bob")
    drop(
        landing,
        CORRECTIONS,
        "c.jsonl",
        *(vote(0, "b" if name == "bob" else "a", name, n) for n, name in enumerate(names)),
    )
    take(landing)
    assert labels(landing)["r0"] == ("a", 5, True)
    people = {"ann": ("Ann Smith", "ann@corp.example"), "bob": ()}
    take(landing, spec=Spec("tickets", SPEC.label, people=people))
    assert labels(landing)["r0"] == (None, 2, False)
    take(landing, spec=Spec("tickets", SPEC.label, people={**people, "eve": ()}))
    assert labels(landing)["r0"] == ("a", 3, True)
    assert landing.warehouse.count("attributed_corrections", "tickets") == 5
    take(landing)
    assert labels(landing)["r0"] == ("a", 5, True)


HEADER = b"request_id,ts,label,annotator,saw_prediction"
ROW = b"r1,2026-03-02T10:00:00Z,a,ann,false\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", HEADER + b',"more\n' + ROW * 3 + b'"\n'),
        ("a.csv", HEADER + b',"more\n' + ROW + b'"\n' + ROW),
        ("a.csv", HEADER.replace(b"saw", b'"saw') + b"\n" + ROW),
        ("a.csv", b'"' + HEADER + b"\n" + ROW),
        ("a.csv", HEADER + b"\0\n" + ROW),
        ("a.csv", HEADER + b"\n" + b"\0" * 4096),
        ("a.csv", b"\n" + HEADER + b"\n" + ROW),
        ("a.csv", (HEADER + b"\n" + ROW).decode().encode("utf-16")),
        ("a.csv", b"\0" * 4096),
        ("a.jsonl", b"\0" * 4096),
        ("a.jsonl", b"\0\n" * 4096),
        ("a.jsonl", b"\xff" * 4096),
        ("a.parquet", b"\0" * 4096),
    ],
)
def test_a_file_that_gives_no_row_is_counted(landing: Landing, name: str, content: bytes) -> None:
    """Zeros, a broken header: never accepted 0, rejected 0."""
    folder = landing.home.landing("tickets", CORRECTIONS)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    (intake,) = landing.take(SPEC)
    assert (intake.accepted, intake.rejected >= 1) == (0, True)
    assert list(landing.home.rejected("tickets").iterdir())


@pytest.mark.parametrize("content", [HEADER + b"\n", HEADER, HEADER + b"\r\n\r\n"])
def test_an_export_without_rows_is_not_a_fault(landing: Landing, content: bytes) -> None:
    """A header and nothing else: nothing was lost."""
    folder = landing.home.landing("tickets", CORRECTIONS)
    folder.mkdir(parents=True)
    (folder / "a.csv").write_bytes(content)
    (intake,) = landing.take(SPEC)
    assert (intake.accepted, intake.rejected) == (0, 0)


@pytest.mark.faults
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_a_gigabyte_of_zeros_is_one_rejected_file(landing: Landing, name: str) -> None:
    """The file is sparse; it is read whole."""
    folder = landing.home.landing("tickets", CORRECTIONS)
    folder.mkdir(parents=True)
    with (folder / name).open("wb") as file:
        file.truncate(1 << 30)
    (intake,) = landing.take(SPEC)
    assert (intake.accepted, intake.rejected) == (0, 1)


FORMER = {
    "another code page": (
        b'request_id,ts,text,label\nr1,2026-03-02T10:00:00Z,"za\xbf\xf3\xb3\xe6",a\nr2,2026-03-02T10:00:00Z,b,a\n'
    ),
    "no list after all": b'{\n{"request_id":"r2","ts":"2026-03-02T10:00:00Z","text":"b","label":"a"}\n',
}


@pytest.mark.parametrize("name", FORMER)
def test_a_file_that_an_earlier_version_read_by_the_line_keeps_its_rows(landing: Landing, name: str) -> None:
    """Refused whole today, and its plain rows were taken then: a rebuild takes them again, and no others."""
    folder = landing.home.landing("tickets", LOGS)
    folder.mkdir(parents=True)
    (folder / ("a.csv" if b"," in FORMER[name][:11] else "a.jsonl")).write_bytes(FORMER[name])
    (refused,) = landing.take(SPEC)
    assert (refused.accepted, refused.rejected) == (0, 1)
    landing.warehouse.rebuild()
    assert rows(landing, LOGS) == []
    for report in landing.home.rejected("tickets").iterdir():  # as a version before wrote it
        report.write_text(json.dumps({"file": "a", "line": 2, "reason": "invalid UTF-8", "row": "x"}))
    landing.warehouse.rebuild()
    assert [row[1] for row in rows(landing, LOGS)] == ["r2"]


def test_rows_that_a_rebuild_cannot_bring_back_are_counted_as_lost(landing: Landing) -> None:
    """Their file is gone: the count stays until a rebuild finds it again."""
    drop(landing, LOGS, "l.jsonl", log(0), log(1))
    drop(landing, LOGS, "m.jsonl", log(2))
    take(landing)
    file = landing.home.landing("tickets", LOGS) / "l.jsonl"
    file.rename(file.with_suffix(".away"))
    for _ in range(2):
        landing.warehouse.rebuild()
        assert list(outside_of(landing.home, "tickets")["lost"].values()) == [2]
    file.with_suffix(".away").rename(file)
    landing.warehouse.rebuild()
    assert outside_of(landing.home, "tickets") == {}
