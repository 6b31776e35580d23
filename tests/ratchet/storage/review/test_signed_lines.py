"""Signed files of the review queue: chained, vouched for by a checkpoint, and what a kill or a careless hand leaves."""

import signal
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.review.signed_lines import SignedLines
from ratchet.testing.damaged_lines import DAMAGE_OF_LINES, UNCHAINED, UNSIGNED, Damage, edit
from ratchet.testing.killed_processes import fork_until_failpoint


def append(home: Home, word: str) -> None:
    """One more line."""
    SignedLines(home, "small", "suspensions").append("test", lambda lines: {"word": word, "n": len(lines)})


DAMAGE: dict[str, Damage] = {
    **DAMAGE_OF_LINES,
    "an edited word": (edit("one", "two"), UNCHAINED),
    "lines of another file": (
        lambda path: path.write_text(path.with_name("label_rules.jsonl").read_text()) and None, UNSIGNED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_file_that_was_edited_is_an_error_that_names_it(tmp_path: Path, damage: str) -> None:
    """Each edit, each removal, and lines that were signed for another purpose."""
    home = Home(tmp_path)
    for word in ("one", "more"):
        append(home, word)
    SignedLines(home, "small", "label_rules").append("test", lambda _: {"rule": 1})
    assert [line.content["word"] for line in SignedLines(home, "small", "suspensions").read()] == ["one", "more"]
    change, says = DAMAGE[damage]
    change(home.review("small") / "suspensions.jsonl")
    with pytest.raises(RatchetError, match=says):
        SignedLines(home, "small", "suspensions").read()


def test_a_torn_line_is_cut_and_the_next_one_continues_the_chain(tmp_path: Path) -> None:
    """It was never acknowledged; a decision for nothing writes nothing."""
    home = Home(tmp_path)
    lines = SignedLines(home, "small", "suspensions")
    assert (lines.read(), lines.append("test", lambda _: None), lines.path.exists()) == ([], None, False)
    append(home, "one")
    with lines.path.open("a") as file:
        file.write('{"sequence": 2, "ts"')
    append(home, "two")
    assert [(line.sequence, line.content["n"]) for line in lines.read()] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(("point", "written"), [("before_line", 0), ("before_checkpoint", 1)])
def test_a_kill_while_writing_leaves_a_whole_file(tmp_path: Path, point: str, written: int) -> None:
    """The line stands or it does not; the next writer goes on."""
    killed = fork_until_failpoint(lambda: append(Home(tmp_path), "x"), f"signed_lines.{point}")
    assert killed == -signal.SIGKILL
    lines = SignedLines(Home(tmp_path), "small", "suspensions")
    assert len(lines.read()) == written
    append(Home(tmp_path), "next")
    assert len(lines.read()) == written + 1
