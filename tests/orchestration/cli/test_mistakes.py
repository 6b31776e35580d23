"""Forty-odd mistakes, each planted: one sentence with what was found, the cure, the right exit code, and no
traceback."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ratchet.testing.homes import SmallClassifier

Plant = Callable[[Path], object]


@dataclass(frozen=True)
class Mistake:
    """A command line in which `{home}` and `{here}` stand for folders, what was planted before, and what must be
    said."""

    words: str
    said: tuple[str, ...]
    code: int = 1
    plant: Plant = field(default=lambda home: None)


def spec(old: str, new: str) -> Plant:
    """Replace a part of `classifier.toml`."""

    def plant(home: Path) -> None:
        path = home / "tickets" / "classifier.toml"
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))

    return plant


def file(name: str, content: str) -> Plant:
    """Write a file below the home."""

    def plant(home: Path) -> None:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content.encode("utf-8", "surrogateescape"))

    return plant


SHORT = "request_id,ts,body\n1,2,3\n"
BROKEN = '{"text": "a", "label": "b"}\n{"text": "a"}\n'
AMBERS = '{"text": "x", "label": "ambers"}\n'


def remove_golden(home: Path) -> None:
    """Take the golden set away."""
    (home / "tickets" / "golden.jsonl").unlink()


def unreadable(name: str) -> Plant:
    """Put a file there that the kernel does not read: EIO, as of a disk with a bad sector."""

    def plant(home: Path) -> None:
        (home / name).unlink(missing_ok=True)
        (home / name).symlink_to("/proc/self/mem")

    return plant


BAD_DISK = ("the disk reports an input/output error", "hint: Look at the kernel's log")
CYCLE = "cycle tickets --week latest"
MISTAKES = {
    # wrong usage
    "command": Mistake("cycel tickets", ("'cycel'", "'cycle'"), 64),
    "option": Mistake("status --jsn", ("--jsn", "--json"), 64),
    "no name": Mistake("report", ("name", "ratchet report --help"), 64),
    "one word too many": Mistake("status tickets more", ("more",), 64),
    "no week of a classifier without rows": Mistake("cycle tickets", ("no week yet", "ratchet ingest tickets")),
    "week without value": Mistake("cycle tickets --week", ("--week",), 64),
    "tuesday": Mistake("cycle tickets --week 2026-02-24", ("2026-02-24 is a Tuesday", "2026-02-23"), 64),
    "wednesday of a report": Mistake("report tickets --week 2026-02-25", ("Wednesday", "2026-02-23"), 64),
    "week 54": Mistake("cycle tickets --week 2026-W54", ("2026-W54", "2026-W09"), 64),
    "no date": Mistake("cycle tickets --week soon", ("'soon'", "'latest'"), 64),
    "february 30": Mistake("report tickets --week 2026-02-30", ("2026-02-30", "2026-02-23"), 64),
    "capital letters": Mistake("init Tickets --labels a,b", ("'Tickets'", "lower-case"), 64),
    "no labels": Mistake("init fresh", ("labels", "--labels-from"), 64),
    "labels twice": Mistake(
        "init fresh --labels a,b --labels-from {here}/x", ("cannot be combined", "--labels a,b,c"), 64
    ),
    "half a mapping": Mistake("ingest tickets --logs {here}/x.csv --map text", ("'text'", "text=body"), 64),
    "unknown mapping": Mistake("ingest tickets --logs {here}/x.csv --map txet=body", ("txet=body", "ours=theirs"), 64),
    "no why": Mistake("promote tickets", ("--why",), 64),
    "empty why": Mistake("promote tickets --why=", ("--why is empty", "one sentence"), 64),
    "no why of the kill switch": Mistake("kill tickets", ("--why",), 64),
    "empty why of the kill switch": Mistake("kill tickets --off --why=", ("--why is empty", "one sentence"), 64),
    "no output": Mistake("predict tickets --input -", ("--output",), 64),
    "home is a file": Mistake("--home {home}/tickets/golden.jsonl status", ("golden.jsonl", "--home"), 64),
    "blind nothing": Mistake("ingest tickets --blind", ("no file of them", "--corrections FILE"), 64),
    "blind and anchored": Mistake("ingest tickets --blind --anchored --corrections {here}/c.csv", ("contradict",), 64),
    "map of a text": Mistake("predict tickets --input - --output - --map txt=body", ("'txt=body'", "text=body"), 64),
    # things that are not there
    "classifier": Mistake("status tikets", ("'tikets'", "Did you mean 'tickets'?")),
    "classifier of a cycle": Mistake("cycle ticket --week latest", ("'ticket'", "Did you mean 'tickets'?")),
    "log file": Mistake("ingest tickets --logs {here}/nowhere.jsonl", ("nowhere.jsonl does not exist",
    "Give a file that ends")),
    "folder as log": Mistake("ingest tickets --logs {home}", ("is a folder", "Give a file that ends")),
    "format": Mistake("ingest tickets --logs {home}/week.xlsx", ("week.xlsx", "jsonl"), plant=file("week.xlsx", "x")),
    "columns": Mistake("ingest tickets --logs {home}/w.csv", ("body", "--map"), plant=file("w.csv", SHORT)),
    "no rows": Mistake(CYCLE, ("no week yet", "ratchet ingest tickets")),
    "no rows to plan with": Mistake(f"{CYCLE} --plan", ("no rows yet", "ratchet ingest tickets")),
    "week without rows": Mistake("cycle tickets --week 2026-02-23", ("2026-02-23", "ratchet ingest tickets")),
    "no report": Mistake("report tickets", ("no week yet", "ratchet ingest")),
    "no report of a week": Mistake("report tickets --week 2026-W09", ("2026-02-23", "ratchet cycle tickets")),
    "no live": Mistake("predict tickets --input - --output -", ("no live adapter", "--adapter candidate")),
    "no candidate": Mistake("predict tickets --input - --output - --adapter candidate", ("no candidate",
    "ratchet cycle tickets")),
    "shadow": Mistake("predict tickets --input - --output - --adapter shadow", ("no shadow adapter", "cycle")),
    "digest": Mistake("predict tickets --input - --output - --adapter abc123", ("'abc123'", "ratchet cycle")),
    "nothing to promote": Mistake("promote tickets --why better --yes", ("no cycle of tickets has run yet",
    "ratchet cycle tickets --week latest"), 2),
    "promote unknown": Mistake("promote tickets --why better --yes --adapter abc1", ("'abc1'", "digest")),
    # a bad disk
    **{
        f"bad sector in {name}": Mistake(words, BAD_DISK, plant=unreadable(name))
        for name, words in {
            "week.jsonl": "ingest tickets --logs {home}/week.jsonl",
            "week.csv": "ingest tickets --logs {home}/week.csv",
            "week.parquet": "ingest tickets --corrections {home}/week.parquet",
            "tickets/classifier.toml": CYCLE,
            "tickets/golden.jsonl": CYCLE,
            "tickets/ledger.jsonl": "status tickets",
        }.items()
    },
    "bad sector in keys.json": Mistake(
        "keys", ("keys.json cannot be read", BAD_DISK[1]), plant=unreadable("keys.json")
    ),
    # contradictions
    "classifier twice": Mistake("init tickets --labels a,b", ("holds a classifier already", "another name")),
    "one label": Mistake("init fresh --labels a", ("1 label", "two labels")),
    "same label": Mistake("init fresh --labels a,a", ("'a' is listed twice", "Keep one")),
    "empty label": Mistake("init fresh --labels a,,b", ("label name ''", "printable")),
    "golden nowhere": Mistake("init fresh --labels-from {here}/nowhere", ("nowhere does not exist", "golden set")),
    "golden empty": Mistake("init fresh --labels-from {home}/g", ("is empty", "each label"), plant=file("g", "\n")),
    "golden broken": Mistake("init fresh --labels-from {home}/g", ("line 2", '"label"'), plant=file("g", BROKEN)),
    "golden label": Mistake(CYCLE, ("'ambers'", "line 1", "Did you mean 'amber'?"), plant=file("tickets/golden.jsonl",
    AMBERS)),
    "golden gone": Mistake(CYCLE, ("golden.jsonl does not exist", "{text, label}"), plant=remove_golden),
    "unknown key": Mistake(CYCLE, ("lookback_week", "line", "'lookback_weeks'"), plant=spec("lookback_weeks",
    "lookback_week")),
    "unknown table": Mistake(CYCLE, ("windw", "'window'"), plant=spec("[window]", "[windw]")),
    "no toml": Mistake(CYCLE, ("not valid TOML", "line"), plant=spec("[window]", "[window")),
    "threshold": Mistake(CYCLE, ("1.5", "0..1"), plant=spec("threshold = 0.5", "threshold = 1.5")),
    "base": Mistake(CYCLE, ("all-MiniLM-L7-v2", "'all-MiniLM-L6-v2'"), plant=spec('"all-MiniLM-L6-v2"',
    '"all-MiniLM-L7-v2"')),
    "ledger": Mistake("status tickets", ("ledger.jsonl line 1", "backup"), plant=file("tickets/ledger.jsonl", "{}\n")),
    "warehouse": Mistake("cycle tickets --week 2026-02-23 --plan", ("warehouse",),
    plant=file("tickets/warehouse.duckdb", "no database")),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.feature(5)
def test_a_mistake_is_one_sentence_with_its_cure(call: Any, home: Path, tmp_path: Path, name: str) -> None:
    """What was found and how to mend it are said; the exit code tells usage, error and block apart."""
    mistake = MISTAKES[name]
    mistake.plant(home)
    words = [word.format(home=home, here=tmp_path) for word in mistake.words.split(" ")]
    done = call(*([] if words[0] == "--home" else ["--home", home]), *words)
    assert done.code == mistake.code, done.err
    assert "Traceback" not in done.err
    assert "something unexpected" not in done.err
    for part in mistake.said:
        assert part in done.err
    assert done.out == ""


def test_a_file_that_ends_the_intake_hides_nothing_of_those_before_it(
    call: Any, home: Path, files: SmallClassifier
) -> None:
    """The files taken before stand in the table, in words and in the one document of the error; the run ends with 1."""
    good = files.home.landing("small", "production_logs") / "2026-01-05.jsonl"
    first, last = home / "first.jsonl", home / "last.csv"
    first.write_text(good.read_text() + "{broken\n")
    last.write_text("request_id;ts\na;2026-01-05T10:00:00Z\n")
    words = ("--home", home, "ingest", "tickets", "--logs", first, "--logs", last)
    done = call(*words)
    assert (done.code, done.out.split()[-3:]) == (1, ["90", "0", "1"])
    assert "rejected in first.jsonl: 1 x " in done.err
    assert f"error: {last}" in done.err
    document = json.loads(call(*words, "--json").out)
    assert document["error"]["code"] == "missing_column"
    assert [(row["file"], row["duplicate"]) for row in document["error"]["details"]["files"]] == [("first.jsonl", 90)]


def test_a_rebuild_that_lacks_rows_is_an_exit_code_until_the_files_are_back(
    call: Any, home: Path, files: SmallClassifier
) -> None:
    """The intake that rebuilds says how many rows are lost, and how to get them back; the next one only goes on."""
    good = files.home.landing("small", "production_logs") / "2026-01-05.jsonl"
    assert call("--home", home, "ingest", "tickets", "--logs", good).code == 0
    (segment,) = (home / "tickets" / "production_logs").glob("*.parquet")
    segment.rename(home / "aside.parquet")
    warehouse = home / "tickets" / "warehouse.duckdb"
    warehouse.unlink()
    lost = call("--home", home, "ingest", "tickets")
    assert lost.code == 3
    assert "90 row(s) are lost: the rebuilt warehouse lacks rows of production_logs" in lost.err
    assert f"put the files back and remove {warehouse}" in lost.err
    again = call("--home", home, "ingest", "tickets")
    assert (again.code, "are lost" in again.err) == (0, False)
    (home / "aside.parquet").rename(segment)
    warehouse.unlink()
    assert call("--home", home, "ingest", "tickets").code == 0
    rows = json.loads(call("--home", home, "status", "tickets", "--json").out)["classifiers"][0]["rows"]
    assert (rows["accepted"]["production_logs"], rows["lost"]) == (90, {})


@pytest.mark.feature(6)
def test_rejected_rows_are_an_exit_code_of_their_own(call: Any, home: Path, files: SmallClassifier) -> None:
    """Three bad lines among good ones: 3, the counts, the reasons, and where the rows lie."""
    source = home / "week.jsonl"
    good = files.home.landing("small", "production_logs") / "2026-01-05.jsonl"
    lines = good.read_text().splitlines()
    bad = [
        {**json.loads(lines[0]), "request_id": "x1", "label": "ambers"},
        {**json.loads(lines[1]), "request_id": "x2", "text": " "},
        {**json.loads(lines[2]), "request_id": "x3", "ts": "2026-01-05T10:00:00"},
        {**json.loads(lines[3]), "request_id": "x4", "text": "x" * 65_537},
    ]
    lines[4] = json.dumps({**json.loads(lines[4]), "confidence": "93%"})
    source.write_text("\n".join([*lines, *map(json.dumps, bad), "{broken"]) + "\n")
    done = call("--home", home, "ingest", "tickets", "--logs", source, "--json")
    document = json.loads(done.out)
    assert done.code == 3
    assert [(row["accepted"], row["duplicate"], row["rejected"]) for row in document["files"]] == [(90, 0, 5)]
    assert sum(document["files"][0]["reasons"].values()) == 5
    assert document["files"][0]["unknown_labels"] == {"ambers": 1}
    assert document["files"][0]["nulled"] == {"confidence is not a number": 1}
    assert "5 row(s) were rejected" in done.err
    assert len(list(Path(document["rejected_folder"]).iterdir())) == 1
    again = call("--home", home, "ingest", "tickets", "--logs", source)
    assert again.code == 3
    assert again.out.split()[-3:] == ["0", "90", "5"]
    for said in ("'ambers' (1 x) Did you mean 'amber'?", "as 2026-02-23T10:00:00Z", "raise max_text_chars"):
        assert said in again.err
    rows = json.loads(call("--home", home, "status", "tickets", "--json").out)["classifiers"][0]["rows"]
    assert rows["nulled"] == {"confidence is not a number": 1}
    quiet = call("--home", home, "cycle", "tickets", "--week", "2026-01-12", "--json")
    assert (quiet.code, json.loads(quiet.out)["week"]) == (0, "2026-01-12")
    assert "had no production log in the week of 2026-01-12" in json.loads(quiet.out)["skipped"]
    assert call("--home", home, "cycle", "tickets", "--week", "2025-12-29").code == 1
