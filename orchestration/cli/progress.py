"""Progress of a cycle: one line for each stage, a spinner on a terminal, a heartbeat elsewhere.

Add here how waiting is shown; which events are worth a line is `run_listener.py`.
"""

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from orchestration.cli.output import printable
from orchestration.cli.session import Session

if TYPE_CHECKING:
    from rich.status import Status

HEARTBEAT_S = 10.0


class StageProgress:
    """Lines about stages on `talk`; a context manager that keeps showing a sign of life while a stage is silent."""

    def __init__(self, session: Session, talk: TextIO, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._talk, self._quiet, self._heartbeat_s = talk, session.quiet, heartbeat_s
        self._rich = session.colored(talk) and not session.quiet
        self._status: Status | None = None
        self._stage, self._started, self._spoken = "starting", time.monotonic(), time.monotonic()
        self._ended = threading.Event()
        self._beat = threading.Thread(target=self._keep_beating, daemon=True)

    def __enter__(self) -> Self:
        if self._rich:
            from rich.console import Console

            self._status = Console(file=self._talk, highlight=False).status("starting")
            self._status.start()
        elif not self._quiet:
            self._beat.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._status:
            self._status.stop()
        if self._beat.is_alive():
            self._beat.join()

    def begin(self, stage: str) -> None:
        """Start a stage: spinner and heartbeat name it from now on."""
        self._stage, self._started = stage, time.monotonic()
        if self._status:
            self._status.update(f"{stage} ...")

    def end(self, stage: str, word: str, detail: str = "") -> None:
        """Print how a stage ended, and after how many seconds."""
        self.say(f"{stage}: {word} ({time.monotonic() - self._started:.1f} s){f'  {detail}' if detail else ''}")
        self._stage, self._started = "next stage", time.monotonic()

    def note(self, text: str) -> None:
        """Print a line that a stage reports while it runs."""
        if self._status:
            self._status.update(f"{self._stage}: {printable(text)}")
        self.say(f"    {text}")

    def say(self, line: str) -> None:
        """Print one line, unless `--quiet`."""
        self._spoken = time.monotonic()
        if self._quiet:
            return
        if self._status:
            self._status.console.print(printable(line), markup=False, soft_wrap=True)
        else:
            print(printable(line), file=self._talk, flush=True)

    def _keep_beating(self) -> None:
        while not self._ended.wait(0.5):
            if time.monotonic() - self._spoken >= self._heartbeat_s:
                self.say(f"    still at {self._stage}, {time.monotonic() - self._started:.0f} s")
