"""Benchmarks are run by hand and rarely, so that a name that moved would be noticed late."""

import importlib
from pathlib import Path

import pytest

import benchmarks

MODULES = sorted(path.stem for path in Path(benchmarks.__path__[0]).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("module", MODULES)
def test_a_benchmark_finds_all_that_it_names(module: str) -> None:
    """Every name that it imports from the product is still there."""
    assert importlib.import_module(f"benchmarks.{module}").__doc__
