"""`ratchet sample`: a home of the sample classifier, ingested and planned as a newcomer does."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.simulation.weeks import CLASSIFIER


def test_a_sample_is_ingested_and_planned_by_the_commands_that_it_prints(call: Any, tmp_path: Path) -> None:
    """As many requests as asked for, spread over the weeks; nothing is rejected, and the last week can be trained."""
    made = call("--home", tmp_path, "sample", "--requests", 1001, "--weeks", 3, "--json")
    document = json.loads(made.out)
    assert made.code == 0, made.err
    assert document["weeks"] == {"2026-01-05": 334, "2026-01-12": 334, "2026-01-19": 333}
    ingest, plan = (line.split()[1:] for line in document["next"][:2])
    done = call(*ingest)
    assert done.code == 0, done.err
    landed = [line.split() for line in done.out.splitlines() if line.startswith("production_logs")]
    assert [row[2:] for row in landed] == [["334", "0", "0"], ["334", "0", "0"], ["333", "0", "0"]]
    planned = call(*plan)
    assert planned.code == 0, planned.err


def test_a_folder_that_holds_more_than_the_sample_is_left_alone(call: Any, tmp_path: Path) -> None:
    """A second sample, or a classifier of that name, is refused before anything is written."""
    assert call("--home", tmp_path, "sample", "--requests", 800).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = call("--home", tmp_path, "sample", "--requests", 800)
    assert again.code == 1
    assert "nothing was changed" in again.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert (tmp_path / CLASSIFIER / "golden.jsonl").is_file()


@pytest.mark.parametrize("words", [("--requests", 3), ("--weeks", 0), ("--weeks", 53), ("--requests", 2_000_000)])
def test_numbers_out_of_range_are_refused_as_usage(call: Any, tmp_path: Path, words: tuple[object, ...]) -> None:
    """Exit code 64, with the range."""
    done = call("--home", tmp_path, "sample", *words)
    assert done.code == 64
    assert "outside" in done.err
    assert not (tmp_path / CLASSIFIER).exists()


def test_the_same_seed_gives_the_same_files(call: Any, tmp_path: Path) -> None:
    """And another seed others."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert call("--home", tmp_path / name, "sample", "--requests", 800, "--seed", seed).code == 0
    files = {
        name: [path.read_bytes() for path in sorted((tmp_path / name / CLASSIFIER).rglob("*.jsonl"))] for name in "abc"
    }
    assert files["a"] == files["b"] != files["c"]
