"""How waiting is shown: a spinner on a terminal, plain lines and a heartbeat elsewhere."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import pytest

from orchestration.cli.progress import StageProgress
from orchestration.cli.session import Session
from ratchet.storage.home import Home

SESSION = Session(Home(Path("unused")))


def shown(ends: tuple[int, int], play: Callable[[TextIO], None]) -> bytes:
    """Everything that `play` writes to the second of two connected descriptors."""
    with os.fdopen(ends[1], "w", encoding="utf-8") as talk:
        play(talk)
    found = b"".join(iter(lambda: next_bytes(ends[0]), b""))
    os.close(ends[0])
    return found


def next_bytes(reader: int) -> bytes:
    """What came next; nothing at the end, which a terminal tells by an error."""
    try:
        return os.read(reader, 1 << 16)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        return b""


def two_stages(session: Session) -> Callable[[TextIO], None]:
    """A cycle of two stages."""

    def play(talk: TextIO) -> None:
        with StageProgress(session, talk) as progress:
            progress.begin("training_set")
            progress.note("dropped \x1b[31m3")
            progress.end("training_set", "done", "732 examples")

    return play


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that can do colours, whatever runs the tests."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.feature(8)
def test_a_terminal_sees_a_spinner_and_the_lines() -> None:
    """With control sequences of our own, and none of what stages report."""
    found = shown(os.openpty(), two_stages(SESSION))
    assert b"\x1b[" in found
    assert b"training_set: done" in found
    assert b"\x1b[31m3" not in found


@pytest.mark.parametrize("session", [SESSION, replace(SESSION, no_color=True)], ids=["pipe", "no colour"])
def test_elsewhere_there_are_only_lines(session: Session) -> None:
    """A pipe, and a terminal without colour: neither carriage returns nor control sequences."""
    ends = os.pipe() if session is SESSION else os.openpty()
    lines = shown(ends, two_stages(session)).replace(b"\r\n", b"\n")
    assert b"\r" not in lines
    assert b"\x1b" not in lines
    assert lines.splitlines()[0].startswith(b"    dropped ")
    assert lines.splitlines()[1].startswith(b"training_set: done (")


@pytest.mark.feature(8)
def test_a_silent_stage_gives_signs_of_life() -> None:
    """The heartbeat names the stage that is waited for."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as talk, StageProgress(SESSION, talk, heartbeat_s=0.0) as progress:
        progress.begin("adapter")
        assert os.read(reader, 100).startswith(b"    still at adapter, ")  # waits for it
    os.close(reader)


def test_quiet_says_nothing() -> None:
    """Not even while it waits."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as talk:
        two_stages(replace(SESSION, quiet=True))(talk)
    assert os.read(reader, 100) == b""
    os.close(reader)
