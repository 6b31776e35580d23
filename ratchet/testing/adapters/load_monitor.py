"""What opening adapter folders costs and does: seconds, memory, and every event in which a program of theirs might have
run.

Runs in a process of its own (`python -m ratchet.testing.adapters.load_monitor ROOM_BYTES ROUNDS GOOD FOLDER...`), since
what is measured is a whole process: GOOD is opened first, so that libraries are loaded; then the kernel gives no more
than ROOM_BYTES of further address space. Prints one JSON line for each folder and round. For tests of refusals.
"""

import contextlib
import json
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.validation import validate_adapter

_EVENTS = frozenset(
    {
        "compile", "ctypes.dlopen", "exec", "import", "marshal.loads", "os.exec", "os.fork", "os.posix_spawn",
        "os.system",
        "pickle.find_class", "socket.connect", "subprocess.Popen",
    }
)  # fmt: skip
"""Of Python's audit: whatever runs, loads or calls something."""


@dataclass(frozen=True)
class LoadOutcome:
    """What came of opening one folder. `refused` is what was said, None where it opened."""

    folder: str
    refused: str | None
    seconds: float
    """Of the processor, so that a busy machine does not count."""
    extra_bytes: int
    """The highest resident memory meanwhile, above that of before."""
    events: list[str]


def watch(folders: Sequence[Path], events: list[str]) -> Iterator[LoadOutcome]:
    """Open each folder; anything else than a `RatchetError` ends the process."""
    for folder in folders:
        refused = None
        before, started, seen = _reset_peak(), time.process_time(), len(events)
        try:
            validate_adapter(folder)
        except RatchetError as error:
            refused = str(error)
            refused.encode()  # it can be printed
        seconds = time.process_time() - started
        yield LoadOutcome(folder.name, refused, seconds, max(0, _status("VmHWM") - before), events[seen:])


def _reset_peak() -> int:
    """Let the highest resident memory be that of now, and return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmHWM")


def _status(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def main(room: int, rounds: int, good: Path, folders: Sequence[Path]) -> None:
    """As the module says."""
    validate_adapter(good)
    with contextlib.suppress(RatchetError):
        validate_adapter(folders[0])
    _reset_peak()
    heard: list[str] = []

    def hear(event: str, details: tuple[Any, ...]) -> None:
        written = event == "open" and isinstance(details[1], str) and not {*"wax+"}.isdisjoint(details[1])
        if event in _EVENTS or (written and str(details[0]) != "/proc/self/clear_refs"):
            heard.append(f"{event} {details[0]!s:.100}")

    sys.addaudithook(hear)
    limit = _status("VmSize") + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for _ in range(rounds):
        for opening in watch(folders, heard):
            print(json.dumps(asdict(opening)))  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
