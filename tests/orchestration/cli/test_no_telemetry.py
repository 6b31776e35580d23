"""No command speaks to anyone: the example of each is run, and every name looked up and address called is noticed."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.cli.help import Command
from orchestration.cli.registry import GROUPS

pytestmark = pytest.mark.slow
ON_REQUEST = {"publish", "verify-adapter", "fetch-base", "teach", "alerts"}
"""Commands whose purpose is to speak to a host that the user names (README)."""
ENDLESS = {"serve", "demo"}
"""Commands that run until somebody stops them, or for minutes: their parts have tests of their own."""
WATCH = """
import json, sys
from orchestration.cli.app import main
calls = []
def watch(event, arguments):
    if event == "socket.getaddrinfo":
        calls.append(str(arguments[0]))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        calls.append(str(arguments[1][0]))
sys.addaudithook(watch)
for words in json.loads(sys.argv[1]):
    main(words)
{planted}
print("CALLS " + json.dumps(calls))
"""
LOCAL = {"127.0.0.1", "::1", "localhost", "None"}


def calls_of(home: Path, commands: list[Command], planted: str = "") -> list[str]:
    """Return whom the examples of `commands` called, on a copy of a home."""
    words = []
    for command in commands:
        example = shlex.split(command.example.partition(" > ")[0])
        example = example[example.index("ratchet") + 1 :]
        words.append(["--home", str(home), "--no-input", *(each for each in example if each != "--home")])
    program = WATCH.replace("{planted}", planted)
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(words)], capture_output=True, text=True, timeout=300, cwd=home
    )
    assert "CALLS " in done.stdout, done.stderr[-2000:]
    return [each for each in json.loads(done.stdout.rpartition("CALLS ")[2]) if each not in LOCAL]


@pytest.mark.feature(43)
def test_no_command_looks_up_a_name(home: Path) -> None:
    """Whatever its exit code, on a home with a classifier."""
    every = [command for commands in GROUPS.values() for command in commands]
    quiet = [command for command in every if command.name not in ON_REQUEST | ENDLESS]
    assert len(quiet) > 30
    assert calls_of(home, quiet) == []


def test_a_command_that_looks_up_a_name_is_noticed(home: Path) -> None:
    """A planted one; nothing is sent."""
    planted = "import socket\ntry:\n    socket.getaddrinfo('telemetry.invalid', 443)\nexcept OSError:\n    pass"
    doctor = next(command for command in GROUPS["Start"] if command.name == "docs")
    assert calls_of(home, [doctor], planted) == ["telemetry.invalid"]
