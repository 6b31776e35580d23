"""`ratchet dataset`: a cycle's training set in the files of other tools, whole or not at all."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from ratchet.data.label_rules import LabelRule
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile

WEEK = date(2026, 1, 5)
TEXTS = [
    ("train", "=HYPERLINK(1)", "amber"),
    ("train", "where is my parcel", "green"),
    ("train", "WHERE is  my parcel", "violet"),
    ("train", "a label of before", "crimson"),
    ("calibration", "sign in fails", "violet"),
    ("test", "money back", "amber"),
]


@pytest.fixture
def filled(home: Path) -> Path:
    """The home with a training set of one week, two rows of which cannot be exported."""
    rows = pd.DataFrame(TEXTS, columns=["split", "text", "label"])
    rows = rows.assign(
        classifier="tickets", week=WEEK, request_id=[f"r{n}" for n in range(len(rows))], blind=True,
        ts=pd.Timestamp("2026-01-06", tz="UTC"),
    )  # fmt: skip
    open_warehouse(Home(home), "tickets").replace("examples", "tickets", WEEK, rows)
    return home


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def _read_csv(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


READERS: dict[str, tuple[str, Callable[[Path], list[dict[str, Any]]], dict[str, Any]]] = {
    "csv": ("out.csv", _read_csv, {"text": "'=HYPERLINK(1)", "label": "amber"}),
    "parquet": (
        "out.parquet",
        lambda path: pq.read_table(path).to_pylist(),
        {"text": "=HYPERLINK(1)", "label": "amber"},
    ),
    "jsonl": ("out.jsonl", _lines, {"text": "=HYPERLINK(1)", "label": "amber"}),
    "prompt-completion": ("out.jsonl", _lines, {"prompt": "=HYPERLINK(1)", "completion": " amber"}),
    "instruction": (
        "out.jsonl",
        _lines,
        {
            "instruction": "Classify the text. Answer with one label: amber, green, violet.",
            "input": "=HYPERLINK(1)",
            "response": "amber",
        },
    ),
    "chat": (
        "out.jsonl",
        _lines,
        {
            "messages": [
                {"role": "system", "content": "Classify the text. Answer with one label: amber, green, violet."},
                {"role": "user", "content": "=HYPERLINK(1)"},
                {"role": "assistant", "content": "amber"},
            ]
        },
    ),
}


def test_a_training_set_is_written_in_every_format(filled: Path, call: Any, tmp_path: Path) -> None:
    """One split alone or all with a column, and beside the file the rows that were rejected, each with its reason."""
    for name, (file, read, first) in READERS.items():
        target = tmp_path / name / file
        target.parent.mkdir()
        command = ("--home", filled, "dataset", "tickets", "--week", "latest", "--export", target, "--format", name)
        done = call(*command, "--split", "train", "--json")
        document = json.loads(done.out)
        assert (done.code, document["written"], document["format"]) == (3, 2, name)
        assert read(target)[0] == first
        log = _lines(Path(document["log"]))
        assert [(row["request_id"], row["reason"]) for row in log] == [
            ("r2", "the same text occurs earlier with another label"),
            ("r3", "label is not in classifier.toml"),
        ]
        before = target.read_bytes()
        again = call(*command)
        assert (again.code, target.read_bytes()) == (1, before)
        assert "is there already" in again.err
        assert call(*command, "--overwrite").code == 3
        assert {row["split"] for row in read(target)} == {"train", "calibration", "test"}


def test_nothing_never_takes_the_place_of_a_file(filled: Path, call: Any, tmp_path: Path) -> None:
    """A week without a training set, a split without rows, a folder: an error, and the file stays."""
    target = tmp_path / "out.csv"
    target.write_text("mine")
    base = ("--home", filled, "dataset", "tickets", "--week")
    warehouse = open_warehouse(Home(filled), "tickets")
    with warehouse.connect() as connection:
        connection.execute("DELETE FROM examples WHERE split = 'test'")
    for words, code, sentence in (
        (("latest", "--export", target, "--split", "test", "--overwrite"), 1, "no row to write"),
        (("2026-01-12", "--export", target, "--overwrite"), 1, "no training set of the week of 2026-01-12"),
        (("latest", "--export", tmp_path), 64, "which format"),
        (("latest", "--export", tmp_path / "no" / "out.csv"), 1, "does not exist"),
        (("latest", "--export", tmp_path / "out.jsonl"), 64, "--format"),
        (("latest", "--export", target, "--format", "chta"), 64, "Did you mean 'chat'?"),
        (("latest", "--export", target, "--format", "parquet"), 64, "ends in .csv"),
        (("latest", "--export", target, "--split", "dev"), 64, "unknown split"),
        (("latest", "--split", "train"), 64, "--export"),
    ):
        done = call(*base, *words)
        assert (done.code, sentence in done.err) == (code, True), (words, done.err)
        assert target.read_text() == "mine"


def test_without_a_file_the_sizes_are_shown(filled: Path, call: Any) -> None:
    """Labels by split, and what to call next; before any cycle it says so."""
    shown = call("--home", filled, "dataset", "tickets", "--week", "latest")
    assert shown.code == 0
    assert shown.out.splitlines()[4].split() == ["violet", "1", "1", "0"]
    with open_warehouse(Home(filled), "tickets").connect() as connection:
        connection.execute("DELETE FROM examples")
    none = call("--home", filled, "dataset", "tickets", "--week", "latest")
    assert (none.code, "has no training set yet" in none.err) == (1, True)


def test_a_label_that_was_renamed_since_has_the_name_of_now(filled: Path, call: Any, tmp_path: Path) -> None:
    """The rule that `ratchet labels` records is applied to the training set of before, in file and on screen."""
    rule = LabelRule("rename", ("crimson",), ("amber",), datetime.now(UTC))
    LabelRuleFile(Home(filled), "tickets").record("owner", lambda rules: rule)
    call(
        "--home",
        filled,
        "dataset",
        "tickets",
        "--week",
        "latest",
        "--export",
        tmp_path / "out.jsonl",
        "--format",
        "jsonl",
    )
    assert {"text": "a label of before", "label": "amber", "split": "train"} in _lines(tmp_path / "out.jsonl")
    assert "crimson" not in call("--home", filled, "dataset", "tickets", "--week", "latest").out


def test_what_was_exported_is_read_back_by_ingest_in_every_format(filled: Path, call: Any, tmp_path: Path) -> None:
    """All labelled examples of one home are those of another, whatever format went between."""
    with open_warehouse(Home(filled), "tickets").connect() as connection:
        connection.execute("DELETE FROM examples WHERE text = '=HYPERLINK(1)'")  # which a CSV guards
    for number, name in enumerate(READERS):
        target = tmp_path / f"{name}.{'jsonl' if name not in ('csv', 'parquet') else name}"
        call("--home", filled, "dataset", "tickets", "--week", "latest", "--export", target, "--format", name)
        done = json.loads(call("--home", filled, "ingest", "tickets", "--examples", target, "--json").out)["files"][0]
        assert (done["accepted"], done["duplicate"], done["rejected"]) == ((3, 0, 0) if number == 0 else (0, 3, 0))


def test_an_export_of_a_tool_comes_in_by_its_name(filled: Path, call: Any, tmp_path: Path) -> None:
    """By `--from`, with the same output as other files; a word that is missing or unknown says which there are."""
    source = tmp_path / "project.jsonl"
    source.write_text(json.dumps({"id": 1, "text": "a desk lamp", "label": ["green"]}) + "\n")
    base = ("--home", filled, "ingest", "tickets")
    done = json.loads(call(*base, "--from", "doccano", source, "--json").out)["files"]
    assert [(each["kind"], each["file"], each["accepted"]) for each in done] == [
        ("labelled_examples", "project.jsonl", 1)
    ]
    for words, code, sentence in (
        ((source,), 64, "Write --from TOOL before it"),
        (("--from", "doccano"), 64, "Write --from TOOL FILE"),
        (("--from", "docano", source), 64, "Did you mean 'doccano'?"),
        (("--from", "prodigy", source), 1, "is not an export of Prodigy"),
        (("--from", "prodigy", tmp_path / "none.jsonl"), 1, "does not exist"),
        (("--from", "doccano", source, "--map", "annotator=x"), 64, "matches no column"),
    ):
        found = call(*base, *words)
        assert (found.code, sentence in found.err) == (code, True), (words, found.err)


POINTS = ("before_read", "after_rejects", "after_segment", "after_manifest", "before_commit", "after_commit")


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("source", ["chat.jsonl", "project.jsonl"])
def test_a_kill_at_any_moment_of_an_intake_loses_and_doubles_no_example(
    home: Path, call: Any, tmp_path: Path, point: str, source: str
) -> None:
    """The same command again ends with each row once, whatever its shape, and with the rejected one listed."""
    texts = [("where is my parcel", "green"), ("sign in fails", "violet"), ("no such label", "crimson")]
    rows: list[dict[str, Any]] = [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": label}]}
        if source == "chat.jsonl"
        else {"id": 1, "text": text, "label": [label]}
        for text, label in texts
    ]
    path = tmp_path / source
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    how = ("--examples",) if source == "chat.jsonl" else ("--from", "doccano")
    words = ["--home", str(home), "ingest", "tickets", *how, str(path)]
    command = [sys.executable, "-m", "orchestration.cli.app", *words]
    killed = subprocess.run(command, env={**os.environ, "RATCHET_FAILPOINT": f"landing.{point}:kill"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert call(*words).code == 3
    frame = open_warehouse(Home(home), "tickets").frame("SELECT text, label FROM labelled_examples ORDER BY text")
    assert [*frame.itertuples(index=False, name=None)] == texts[1::-1]
    (report,) = Home(home).rejected("tickets").glob(f"labelled_examples.{source}.*")
    assert [json.loads(line)["line"] for line in report.read_text().splitlines()] == [3]
