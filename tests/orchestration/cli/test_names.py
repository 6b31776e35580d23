"""Hostile names (T13): every command refuses them as wrong usage, and opens nothing by such a name."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

NAMES = (
    "..", "../x", "../../etc/passwd", "/etc/passwd", "a/b", "a/../b", "..%2f..%2fx", "%2e%2e%2fx", "..%252fx", "%00",
    "a\0b",
    "a" * 64, "a" * 300, "a" * 5000, "CON", "NUL", "Tickets", "t\u0456ckets", "ticket\u0455", "\uff54ickets",
    "tickets ",
    " tickets", "tickets\n", "a\r\nb", "a;b", "a|b", "$(id)", "`id`", "a*b", "?", "#", "~", "~root", ".hidden", "_x",
    "a\\b",
    "C:\\x", "a\u202eb", "a\u200bb", "", "\x1b[31m", "dagster",
)  # fmt: skip
COMMANDS = {
    "init": ("--labels", "a,b"),
    "ingest": (),
    "cycle": ("--week", "latest"),
    "report": (),
    "predict": ("--input", "-", "--output", "-"),
    "status": (),
    "promote": ("--why", "x", "--yes"),
}


class Opened:
    """The names that are opened while `watching`, from the interpreter's own audit events."""

    def __init__(self) -> None:
        self.watching = False
        self.paths: list[str] = []
        sys.addaudithook(self.note)

    def note(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Remember the paths of opens, listings, removals and new folders."""
        if self.watching and event in {"open", "os.mkdir", "os.listdir", "os.scandir", "os.rename", "os.remove"}:
            self.paths += [str(found) for found in arguments[:2] if isinstance(found, str | bytes | Path)]


@pytest.fixture(scope="module")
def opened() -> Opened:
    """One audit hook for the module: hooks cannot be taken away again."""
    return Opened()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_hostile_name_is_refused_before_anything_is_opened(
    call: Any, home: Path, opened: Opened, command: str
) -> None:
    """Exit code 64, a hint, nothing new beside the home, and no path that holds the name."""
    before = sorted(home.parent.rglob("*"))
    for name in NAMES:
        opened.paths.clear()
        opened.watching = True
        try:
            done = call("--home", home, command, *COMMANDS[command], "--", name)
        finally:
            opened.watching = False
        assert done.code == 64, (name, done.err)
        assert "hint: " in done.err
        assert "Traceback" not in done.err
        assert done.out == ""
        assert not [path for path in opened.paths if len(name) > 2 and name in path and name not in str(home)]
        assert "\x1b" not in done.err
    assert sorted(home.parent.rglob("*")) == before


@pytest.mark.parametrize(
    "week", ["../2026-02-23", "2026-02-23/..", "%2e%2e", "a\0b", "9999-W99", "0000-01-01", "", "2" * 300]
)
def test_a_hostile_week_is_refused(call: Any, home: Path, week: str) -> None:
    """Weeks become folder names too."""
    before = sorted(home.parent.rglob("*"))
    for command in ("cycle", "report"):
        assert call("--home", home, command, "tickets", "--week", week).code == 64
    assert sorted(home.parent.rglob("*")) == before


@pytest.mark.parametrize("digest", ["../../etc", "..", "%2e%2e", "*", "/", "A" * 64, "g" * 64])
def test_a_hostile_digest_names_no_adapter(call: Any, home: Path, digest: str) -> None:
    """Digests are looked up among those that exist, never joined to a path."""
    done = call("--home", home, "predict", "tickets", "--input", "-", "--output", "-", "--adapter", digest)
    assert done.code == 1
    assert "has no adapter" in done.err


@pytest.mark.parametrize("mutant", [False, True], ids=["product", "mutant"])
def test_a_command_that_checks_no_name_is_noticed(tmp_path: Path, plant_in_copy: Any, mutant: bool) -> None:
    """T13's mutant takes every name: it fails the assertion of this file, and only the specification's own check stops
    it."""
    changed = plant_in_copy("ratchet/core/names.py", "if not NAME.fullmatch(name):", "if not name:") if mutant else {}
    command = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]
    arguments = ["--home", str(tmp_path / "root" / "home"), "init", "../outside", "--labels", "a,b"]
    done = subprocess.run(
        [*command, *arguments], env={**os.environ, **changed}, cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode == 64) is not mutant
    assert not (tmp_path / "root" / "outside").exists()
