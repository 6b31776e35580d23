"""Answers of a session at this machine: durable one by one, landed together, and taken over from a killed one."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.storage.home import Home
from ratchet.storage.review.local_answers import LAND_ROWS, LocalAnswers, land_left_answers


def row(number: int) -> dict[str, Any]:
    """A correction."""
    ts = datetime(2026, 1, 6, 12, 0, number % 60, number, tzinfo=UTC).isoformat()
    return {"request_id": f"r{number}", "ts": ts, "label": "amber", "annotator": "ann", "saw_prediction": False,
            "seconds": 1.5, "note": "a\nb"}  # fmt: skip


def landed(home: Home) -> list[str]:
    """Requests of all landed segments, each row of them."""
    folder = home.landing("small", "corrections")
    return sorted(each["request_id"] for path in folder.glob("*.parquet") for each in pq.read_table(path).to_pylist())


def left(home: Home) -> list[Path]:
    """Files of sessions."""
    return sorted(home.review("small").glob("answers-*"))


def test_a_session_lands_its_answers_together_and_leaves_no_file(tmp_path: Path) -> None:
    """It says when it is due; without an answer nothing is made."""
    home = Home(tmp_path)
    answers = LocalAnswers(home, "small")
    answers.land()
    assert left(home) == []
    for number in range(LAND_ROWS):
        assert not answers.is_due
        answers.append(row(number))
    assert (answers.is_due, len(left(home)), landed(home)) == (True, 1, [])
    answers.land()
    assert (answers.is_due, left(home), len(landed(home))) == (False, [], LAND_ROWS)
    answers.append(row(99))
    answers.land()
    assert len(list(home.landing("small", "corrections").glob("*.parquet"))) == 2


def test_an_intake_takes_what_was_left_and_what_is_idle_but_nothing_twice(tmp_path: Path) -> None:
    """A session that goes on keeps its file; a torn line was never acknowledged; a foreign file is not ours."""
    home = Home(tmp_path)
    answers = LocalAnswers(home, "small")
    answers.append(row(1))
    land_left_answers(home, "small")
    assert landed(home) == []  # the session goes on
    (path,) = left(home)
    long_ago = time.time() - 600
    os.utime(path, (long_ago, long_ago))
    for _ in range(2):
        land_left_answers(home, "small")
    assert (landed(home), left(home)) == (["r1"], [path])
    os.close(answers._file)  # as a kill does
    with path.open("ab") as file:
        file.write(b'00000000 {"request_id": "r2"')
    (home.review("small") / "answers-of-mine.jsonl").write_text("?")
    land_left_answers(home, "small")
    assert (landed(home), [each.name for each in left(home)]) == (["r1"], ["answers-of-mine.jsonl"])


def test_an_answer_that_cannot_be_stored_is_none(tmp_path: Path) -> None:
    """The caller gets the error, and the answers before it stay."""
    home = Home(tmp_path)
    answers = LocalAnswers(home, "small")
    answers.append(row(1))
    held = answers._file
    answers._file = os.open(left(home)[0], os.O_RDONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        answers.append(row(2))
    os.close(answers._file)
    answers._file = held
    answers.land()
    assert landed(home) == ["r1"]
