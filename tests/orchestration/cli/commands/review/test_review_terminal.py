"""`ratchet review` at a terminal and from a pipe: the keys of the page, one request after the other, none lost."""

import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from orchestration.cli.review.review_screen import columns_of, flow, wrap
from ratchet.core.current_user import current_user
from ratchet.core.failpoints import VARIABLE
from ratchet.core.person_names import normalise_name
from ratchet.storage.home import Home
from ratchet.storage.review.local_answers import land_left_answers
from ratchet.storage.review.suspensions import Suspensions
from ratchet.testing.killed_processes import fork_until_failpoint

ME = normalise_name(current_user())
Landed = Callable[[Home], list[dict[str, Any]]]


def answers(rows: list[dict[str, Any]]) -> list[str]:
    """Label, or answer in its place, of each row."""
    return [row["label"] or row["answer"] for row in rows]


class Terminal:
    """The command at a pseudo terminal of its own."""

    def __init__(self, home: Home, columns: int, **environment: str) -> None:
        self.own, theirs = pty.openpty()
        self.modes = [termios.tcgetattr(theirs)]
        set_size = f'stty cols {columns} rows 24 <&0; exec "$0" "$@"'
        command = [sys.executable, "-m", "orchestration.cli.app", "--home", str(home.root), "review", "tickets"]
        # the size is the terminal's: what an earlier test's library left in the environment would win over it
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", set_size, *command],
            stdin=theirs, stdout=theirs, stderr=theirs, env={**inherited, **environment}, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown, self._place = "", 0

    def until(self, words: str, limit_s: float = 20) -> str:
        """Read until `words` stand behind those of the last call; return what was shown up to them."""
        end = time.monotonic() + limit_s
        while words not in self.shown[self._place :]:
            assert time.monotonic() < end, self.shown
            if select.select([self.own], [], [], 1)[0]:
                self.shown += os.read(self.own, 4096).decode("utf-8", "replace")
        found = self.shown[self._place : self.shown.index(words, self._place) + len(words)]
        self._place += len(found)
        return found

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.own, keys.encode())

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        try:
            while os.read(self.own, 4096):
                pass
        except OSError:  # the terminal has no process any more
            pass
        self.modes.append(termios.tcgetattr(self.own))
        os.close(self.own)
        return self.process.wait(60)


@pytest.mark.slow  # a process of its own at a pseudo terminal
def test_each_key_is_read_without_enter_and_does_what_it_does_on_the_page(
    queued: Callable[..., Home], landed: Landed
) -> None:
    """Labels, skip, undo, note, help, arrows that mean nothing, quit; the terminal is put back as it was."""
    home = queued(5)
    terminal = Terminal(home, 40, NO_COLOR="1")
    first = terminal.until("q quit")
    assert re.search(r"1 of 5: drawn at random", first)
    assert all(len(line) <= 40 for line in first.split("\r\n")), first
    assert "\x1b" not in first  # NO_COLOR
    terminal.press("?")
    assert "asks for a label by its name" in terminal.until("asks for a label by its name").replace("\r\n", " ")
    terminal.press("\x1b[A")  # an arrow
    terminal.press("x")
    assert "'x' means nothing here" in terminal.until("? shows the keys").replace("\r\n", " ")
    terminal.press("n")
    terminal.until("Enter ends it")
    terminal.press("why so?\n")
    terminal.press("1")
    terminal.until("saved: amber")
    terminal.until("q quit")
    terminal.press("2")
    terminal.until("saved: green")
    terminal.until("q quit")
    terminal.press("u")
    terminal.until("! take my answer back")
    terminal.press("3")
    terminal.until("saved: violet")
    terminal.press(" ")
    terminal.until("another person is asked")
    terminal.until("4 of 5")
    terminal.press("-q")  # typed ahead
    terminal.until("4 answered by")
    assert terminal.end() == 0
    assert terminal.modes[0] == terminal.modes[1]
    rows = landed(home)
    assert answers(rows) == ["amber", "green", "violet", "none"]
    assert [row["note"] for row in rows] == ["why so?", None, None, None]
    assert [row["request_id"] for row in rows].count(rows[1]["request_id"]) == 2
    assert {row["annotator"] for row in rows} == {ME}
    assert {row["saw_prediction"] for row in rows} == {False}
    assert all(row["seconds"] is not None and row["chosen"] == "random" for row in rows)


def test_lines_from_a_pipe_are_keys_or_names(
    queued: Callable[..., Home], landed: Landed, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A label's name, a word for an action; the end of the input is the end."""
    home = queued(4)
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        shown = call("--home", home.root, "review", "tickets")
    assert (shown.code, "0 answered by" in shown.out) == (0, True)
    lines = home.root / "lines"
    lines.write_text("green\n\nno such\nundo\n!\ncannot_tell\n \nviolett\nviolet\n")
    with lines.open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        shown = call("--home", home.root, "review", "tickets")
    assert shown.code == 0, shown.err
    assert answers(landed(home)) == ["green", "withdrawn", "cannot_tell", "violet"]
    assert "Did you mean 'violet'?" in shown.out
    assert "batch done: 3 answered" in shown.out
    waits = call("--home", home.root, "review", "tickets", "--json")
    assert '"items": 2' in waits.out  # the one that was taken back, and the skipped one


@pytest.mark.parametrize(("point", "stored"), [("before_answer", 0), ("after_answer", 1), ("after_segment", 3)])
@pytest.mark.feature(26)
def test_a_kill_at_an_answer_resumes_at_the_first_that_is_not_stored(
    queued: Callable[..., Home], landed: Landed, call: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch, point: str, stored: int,
) -> None:  # fmt: skip
    """Whatever was stored is not asked again, and nothing is stored twice."""
    home = queued(4)
    words = ("--home", home.root, "review", "tickets")
    lines = home.root / "lines"
    lines.write_text("1\n1\n1\nquit\n")
    with lines.open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        killed = fork_until_failpoint(lambda: main([str(word) for word in words]), f"review.{point}")
    land_left_answers(home, "tickets")
    assert (killed, len(landed(home))) == (-9, stored)
    lines.write_text("2\n2\n2\n2\n")
    with lines.open() as source:
        monkeypatch.setattr(sys, "stdin", source)
        again = call(*words)
    assert f"{1 + stored} of 4" in again.out
    rows = landed(home)
    assert answers(rows) == ["amber"] * stored + ["green"] * (4 - stored)
    assert len({row["request_id"] for row in rows}) == 4
    assert not [*home.review("tickets").glob("answers-*")]


def test_texts_cannot_control_the_terminal(
    queued: Callable[..., Home], call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """T10: control characters, also bidirectional ones, stand there as escapes; line breaks stay."""
    home = queued(1, "one\x1b[2Jtwo\nthree\u202efour\r\x07")
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        shown = call("--home", home.root, "review", "tickets")
    assert "one\\x1b[2Jtwo\nthree\\u202efour\\r\\x07\n" in shown.out
    assert not set(shown.out) & {"\x1b", "\u202e", "\r", "\x07"}


@pytest.mark.parametrize("width", [16, 23, 40, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    """Wide and combining characters count as they are drawn; a word that is too long is cut, and nothing is lost."""
    text = "a short one, then \u6587\u5b57\u304c\u7d9a\u304f\u3068\u304d and " + "x" * 50 + " e\u0301" * 20
    lines = wrap(text, width)
    assert all(columns_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    labels = [f"[{n}] label {n}" for n in range(30)]
    assert all(columns_of(line) <= width for line in flow(labels, width))
    assert "".join("".join(flow(labels, width)).split()) == "".join("".join(labels).split())


def test_a_person_whose_labels_do_not_count_is_told_so(queued: Callable[..., Home], call: Callable[..., Any]) -> None:
    """Before anything is asked."""
    home = queued(1)
    shown = call("--home", home.root, "--no-input", "review", "tickets")
    assert (shown.code, "--no-input says that nobody answers" in shown.err) == (1, True)
    spec = home.spec("tickets")
    before = spec.read_text()
    spec.write_text(before + '\n[people]\nsomebody = ["other"]\n')
    shown = call("--home", home.root, "review", "tickets")
    assert (shown.code, "is not in [people]" in shown.err) == (1, True)
    spec.write_text(before)
    Suspensions(home, "tickets").suspend(ME, "guesses", "owner", {}, 0, [])
    shown = call("--home", home.root, "review", "tickets")
    assert (shown.code, "is suspended" in shown.err) == (1, True)


@pytest.mark.slow
@pytest.mark.faults
def test_kills_at_any_instant_lose_no_answer_and_double_none(queued: Callable[..., Home], landed: Landed) -> None:
    """F01: 30 kills, each after some answers, at a failpoint or anywhere; every saved answer is there."""
    home, saved = queued(90), 0
    command = [sys.executable, "-m", "orchestration.cli.app", "--home", str(home.root), "review", "tickets"]
    for turn in range(30):
        point = ("", "review.before_answer:kill", "review.after_answer:kill")[turn % 3]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **({VARIABLE: point} if point else {})},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"1\n" * 90)
        process.stdin.flush()
        seen = 0
        while seen < turn % 5 and (line := process.stdout.readline()):
            seen += line.startswith(b"saved:")
        process.kill()
        seen += process.stdout.read().count(b"saved:")
        process.stdin.close()
        process.stdout.close()
        process.wait(20)
        saved += seen
        land_left_answers(home, "tickets")
        rows = landed(home)
        assert saved <= len(rows) == len({row["request_id"] for row in rows})
    call_rest = subprocess.run(command, input=b"1\n" * 90, capture_output=True, check=True)
    assert b"nothing else waits" in call_rest.stdout or b"nothing waits" in call_rest.stdout
    assert len(landed(home)) == len({row["request_id"] for row in landed(home)}) == 90
