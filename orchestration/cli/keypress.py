"""Keys that a person presses: one at a time without Enter at a terminal, one a line from anything else.

Add here another source of keys; what a key means is a matter of the command that reads it.
"""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

ESCAPE_S = 0.05
"""Time within which the rest of an arrow or function key follows its first byte, also over a slow line."""
ESCAPE = "\x1b"
"""Key Esc, and every key that sends several bytes."""
END = "\x04"
"""Key that ends the input, Ctrl-D; also what is returned at its end."""


class KeySource(Protocol):
    """Keys in their order, and lines of text between them."""

    def key(self) -> str:
        """Return the next key, or a whole line where input comes in lines; `END` at the end."""
        ...

    def line(self) -> str:
        """Return the next line of text, without its end."""
        ...


class LineKeys:
    """Keys from a pipe or a file: each line is a key, or the name of what it means."""

    def key(self) -> str:
        """Return the next line as it is, so that a space is a key; `END` at the end."""
        line = sys.stdin.readline()
        return line.rstrip("\r\n") if line else END

    def line(self) -> str:
        """Return the next line."""
        return sys.stdin.readline().rstrip("\r\n")


class TerminalKeys:
    """Keys of a terminal, read byte by byte; arrow and function keys mean nothing here and are swallowed."""

    def __init__(self, file: int) -> None:
        self._file = file

    def key(self) -> str:
        """Return the next character."""
        first = os.read(self._file, 1)
        if not first:
            return END
        if first == b"\x1b":
            self._swallow_rest()
            return ESCAPE
        length = 1 + sum(first[0] >= least for least in (0xC0, 0xE0, 0xF0))
        rest = b"".join(os.read(self._file, 1) for _ in range(length - 1))
        return (first + rest).decode("utf-8", "replace")

    def _swallow_rest(self) -> None:
        """Read the rest of an arrow or function key (`ESC [ ... letter`, `ESC O letter`), and nothing behind it."""
        kind = self._read_soon()
        last = self._read_soon() if kind in (b"[", b"O") else b""
        while kind == b"[" and last and not b"@" <= last <= b"~":
            last = self._read_soon()

    def _read_soon(self) -> bytes:
        return os.read(self._file, 1) if select.select([self._file], [], [], ESCAPE_S)[0] else b""

    def line(self) -> str:
        """Return the line that the person types, with the terminal's own editing."""
        import termios

        with _as_before(self._file):
            termios.tcdrain(sys.stdout.fileno())
            content = bytearray()
            while (byte := os.read(self._file, 1)) not in (b"", b"\n"):
                content += byte
            return content.decode("utf-8", "replace").rstrip("\r")


@contextmanager
def open_keys() -> Iterator[KeySource]:
    """Open the keys of standard input; a terminal is put back as it was, also after an error or a stop (Ctrl-Z)."""
    if not sys.stdin.isatty():
        yield LineKeys()
        return
    import termios

    file = sys.stdin.fileno()
    before = termios.tcgetattr(file)

    def enter(*_: object) -> None:
        changed = termios.tcgetattr(file)
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(file, termios.TCSADRAIN, changed)  # keys that were typed ahead stay

    former = signal.signal(signal.SIGCONT, enter)
    enter()
    try:
        yield TerminalKeys(file)
    finally:
        signal.signal(signal.SIGCONT, former)
        with contextlib.suppress(termios.error):  # the terminal is gone
            termios.tcsetattr(file, termios.TCSADRAIN, before)


@contextmanager
def _as_before(file: int) -> Iterator[None]:
    """Let the terminal gather and show a line."""
    import termios

    raw = termios.tcgetattr(file)
    changed = termios.tcgetattr(file)
    changed[3] |= termios.ICANON | termios.ECHO
    termios.tcsetattr(file, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, raw)
