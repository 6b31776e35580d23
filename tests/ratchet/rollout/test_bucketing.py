"""One user, one bucket, in every language: our hashing and flagd's own evaluators agree on published vectors."""

import csv
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from benchmarks.bucketing_vectors import PATH, render
from ratchet.rollout.bucketing import BUCKETING, FORMER_BUCKETING, HASHED, gets_candidate
from ratchet.rollout.flag import CANDIDATE, LIVE, Rollout

ROOT = Path(__file__).parents[3]
FORMER = ROOT / "tests" / "fixtures" / "former_buckets.csv"
A, B = "a" * 64, "b" * 64
PYTHON_RELEASES = {"1": "fractional-v2", "2": "fractional-v3"}
"""Hashing of the releases of openfeature-flagd-core, by their major version."""
MODULES = Path(sys.prefix) / "javascript" / "node_modules"
Rows = Sequence[Mapping[str, str]]


def read(path: Path) -> list[dict[str, str]]:
    """The rows of a file of vectors."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_flag(rows: Rows) -> dict[tuple[str, int], list[Mapping[str, str]]]:
    """Rows by their flag and step, each of which is one flag file."""
    found: dict[tuple[str, int], list[Mapping[str, str]]] = {}
    for row in rows:
        found.setdefault((row["flag"], int(row["step"])), []).append(row)
    return found


def ask_python(rows: Rows) -> list[tuple[Mapping[str, str], str | None]]:
    """Each row with the variant that the installed evaluator for Python gives."""
    core, found = FlagdCore(), []
    for (flag, step), group in by_flag(rows).items():
        core.set_flags({"flags": {flag: Rollout(A, B, step).as_flag()}})
        for row in group:
            details = core.resolve_string_value(flag, "", EvaluationContext(targeting_key=row["user"]))
            found.append((row, details.variant))
    return found


def ask_javascript(rows: Rows) -> list[tuple[Mapping[str, str], str | None]]:
    """Each row with the variant that flagd's evaluator for JavaScript gives, under node."""
    node = shutil.which("node")
    if node is None or not (MODULES / "@openfeature" / "flagd-core").is_dir():
        pytest.skip("no node, or not installed: make setup-javascript")
    groups = by_flag(rows)
    cases = [
        {
            "document": {"flags": {flag: Rollout(A, B, step).as_flag()}, "metadata": {"bucketing": BUCKETING}},
            "flag": flag,
            "users": [row["user"] for row in group],
        }
        for (flag, step), group in groups.items()
    ]
    done = subprocess.run(
        [node, str(ROOT / "tests" / "javascript" / "buckets.js")],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "NODE_PATH": str(MODULES)},
    )
    answers: list[list[str | None]] = json.loads(done.stdout)
    return [
        pair
        for group, variants in zip(groups.values(), answers, strict=True)
        for pair in zip(group, variants, strict=True)
    ]


def test_the_published_vectors_are_ours() -> None:
    """A thousand users with flag, step and variant; whoever changes the hashing changes the file, and sees it here."""
    rows = read(PATH)
    assert PATH.read_text(encoding="utf-8") == render()
    assert (len(rows), {row["variant"] for row in rows}) == (1000, {LIVE, CANDIDATE})
    assert len({row["user"] for row in rows}) > 950
    assert all(row["user"].isascii() for row in rows)


def test_the_evaluator_for_python_agrees() -> None:
    """On every vector, by the hashing of its release; the pinned one has that of the file."""
    hashing = PYTHON_RELEASES[version("openfeature-flagd-core").split(".")[0]]
    for row, variant in ask_python(read(PATH)):
        ours = gets_candidate(hashing, row["flag"], row["user"], int(row["step"]))
        assert variant == (CANDIDATE if ours else LIVE), row
        if hashing == BUCKETING:
            assert variant == row["variant"]
    pinned = re.search(r"^openfeature-flagd-core==(\d+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert PYTHON_RELEASES[pinned[1]] == BUCKETING


def test_the_evaluator_for_javascript_agrees() -> None:
    """Its newest release gives every user of the file the variant of the file."""
    found = ask_javascript(read(PATH))
    assert len(found) == 1000
    assert [(row, variant) for row, variant in found if variant != row["variant"]] == []


def test_users_outside_ascii_need_an_id_inside_it() -> None:
    """JavaScript's evaluator hashes UTF-16 where the others hash UTF-8: documented, and noticed should it change."""
    users = [f"{name}{n}" for name in ("é", "数据", "😀") for n in range(20)]
    rows = [{"flag": "tickets", "user": user, "step": "50"} for user in users]
    ours = [gets_candidate(BUCKETING, "tickets", user, 50) for user in users]
    theirs = [variant == CANDIDATE for _, variant in ask_javascript(rows)]
    assert 10 < sum(map(bool.__eq__, ours, theirs)) < 50


def test_rollouts_of_before_keep_their_buckets() -> None:
    """200 users of the release that decided before, whichever release is installed; long ids and other scripts too."""
    rows = read(FORMER)
    found = [gets_candidate(FORMER_BUCKETING, row["flag"], row["user"], int(row["step"])) for row in rows]
    assert [CANDIDATE if each else LIVE for each in found] == [row["variant"] for row in rows]
    assert len(rows) == 200


@pytest.mark.parametrize("bucketing", HASHED)
def test_a_share_only_grows_and_is_met(bucketing: str) -> None:
    """Nobody who has the candidate loses it at a larger step; 0 is nobody, 100 everybody."""
    users = [f"user-{n}" for n in range(2000)]
    steps = [
        {user for user in users if gets_candidate(bucketing, "tickets", user, percent)}
        for percent in (0, 1, 5, 25, 50, 99, 100)
    ]
    assert all(before <= after for before, after in itertools.pairwise(steps))
    assert [len(step) / 2000 for step in steps] == pytest.approx([0, 0.01, 0.05, 0.25, 0.5, 0.99, 1], abs=0.03)
