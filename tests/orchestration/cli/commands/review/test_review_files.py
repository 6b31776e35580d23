"""`ratchet review --export` and `--import`: a batch answered in a file, each row taken once or refused."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from ratchet.core.current_user import current_user
from ratchet.core.person_names import normalise_name
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.specs import Specs
from ratchet.testing.killed_processes import fork_until_failpoint
from ratchet.workflows.review.queue import ReviewQueue

ME = normalise_name(current_user())
Call = Callable[..., Any]
Landed = Callable[[Home], list[dict[str, Any]]]
Rows = list[dict[str, Any]]


def exported(call: Call, home: Home, name: str = "out.jsonl", *more: str) -> tuple[Path, Rows]:
    """Export the batch; the file and its rows."""
    path = home.root / name
    done = call("--home", home.root, "review", "tickets", "--export", path, *more)
    assert done.code == 0, done.err
    if path.suffix == ".csv":
        return path, list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    content = path.read_text()
    return path, json.loads(content) if path.suffix == ".json" else [json.loads(line) for line in content.splitlines()]


def imported(call: Call, home: Home, rows: Any, name: str = "back.jsonl") -> tuple[int, list[str], dict[str, Any]]:
    """Import rows; the exit code, the outcome of each row, and the whole document."""
    path = home.root / name
    if path.suffix == ".csv":
        sink = io.StringIO()
        writer = csv.DictWriter(sink, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        path.write_text(sink.getvalue())
    else:
        path.write_text(json.dumps(rows) if path.suffix == ".json" else "".join(json.dumps(row) + "\n" for row in rows))
    done = call("--home", home.root, "review", "tickets", "--import", path, "--json")
    document = json.loads(done.out)
    return done.code, [row["outcome"] for row in document["rows"]], document


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "a label": ({"label": "green"}, "accepted"),
    "a label with spaces around": ({"label": " green "}, "accepted"),
    "none of these": ({"answer": "none"}, "accepted"),
    "cannot tell": ({"answer": "cannot_tell", "note": "too short"}, "accepted"),
    "taken back": ({"answer": "withdrawn"}, "accepted"),
    "a skip": ({"answer": "skip"}, "skipped"),
    "nothing": ({}, "blank"),
    "a label of another classifier": ({"label": "grey"}, "unknown label"),
    "another answer": ({"answer": "maybe"}, "bad answer"),
    "both": ({"label": "green", "answer": "none"}, "bad answer"),
    "a label that is a number": ({"label": 3}, "bad answer"),
    "a note with control characters": ({"label": "green", "note": "a\x1b[2J"}, "bad answer"),
    "a note that is too long": ({"label": "green", "note": "x" * 2001}, "bad answer"),
    "no request": ({"label": "green", "request_id": ""}, "bad answer"),
    "a request that was never queued": ({"label": "green", "request_id": "r999"}, "unknown request"),
    "a request of another batch": ({"label": "green", "batch": "b-20260101-0"}, "not asked"),
    "a name that is none": ({"label": "green", "annotator": "a\u0430"}, "unknown person"),
    "a suspended person": ({"label": "green", "annotator": "eve"}, "suspended person"),
    "another person": ({"label": "green", "annotator": "Bob <bob+x@corp.example>"}, "accepted"),
}


@pytest.mark.parametrize("form", ["back.jsonl", "back.csv"])
def test_an_import_tells_what_it_did_with_each_row(
    queued: Callable[..., Home], landed: Landed, call: Call, form: str
) -> None:
    """Exit code 3 where some were refused; the same file once more changes nothing; no refused row lands."""
    home = queued(len(CASES))
    Suspensions(home, "tickets").suspend("eve", "guesses", "owner", {}, 0, [])
    _, rows = exported(call, home)
    given = [{**row, **change} for row, (change, _) in zip(rows, CASES.values(), strict=True)]
    if form.endswith(".csv"):
        given = [{name: str(value) for name, value in row.items()} for row in given]
    expected = [outcome for _, outcome in CASES.values()]
    if form.endswith(".csv"):  # all cells are text
        expected[list(CASES).index("a label that is a number")] = "unknown label"
    code, outcomes, document = imported(call, home, given, form)
    assert (code, dict(zip(CASES, outcomes, strict=True))) == (3, dict(zip(CASES, expected, strict=True)))
    assert all(row["why"] for row in document["rows"] if row["outcome"] in {"unknown label", "bad answer", "not asked"})
    found = landed(home)
    assert [(row["label"], row["answer"]) for row in found[:3]] == [("green", None)] * 2 + [(None, "none")]
    assert (len(found), {row["annotator"] for row in found}) == (6, {ME, "bob@corp.example"})
    assert {(row["saw_prediction"], row["chosen"], row["batch"]) for row in found} == {
        (False, "random", rows[0]["batch"])
    }
    code, again, _ = imported(call, home, given, form)
    assert [each for each in again if each not in outcomes] == ["repeated"] * 7
    assert len(landed(home)) == 6
    shown = call("--home", home.root, "review", "tickets", "--import", home.root / form)
    assert (shown.code, "unknown label: the label is not one of classifier.toml" in shown.out) == (3, True)
    assert "\x1b" not in shown.out


@pytest.mark.parametrize(
    ("name", "says", "file"),
    [("out.csv", "in the columns label or answer", "{path}"), ("out.json", "tasks into a project of", "EXPORT.json")],
)
def test_an_export_says_how_its_form_is_answered(
    queued: Callable[..., Home], call: Call, name: str, says: str, file: str
) -> None:
    """Rows have columns, tasks have none: these are answered in Label Studio."""
    home = queued(2)
    path = home.root / name
    (step,) = [
        line
        for line in call("--home", home.root, "review", "tickets", "--export", path).out.splitlines()
        if line.startswith("next: ")
    ]
    assert says in step
    assert step.endswith(f"then: ratchet review tickets --import {file.format(path=path)}")
    assert ("columns" in step) == (name == "out.csv")


def test_label_studio_tasks_go_out_and_come_back(queued: Callable[..., Home], landed: Landed, call: Call) -> None:
    """In its shape: choices, aliases of answers, notes, skips, several annotators by mail address."""
    home = queued(5)
    _, tasks = exported(call, home, "tasks.json")
    assert set(tasks[0]) == {"data"}

    def answer(choice: str | None, who: Any = None, note: str = "", **more: Any) -> dict[str, Any]:
        result = [] if choice is None else [
            {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
        ]  # fmt: skip
        result += [{"from_name": "note", "type": "textarea", "value": {"text": [note]}}] if note else []
        return {"result": result, "completed_by": who, "lead_time": 3.5, **more}

    tasks[0]["annotations"] = [answer("green", {"id": 1, "email": "Ann@corp.example"}), answer("amber", "bob", "odd")]
    tasks[1]["annotations"] = [answer("ratchet:none", 7)]
    tasks[2]["annotations"] = [answer("Cannot tell", 7)]
    tasks[3]["annotations"] = [answer("green", 7, was_cancelled=True)]
    tasks.append("not a task")
    code, outcomes, _ = imported(call, home, tasks, "back.json")
    assert (code, outcomes) == (3, ["accepted"] * 4 + ["skipped", "blank", "bad answer"])
    found = [(row["annotator"], row["label"] or row["answer"], row["note"], row["seconds"]) for row in landed(home)]
    assert found == [
        ("ann@corp.example", "green", None, 3.5), ("bob", "amber", "odd", 3.5), (ME, "none", None, 3.5),
        (ME, "cannot_tell", None, 3.5),
    ]  # fmt: skip


def test_predictions_that_were_shown_anchor_whatever_the_file_says(
    queued: Callable[..., Home], landed: Landed, call: Call
) -> None:
    """What left stands in the log of exports: an edited file, or a lost index, makes no blind label of it."""
    home = queued(3)
    with open_warehouse(home, "tickets").connect() as connection:
        connection.execute(
            "INSERT INTO production_logs (classifier, request_id, ts, text, label, week) "
            "SELECT 'tickets', 'r' || i, now(), 'x', 'violet', DATE '2026-01-05' FROM range(3) t(i)"
        )
    home.manifest("tickets").touch()
    path, rows = exported(call, home, "out.csv", "--with-predictions", "--size", "2")
    assert [row["prediction"] for row in rows] == ["violet"] * 2
    assert call("--home", home.root, "review", "tickets", "--export", path).code == 1  # it may hold answers
    assert path.read_text(encoding="utf-8-sig").count("\n") == 3
    queue = ReviewQueue.open(home, "tickets", Specs(home)["tickets"])
    for person, saw in ((ME, True), ("bob", False)):  # on the page, or at the terminal
        row = queue.correction(person, person, rows[0]["request_id"], label="green", saw_prediction=False)
        assert (person, row["saw_prediction"]) == (person, saw)
    queue.close()
    for leftover in home.review("tickets").glob("queue.sqlite*"):
        leftover.unlink()
    given = [{"request_id": row["request_id"], "label": "green"} for row in rows]
    assert imported(call, home, given)[:2] == (0, ["accepted"] * 2)
    assert [(row["saw_prediction"], row["chosen"]) for row in landed(home)] == [(True, "random")] * 2


@pytest.mark.parametrize("delimiter", [";", "\t"], ids=["semicolon", "tab"])
def test_a_batch_that_a_spreadsheet_saved_in_its_own_way_is_taken(
    queued: Callable[..., Home], call: Call, delimiter: str
) -> None:
    """Delimiters of other countries, with the mark of UTF-8, and a comma in a text."""
    home = queued(0, "one, two", "three")
    path, rows = exported(call, home, "out.csv")
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows([{**row, "label": "green"} for row in rows])
    path.write_text("\ufeff" + sink.getvalue(), encoding="utf-8")
    done = call("--home", home.root, "review", "tickets", "--import", path, "--json")
    assert [row["outcome"] for row in json.loads(done.out)["rows"]] == ["accepted"] * 2


def test_no_cell_begins_a_formula_and_every_text_comes_back(queued: Callable[..., Home], call: Call) -> None:
    """T10: leading = + - @ and their wide forms, tabs and line breaks, quotes."""
    texts = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\tx", "\uff1d1", 'say "hi", then\nleave', "plain"]
    home = queued(0, *texts)
    _, rows = exported(call, home, "out.csv")
    assert sorted(row["text"].removeprefix("'") for row in rows) == sorted(texts)
    assert not [row for row in rows for cell in row.values() if cell[:1] in "=+-@\t\uff1d" and cell]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.xlsx", b"", "has another ending"),
        ("x.jsonl", None, "cannot be read"),
        ("x.csv", b"id,label\n1,green\n", "no column request_id"),
        ("x.csv", b"request_id\n\xff\n", "is not UTF-8"),
        ("x.json", b"{}", "holds no list"),
        ("x.json", b"[{", "cannot be read"),
        ("x.jsonl", b"", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    home: Path, call: Call, name: str, content: bytes | None, says: str
) -> None:
    """And nothing is taken; an empty one is empty."""
    path = home / name
    if content is not None:
        path.write_bytes(content)
    done = call("--home", home, "review", "tickets", "--import", path)
    assert (done.code == 0, says in done.err) == (not says, True), done.err


def test_an_import_that_was_killed_is_taken_once(queued: Callable[..., Home], landed: Landed, call: Call) -> None:
    """The rows had landed; the same file once more adds none. An export that was killed may have shown predictions."""
    home = queued(3)
    words = ["--home", str(home.root), "review", "tickets"]
    first = [*words, "--export", str(home.root / "first.csv"), "--with-predictions"]
    assert fork_until_failpoint(lambda: main(first), "review.before_export") == -9
    assert not (home.root / "first.csv").exists()
    path, rows = exported(call, home)
    path.write_text("".join(json.dumps({**row, "label": "green"}) + "\n" for row in rows))
    killed = fork_until_failpoint(lambda: main([*words, "--import", str(path)]), "review.after_import")
    assert (killed, len(landed(home))) == (-9, 3)
    done = call("--home", home.root, "review", "tickets", "--import", path)
    assert (done.code, "3 repeated" in done.out, len(landed(home))) == (0, True, 3)
    assert {row["saw_prediction"] for row in landed(home)} == {True}
