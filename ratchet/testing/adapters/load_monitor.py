"""Monitor of opening adapter folders: seconds, memory, and every event by which code of theirs might have run.

Runs in a process of its own (`python -m ratchet.testing.adapters.load_monitor ROOM_BYTES ROUNDS GOOD FOLDER...`), since
it measures a whole process: GOOD is opened first, so that libraries are loaded; then the kernel grants at most
ROOM_BYTES of further address space. Prints one JSON line for each folder and round. Add here another thing to measure;
the hostile folders are in `hostile.py`.
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
"""Audit events of Python that run, load or call something."""


@dataclass(frozen=True)
class LoadOutcome:
    """Outcome of opening one folder. `refused` is the error message, None where it opened."""

    folder: str
    refused: str | None
    seconds: float
    """Processor seconds, which do not depend on the load of the machine."""
    extra_bytes: int
    """Peak of resident memory while opening, above the memory used before, in bytes."""
    events: list[str]


def watch(folders: Sequence[Path], events: list[str]) -> Iterator[LoadOutcome]:
    """Open each folder; any other error than a `RatchetError` ends the process."""
    for folder in folders:
        refused = None
        before, started, seen = _reset_peak(), time.process_time(), len(events)
        try:
            validate_adapter(folder)
        except RatchetError as error:
            refused = str(error)
            refused.encode()  # raises where the message cannot be printed
        seconds = time.process_time() - started
        yield LoadOutcome(folder.name, refused, seconds, max(0, _status("VmHWM") - before), events[seen:])


def _reset_peak() -> int:
    """Reset the peak of resident memory to the current value, and return it."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmHWM")


def _status(key: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{key}:"))
    return int(line.split()[1]) * 1024


def main(room: int, rounds: int, good: Path, folders: Sequence[Path]) -> None:
    """Open `good`, limit the memory to `room` further bytes, and open the `folders`, `rounds` times."""
    validate_adapter(good)
    with contextlib.suppress(RatchetError):
        validate_adapter(folders[0])
    _reset_peak()
    events: list[str] = []

    def record(event: str, details: tuple[Any, ...]) -> None:
        written = event == "open" and isinstance(details[1], str) and not {*"wax+"}.isdisjoint(details[1])
        if event in _EVENTS or (written and str(details[0]) != "/proc/self/clear_refs"):
            events.append(f"{event} {details[0]!s:.100}")

    sys.addaudithook(record)
    limit = _status("VmSize") + room
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for _ in range(rounds):
        for opening in watch(folders, events):
            print(json.dumps(asdict(opening)))  # noqa: T201 - what the parent reads


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), [Path(name) for name in sys.argv[4:]])
