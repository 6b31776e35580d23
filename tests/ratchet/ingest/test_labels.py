"""Labels at intake: one form in every format, former labels, and answers in place of a label."""

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.consensus import CONSENSUS_SQL, COUNTS_SQL
from ratchet.data.label_rules import RENAME, LabelRule
from ratchet.gates.label_agreement import DOUBLES_SQL
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile

LOGS, CORRECTIONS = "production_logs", "corrections"
SPEC = Spec("tickets", (Label("0"), Label("1"), Label("übrig")))
WEEK = {"classifier": "tickets", "week": date(2026, 3, 2)}
SUFFIXES = ("jsonl", "csv", "parquet")
UNKNOWN = "label is not in classifier.toml"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """The landing folders of an empty home."""
    home = Home(tmp_path / "home")
    return Landing(home, open_warehouse(home, "tickets"))


def write(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    """Write rows in the format of the suffix; a CSV has an empty field for null."""
    path = folder / name
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*rows[0]])
            writer.writeheader()
            writer.writerows(rows)
        return path
    lines = folder / "rows.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    if path.suffix == ".jsonl":
        return lines.replace(path)
    with duckdb.connect() as connection:
        connection.execute(f"COPY (FROM read_json('{lines}')) TO '{path}' (FORMAT parquet)")
    return path


def log(request: str, label: Any) -> dict[str, Any]:
    """A request that was served with a label."""
    return {"request_id": request, "ts": "2026-03-02T10:00:00Z", "text": f"text of {request}", "label": label}


def vote(request: str, who: str, label: Any = None, answer: Any = None) -> dict[str, Any]:
    """A blind correction."""
    row = {"request_id": request, "ts": "2026-03-03T10:00:00Z", "label": label, "annotator": who}
    return {**row, "saw_prediction": False, "answer": answer}


def test_an_integer_and_another_form_of_unicode_are_the_same_label_in_every_format(
    landing: Landing, tmp_path: Path
) -> None:
    """Integer columns as integers, decomposed letters as composed ones; another case is named with what was meant."""
    for suffix in SUFFIXES:
        ids = [f"{suffix}{n}" for n in range(5)]
        numbers = write(tmp_path, f"numbers.{suffix}", [log(ids[n], n) for n in range(3)])
        words = write(tmp_path, f"words.{suffix}", [log(ids[3], "u\u0308brig"), log(ids[4], "Übrig")])
        first, second = (landing.deliver(SPEC, LOGS, path) for path in (numbers, words))
        assert (first.accepted, first.reasons, first.unknown_labels) == (2, {UNKNOWN: 1}, {"2": 1})
        assert (second.accepted, second.reasons, second.unknown_labels) == (1, {UNKNOWN: 1}, {"Übrig": 1})
    stored = landing.warehouse.frame("SELECT label FROM production_logs ORDER BY request_id")["label"]
    assert [*stored] == ["0", "1", "übrig"] * 3
    manifest = landing.home.manifest("tickets")  # one of before holds the file's own form
    manifest.write_text(manifest.read_text().replace("\\u00fc", "ü").replace("übrig", "u\u0308brig"))
    assert "u\u0308brig" in manifest.read_text()
    landing.warehouse.rebuild()
    assert landing.warehouse.count(LOGS, "tickets") == 9


def test_rows_of_a_label_that_the_file_no_longer_lists_are_kept(landing: Landing, tmp_path: Path) -> None:
    """A label that was renamed, in logs and corrections, in new files and a full export; one that never was is not."""
    before, now = SPEC, Spec("tickets", (Label("0"), Label("one")))
    landing.deliver(before, LOGS, write(tmp_path, "a.jsonl", [log("r1", "1")]))
    assert landing.deliver(now, LOGS, write(tmp_path, "b.jsonl", [log("r1", "1"), log("r2", "1")])).accepted == 1
    assert landing.deliver(now, CORRECTIONS, write(tmp_path, "c.jsonl", [vote("r2", "ann", "1")])).accepted == 1
    found = landing.deliver(now, LOGS, write(tmp_path, "d.jsonl", [log("r3", "never")]))
    assert (found.accepted, found.reasons) == (0, {UNKNOWN: 1})
    landing.warehouse.rebuild()
    assert landing.warehouse.count(LOGS, "tickets") == 2


def test_an_answer_in_place_of_a_label_is_counted_and_never_a_label(landing: Landing, tmp_path: Path) -> None:
    """None fits, cannot tell, and withdrawn, which takes back that person's vote alone; then they may vote again."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log(f"r{n}", "0") for n in range(5)]))
    first = [vote("r0", "ann", "1"), vote("r0", "bo", "0"), vote("r1", "ann", "1"), vote("r2", "ann", "1"),
             vote("r2", "bo", None, "none"), vote("r3", "ann", None, "cannot_tell"), vote("r4", "ann", "1"),
            ]  # fmt: skip
    later = [vote("r0", "bo", None, "withdrawn"), vote("r4", "ann", None, "withdrawn")]
    again = [vote("r4", "ann", "0")]
    for number, (rows, suffix) in enumerate(zip((first, later, again), SUFFIXES, strict=True)):
        for row in rows:
            row["ts"] = f"2026-03-03T1{number}:00:00Z"
        assert landing.deliver(SPEC, CORRECTIONS, write(tmp_path, f"{number}.{suffix}", rows)).rejected == 0
    labels = landing.warehouse.frame(CONSENSUS_SQL, WEEK).set_index("request_id")
    assert labels[["label", "annotators"]].T.to_dict("list") == {
        "r0": ["1", 1], "r1": ["1", 1], "r2": ["1", 1], "r4": ["0", 1]
    }  # fmt: skip
    counts = landing.warehouse.frame(COUNTS_SQL, WEEK).to_dict("records")[0]
    assert counts == {"requests": 5, "corrections": 10, "none": 1, "cannot_tell": 1, "withdrawn": 1, "people": 2}
    landing.warehouse.rebuild()
    assert landing.warehouse.frame(CONSENSUS_SQL, WEEK).set_index("request_id").equals(labels)


ODD = {
    "both": (vote("r0", "ann", "1", "none"), "label and answer contradict: give one of them"),
    "neither": (vote("r0", "ann"), "label is missing"),
    "another answer": (vote("r0", "ann", None, "maybe"), "answer is not one of none, cannot_tell, withdrawn"),
    "a number": (vote("r0", "ann", None, 3), "answer is not one of none, cannot_tell, withdrawn"),
}  # fmt: skip


def test_a_correction_that_says_two_things_or_none_is_refused(landing: Landing, tmp_path: Path) -> None:
    """By name; the sound one beside them is taken."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log("r0", "0")]))
    rows = [row for row, _ in ODD.values()]
    found = landing.deliver(SPEC, CORRECTIONS, write(tmp_path, "odd.jsonl", [*rows, vote("r0", "bo", "1")]))
    assert (found.accepted, found.reasons) == (1, Counter(reason for _, reason in ODD.values()))


BESIDE: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "all four": (
        {"chosen": "value", "batch": "b1", "seconds": 4.5, "note": "odd\nline"},
        {"chosen": "value", "batch": "b1", "seconds": 4.5, "note": "odd\nline"}, [],
    ),
    "another case": ({"chosen": " Random "}, {"chosen": "random"}, []),
    "nothing": ({"chosen": None, "batch": None, "seconds": None, "note": None}, {}, []),
    "empty": ({"chosen": "", "note": ""}, {}, []),
    "a text of DPO": (
        {"chosen": "a polite answer"}, {}, ["chosen is not one of random, value, check, adjudication, evidence"],
    ),
    "no figure": ({"seconds": "soon", "chosen": "check"}, {"chosen": "check"}, ["seconds is not a number"]),
    "before it began": ({"seconds": -1}, {}, ["seconds is negative or not finite"]),
    "a long batch and note": (
        {"batch": "b" * 201, "note": "n" * 2001}, {},
        ["batch is longer than 200 characters", "note is longer than 2000 characters"],
    ),
}  # fmt: skip


def test_what_the_queue_writes_beside_an_answer_is_kept_and_never_costs_the_row(
    landing: Landing, tmp_path: Path
) -> None:
    """In every format, after a rebuild too; a value that does not fit is counted, and a repeat is no contradiction."""
    landing.deliver(
        SPEC, LOGS, write(tmp_path, "logs.jsonl", [log(f"{n}.{form}", "0") for form in SUFFIXES for n in range(8)])
    )
    faults: Counter[str] = Counter()
    for suffix in SUFFIXES:
        own = dict.fromkeys(("chosen", "batch", "seconds", "note"))
        texts = suffix == "parquet"  # a column of Parquet has one type
        rows = [vote(f"{n}.{suffix}", "ann", "1") | own | given for n, (given, *_) in enumerate(BESIDE.values())]
        if texts:
            rows = [row | {"seconds": None if row["seconds"] is None else str(row["seconds"])} for row in rows]
        found = landing.deliver(SPEC, CORRECTIONS, write(tmp_path, f"beside.{suffix}", rows))
        assert (found.accepted, found.rejected) == (len(BESIDE), 0)
        faults.update(found.nulled)
        bare = [{key: value for key, value in row.items() if key not in own} for row in rows]
        assert landing.deliver(SPEC, CORRECTIONS, write(tmp_path, f"bare.{suffix}", bare)).duplicate == len(BESIDE)
    assert faults == Counter(fault for *_, named in BESIDE.values() for fault in named * len(SUFFIXES))
    sql = "SELECT chosen, batch, seconds, note FROM corrections ORDER BY request_id"
    expected = [tuple(kept.get(name) for name in own) for _, kept, _ in BESIDE.values() for _ in SUFFIXES]
    for _ in range(2):
        with landing.warehouse.connect() as connection:
            assert connection.execute(sql).fetchall() == expected
        landing.warehouse.rebuild()


def test_a_file_of_before_may_call_its_label_chosen(landing: Landing, tmp_path: Path) -> None:
    """A column that is mapped to another of ours is that one alone, in every format."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log(suffix, "0") for suffix in SUFFIXES]))
    for suffix in SUFFIXES:
        row = vote(suffix, "ann", "1")
        theirs = {**{key: row[key] for key in ("request_id", "ts", "annotator", "saw_prediction")}, "chosen": "1"}
        path = write(tmp_path, f"theirs.{suffix}", [theirs])
        found = landing.deliver(SPEC, CORRECTIONS, path, columns={"label": "chosen"})
        assert (found.accepted, found.nulled) == (1, {})
    stored = landing.warehouse.frame("SELECT label, chosen FROM corrections")
    assert [*stored["label"]] == ["1"] * 3
    assert stored["chosen"].isna().all()


NO_LABEL: dict[str, list[Any]] = {"jsonl": [None, "", [], [""], [None], float("nan")], "csv": ["", "[]", '[""]']}
COLUMNS = {
    "text": pa.array(["", None]), "lists": pa.array([[], [""], None], pa.list_(pa.string())),
    "numbers": pa.array([float("nan"), None]), "nulls": pa.array([None], pa.null()), "lists of none": pa.array([[]]),
}  # fmt: skip


def test_an_empty_label_beside_an_answer_is_no_label(landing: Landing, tmp_path: Path) -> None:
    """An empty text or list, or NaN, in every format; without an answer the label is missing, one in a list is it."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log("r0", "0")]))
    for suffix, labels in NO_LABEL.items():
        rows = [vote("r0", f"{suffix}{n}", label, "none") for n, label in enumerate(labels)]
        rows += [vote("r0", f"{suffix}-one", ["1"] if suffix == "jsonl" else '["1"]'), vote("r0", "x", "")]
        found = landing.deliver(SPEC, CORRECTIONS, write(tmp_path, f"empty.{suffix}", rows))
        assert (found.accepted, found.reasons) == (len(labels) + 1, {"label is missing": 1}), suffix
    for name, column in COLUMNS.items():
        rows = [vote("r0", f"{name}{n}", None, "none") for n in range(len(column))]
        pq.write_table(
            pa.Table.from_pylist(rows).drop(["label"]).append_column("label", column), tmp_path / "c.parquet"
        )
        assert landing.deliver(SPEC, CORRECTIONS, tmp_path / "c.parquet").accepted == len(column), name


def test_a_column_of_that_name_beside_labels_is_the_files_own(landing: Landing, tmp_path: Path) -> None:
    """Exports of annotation tools have such columns: their rows are taken as before."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log("r0", "0")]))
    rows = [vote("r0", "ann", "1", "the customer is right")]
    assert landing.deliver(SPEC, CORRECTIONS, write(tmp_path, "export.csv", rows)).accepted == 1


def test_answers_alone_need_no_column_of_labels(landing: Landing, tmp_path: Path) -> None:
    """A file of withdrawals; no double is made of them."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log("r0", "0")]))
    landing.deliver(SPEC, CORRECTIONS, write(tmp_path, "votes.jsonl", [vote("r0", "ann", "1")]))
    rows = [{key: value for key, value in vote("r0", "bo", None, "none").items() if key != "label"}]
    assert landing.deliver(SPEC, CORRECTIONS, write(tmp_path, "answers.csv", rows)).accepted == 1
    with landing.warehouse.connect() as connection:
        names = "classifier, week, request_id, annotator, ts, label, saw_prediction"
        connection.execute(f"INSERT INTO votes ({names}) SELECT {names} FROM corrections")
    doubles = landing.warehouse.frame(DOUBLES_SQL, {**WEEK, "first": WEEK["week"]})
    assert len(doubles) == 0


def test_a_full_export_with_another_name_for_a_label_brings_no_contradiction(landing: Landing, tmp_path: Path) -> None:
    """Its rows are duplicates by the label rules; one that says something else is a contradiction all the same."""
    landing.deliver(SPEC, LOGS, write(tmp_path, "logs.jsonl", [log(f"r{n}", "0") for n in range(3)]))
    landing.deliver(SPEC, CORRECTIONS, write(tmp_path, "one.jsonl", [vote(f"r{n}", "ann", "0") for n in range(3)]))
    rename = LabelRule(RENAME, ("0",), ("zero",), datetime(2026, 3, 9, tzinfo=UTC))
    LabelRuleFile(landing.home, "tickets").record("test", lambda _: rename)
    renamed = replace(SPEC, label=(Label("zero"), *SPEC.label[1:]))
    full = [vote("r0", "ann", "zero"), vote("r1", "ann", "zero"), vote("r2", "ann", "1")]
    found = landing.deliver(renamed, CORRECTIONS, write(tmp_path, "full.jsonl", full))
    assert (found.accepted, found.duplicate, found.rejected) == (0, 2, 1)
    read = landing.warehouse.frame("SELECT label FROM attributed_corrections ORDER BY request_id")["label"]
    assert [*read] == ["zero"] * 3
    landing.warehouse.rebuild()
    assert [*landing.warehouse.frame("SELECT DISTINCT label FROM attributed_corrections")["label"]] == ["zero"]
    assert [*landing.warehouse.frame("SELECT DISTINCT label FROM corrections")["label"]] == ["0"]
