"""Benchmarks are run by hand and rarely, so that a name that moved would be noticed late."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import benchmarks

MODULES = sorted(path.stem for path in Path(benchmarks.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("module", MODULES)
def test_a_benchmark_finds_all_that_it_names(module: str) -> None:
    """Every name that it imports from the product is still there."""
    assert importlib.import_module(f"benchmarks.{module}").__doc__


@pytest.mark.parametrize("module", ["sweep", "weeks", "causal_exports"])
@pytest.mark.parametrize("words", [(), ("--data", "{tmp_path}")], ids=["no option", "no tickets"])
def test_without_tickets_one_sentence_names_the_option(module: str, words: tuple[str, ...], tmp_path: Path) -> None:
    """A benchmark of real tickets looks for them nowhere by itself, and measures nothing without them."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *(word.format(tmp_path=tmp_path) for word in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("--data")
    assert len(done.stderr.splitlines()) == 1
    assert "golden.jsonl" in done.stderr
