"""Labelled examples come in by every form and shape alike: validated, once each, and back after a rebuild."""

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.data.training_formats import ROWS
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.result import IngestResult
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, write_lines
from ratchet.workflows.ingest_examples import deliver_examples

Pairs = Sequence[tuple[str, str]]
GOOD: Pairs = (("where is my parcel", "green"), ("=refund, please", "amber"), ("sign in fails\nagain", "violet"))
BAD: Pairs = (
    ("  ", "green"),
    ("no label", ""),
    ("another label", "crimson"),
    ("x" * 5000, "green"),
    ("where is my parcel", "amber"),
)
REASONS = {
    "text is empty": 1,
    "label is missing": 1,
    "label is not in classifier.toml": 1,
    "text is longer than 4000 characters": 1,
    "conflicts with an earlier row of the same text: another label": 1,
}


def _csv(path: Path, rows: Pairs, delimiter: str = ",") -> None:
    cells = [f'"{text}"{delimiter}"{label}"' for text, label in rows]
    path.write_text("\n".join([f"text{delimiter}label", *cells]) + "\n")


def _packed(path: Path, rows: Pairs) -> None:
    _csv(path.with_suffix(""), rows)
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))


def _list(path: Path, rows: Pairs) -> None:
    path.write_text(json.dumps([{"text": text, "label": label} for text, label in rows]))


def _shaped(shape: str) -> Callable[[Path, Pairs], None]:
    return lambda path, rows: write_lines(path, [ROWS[shape](text, label, "Classify.") for text, label in rows])


def _parquet(path: Path, rows: Pairs) -> None:
    pq.write_table(pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]}), path)


def _prompts(path: Path, rows: Pairs) -> None:
    pq.write_table(pa.table({"prompt": [text for text, _ in rows], "completion": [label for _, label in rows]}), path)


def _chats(path: Path, rows: Pairs) -> None:
    path.write_text(json.dumps([ROWS["chat"](text, label, "Classify.") for text, label in rows], indent=1))


WRITERS: dict[str, Callable[[Path, Pairs], None]] = {
    "old.csv": _csv,
    "old.tsv": lambda path, rows: _csv(path, rows, "\t"),
    "old.csv.gz": _packed,
    "list.json": _list,
    "lines.jsonl": _shaped("jsonl"),
    "old.parquet": _parquet,
    "chat.jsonl": _shaped("chat"),
    "chats.json": _chats,
    "instruction.jsonl": _shaped("instruction"),
    "prompts.jsonl": _shaped("prompt-completion"),
    "prompts.parquet": _prompts,
}


@pytest.fixture
def small(tmp_path: Path) -> SmallClassifier:
    """A classifier without rows."""
    small = SmallClassifier(Home(tmp_path / "home"))
    small.write(settings="", candidates='[[candidate]]\nmethod = "probe"\n')
    spec = small.home.spec(small.name)
    spec.write_text(f"max_text_chars = 4000\n{spec.read_text()}")
    return small


def _deliver(small: SmallClassifier, path: Path) -> IngestResult:
    landing = Landing(small.home, open_warehouse(small.home, small.name))
    return deliver_examples(landing, Specs(small.home)[small.name], path, {})


def _held(small: SmallClassifier) -> list[tuple[str, str]]:
    frame = open_warehouse(small.home, small.name).frame("SELECT text, label FROM labelled_examples ORDER BY text")
    return [*frame.itertuples(index=False, name=None)]


def test_every_form_gives_the_same_rows_and_the_same_reasons(small: SmallClassifier, tmp_path: Path) -> None:
    """The first file brings them, the others are duplicates; of each the rejected rows are listed with their lines."""
    for number, (name, write) in enumerate(WRITERS.items()):
        path = tmp_path / name
        write(path, [*GOOD, *BAD])
        done = _deliver(small, path)
        counts = (done.accepted, done.duplicate, done.rejected)
        assert counts == ((3, 0, 5) if number == 0 else (0, 3, 5)), (name, done)
        assert done.reasons == REASONS, name
        assert (done.file, done.unknown_labels) == (name, {"crimson": 1})
        report = next(small.home.rejected(small.name).glob(f"labelled_examples.{name}.*"))
        rows = [json.loads(line) for line in report.read_text().splitlines()]
        assert all(row["file"] == name and row["row"] for row in rows)
        # of a CSV the line of the file, whose third record has two; of the others the number of the row
        first = 6 if name.removesuffix(".gz").endswith((".csv", ".tsv")) else 4
        assert [row["line"] for row in rows] == [*range(first, first + 5)], name
    assert _held(small) == sorted(GOOD)


def test_a_conversation_that_is_no_example_is_listed_and_taken_once_it_is_corrected(
    small: SmallClassifier, tmp_path: Path
) -> None:
    """Roles are checked row by row, and the report itself can be corrected and given again."""
    path = tmp_path / "chat.jsonl"
    whole = ROWS["chat"]("where is my parcel", "green", "Classify.")
    tool = {"messages": [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "green"}]}
    several = {"messages": [*whole["messages"], *whole["messages"][1:]]}
    write_lines(path, [whole, tool, several, {"messages": [{"role": "user", "content": "late"}]}])
    with path.open("a") as file:
        file.write("not JSON\n")
    done = _deliver(small, path)
    assert (done.accepted, done.rejected) == (1, 4)
    assert sorted(done.reasons) == [
        "a message has a role that is not one of system, user, assistant",
        "is not JSON",
        "it has several turns: an example is one text and one label",
        "messages has no message of the assistant",
    ]
    report = next(small.home.rejected(small.name).glob("labelled_examples.chat.jsonl.*"))
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    corrected = tmp_path / "corrected.jsonl"
    late = json.loads(rows[2]["row"])
    late["messages"].append({"role": "assistant", "content": "violet"})
    write_lines(corrected, [{**rows[2], "row": json.dumps(late)}])
    again = _deliver(small, corrected)
    assert (again.accepted, again.rejected) == (1, 0)
    assert _held(small) == [("late", "violet"), ("where is my parcel", "green")]


def test_examples_come_back_with_the_warehouse(small: SmallClassifier, tmp_path: Path) -> None:
    """Rows, their week and their reasons are those of before, and a file dropped into the folder is taken as well."""
    _csv(tmp_path / "old.csv", [*GOOD, *BAD])
    _deliver(small, tmp_path / "old.csv")
    dropped = small.home.landing(small.name, "labelled_examples") / "dropped.jsonl"
    write_lines(dropped, [{"text": "a desk lamp", "label": "green", "ts": "2025-01-02T00:00:00Z", "who": "ann"}])
    warehouse, spec = open_warehouse(small.home, small.name), Specs(small.home)[small.name]
    assert [done.accepted for done in Landing(small.home, warehouse).take(spec, now=datetime.now(UTC))] == [1]
    sql = "SELECT text, label, ts, extra, week FROM labelled_examples ORDER BY text"
    before = warehouse.frame(sql)
    assert before["ts"].notna().all()
    small.home.warehouse(small.name).unlink()
    assert open_warehouse(small.home, small.name).frame(sql).equals(before)
    counts = json.loads(small.home.intake(small.name).read_bytes())
    assert counts["accepted"]["labelled_examples"] == 4
