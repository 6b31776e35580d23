"""Pytest plugin that schedules the suite: files stay together on one worker, long ones first, and slow tests are
marked.

A file's tests share what its fixtures made, so another worker would make it once more; a long file that comes last
leaves the other workers idle. `make test-fast` leaves out what is marked `slow`: whatever trains, starts a server or a
daemon, or opens a browser. The mark is held to the truth: an unmarked test that does so fails.

Add a kind of slow process to `SLOW_PROCESSES`, and a folder that takes minutes to `LONG_FIRST`.
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

LONG_FIRST = (
    "tests/orchestration",
    "tests/ratchet/training",
    "tests/ratchet/workflows",
    "tests/ratchet/evaluation",
    "tests/ratchet/deployment",
    "tests/gateway",
)
SLOW_PROCESSES = {
    "ratchet.training": "trains",
    " serve": "starts a gateway",
    "dagster": "starts Dagster",
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


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, and watch the processes that tests start."""
    config.addinivalue_line(
        "markers", "slow: trains, starts a server, or opens a browser; `make test-fast` leaves it out"
    )
    sys.addaudithook(_watch)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together unless they name a group, and put the folders that take minutes first."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))
    last = len(LONG_FIRST)
    items.sort(key=lambda item: next((n for n, part in enumerate(LONG_FIRST) if item.nodeid.startswith(part)), last))


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
