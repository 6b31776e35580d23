"""Pytest plugin that schedules the suite: files stay together on one worker, long ones first, and slow tests are
marked.

A file's tests share what its fixtures made, so another worker would make it once more; a long file that comes last
leaves the other workers idle. `make test-fast` leaves out what is marked `slow`: whatever trains, starts a server or a
daemon, or opens a browser. The mark is held to the truth: an unmarked test that does so fails.

Add a kind of slow process to `SLOW_PROCESSES`, and a folder that takes minutes to `LONG_FIRST`.
"""

import functools
import gc
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG_FIRST = (
    "tests/orchestration",
    "tests/ratchet/training",
    "tests/ratchet/workflows",
    "tests/ratchet/evaluation",
    "tests/ratchet/deployment",
    "tests/gateway",
)
SHARED = {"ran: Any": "cli_cycle", "ran_home: Path": "cli_cycle", "passed: Home": "rollouts"}
"""Session fixtures that run whole cycles, as parameters; the files that use one are a group: it is made once."""
SLOW_FIXTURES = frozenset({"browser", "kill_at", "launch", "made", "train_here", "trained"})
"""Fixtures that train or open a browser; whatever asks for one, also through others, is slow."""
SLOW_PROCESSES = {
    "ratchet.training": "trains",
    " serve": "starts a gateway",
    "dagster._daemon": "starts Dagster",
    "dagster_webserver": "starts Dagster",
    "chrom": "opens a browser",
    " cycle": "runs a cycle",
    " demo": "plays the demo",
}
"""Words of a command line that give a slow process away, and what it does."""
_started: list[str] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        command = arguments[1]
        line = " ".join(map(os.fsdecode, command)) if isinstance(command, (list, tuple)) else str(command)
        _started.extend(does for words, does in SLOW_PROCESSES.items() if words in f" {line}")


def pytest_configure() -> None:
    """Watch the processes that tests start, and have neither them nor this one do the same work again and again."""
    sys.addaudithook(_watch)
    gc.set_threshold(20_000, 20, 10)  # half a million objects of libraries, looked through for garbage less often
    # Else each of some hundred processes compiles the product anew, and each worker rewrites all assertions.
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class FileScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist brings no types
    """Scheduler that gives a worker whole files, and files of one group to the same worker, in the order of collection.

    The one that xdist offers for groups writes them into the ids of tests, which pytest 9.2 does not let it change.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.partition("::")[0])


@functools.cache
def group_of(file: str) -> str:
    """Return the group of a test file: the name of its `xdist_group`, that of a shared fixture, or its own path."""
    text = Path(file).read_text(encoding="utf-8")
    if marked := re.search(r'xdist_group\("(\w+)"\)', text):
        return marked[1]
    return next((group for parameter, group in SHARED.items() if parameter in text), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FileScheduling:
    """Schedule by files, whatever `--dist` says, and leave the order as it is."""
    config.option.loadscopereorder = False
    return FileScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for a slow fixture, before `-m` is read, and put groups and folders that take minutes first."""
    for item in items:
        if SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: _turn_of(item.nodeid))


def _turn_of(nodeid: str) -> int:
    """Return the turn of a test: groups of files first, which one worker runs one after the other."""
    file = nodeid.partition("::")[0]
    if Path(file).is_file() and group_of(file) != file:
        return -1
    return next((n for n, part in enumerate(LONG_FIRST) if file.startswith(part)), len(LONG_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Forget what the tests before this one started."""
    _started.clear()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Fail a test that did what only slow ones do, and is not marked."""
    report = yield
    if report.passed and report.when == "call" and _started and item.get_closest_marker("slow") is None:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} {', '.join(dict.fromkeys(_started))}: mark it @pytest.mark.slow"
    return report
