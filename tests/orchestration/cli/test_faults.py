"""What whole cycles leave: no secret, no text of a person outside its stores; and nothing of Dagster is needed for the
next."""

import json
import random
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("cli_cycle"), pytest.mark.slow]

SECRETS = {
    f"{name}_TOKEN": f"rk_canary-{name}-b7Qm2xLw9"
    for name in ("HF", "OPENAI", "AWS", "GITHUB", "RATCHET", "SLACK", "DB", "LS")
}
PERSONS = tuple(f"Zyxwine Canary{number:03d}" for number in range(200))
TEXTS_MAY_LIE = ("production_logs", "corrections", "rejected", "tables", "journal", "feedback", "pairs", "training")
"""Folders of a classifier that hold texts on purpose, beside the warehouse. A training keeps its input; it is
expendable."""


@pytest.fixture(scope="module")
def lived(made_home: Path, execute: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home after two weeks of texts that name persons, with secrets in the environment; Dagster's home was lost in
    between."""
    files = SmallClassifier(Home(tmp_path_factory.mktemp("files")))
    files.write()
    root, said = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("lived") / "home")), ""
    spec = root / "tickets" / "classifier.toml"
    head, _, probe = spec.read_text().split("\n[[candidate]]")
    spec.write_text(f"{head}\n[[candidate]]{probe}")
    draw = random.Random(5)  # noqa: S311 - test data, guards nothing

    def name_persons(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
        for row in logs:
            row["text"] += f" says {draw.choice(PERSONS)}"

    for week in (date(2026, 1, 5), date(2026, 1, 12)):
        files.write_week(week, name_persons)
        logs, corrections = (
            files.home.landing("small", kind) / f"{week}.jsonl" for kind in ("production_logs", "corrections")
        )
        for words in (
            ("ingest", "tickets", "--logs", logs, "--corrections", corrections),
            ("cycle", "tickets", "--week", str(week)),
            ("ingest", "tickets", "--logs", root / "missing.jsonl"),
            ("cycle", "tickets", "--week", "2031-01-06"),
            ("predict", "tickets", "--adapter", "ffff", "--input", root / "none", "--output", root / "out"),
        ):
            done = execute("--home", root, *words, **SECRETS)
            said += f"{words[0]} {done.code}\n{done.out}\n{done.err}\n"
        shutil.copytree(root / "dagster", root / "dagster-of" / str(week))
        shutil.rmtree(root / "dagster")
    return root, said


def leaks(words: tuple[str, ...], root: Path, passed_over: Callable[[Path], bool] = lambda path: False) -> set[str]:
    """Files below a folder, relative to it, in which one of the words occurs."""
    found = set()
    for path in root.rglob("*"):
        if path.is_file() and not passed_over(path.relative_to(root)):
            content = path.read_bytes()
            found |= {str(path.relative_to(root)) for word in words if word.encode() in content}
    return found


def test_no_secret_of_the_environment_is_written_down(lived: tuple[Path, str]) -> None:
    """T22: neither below the home, Dagster's included, nor on the terminal; not after errors either."""
    root, said = lived
    assert leaks(tuple(SECRETS.values()), root) == set()
    assert not [secret for secret in SECRETS.values() if secret in said]
    (root / "planted").write_text(next(iter(SECRETS.values())))
    assert leaks(tuple(SECRETS.values()), root) == {"planted"}
    (root / "planted").unlink()


def test_no_text_of_a_person_leaves_its_stores(lived: tuple[Path, str]) -> None:
    """T23: 200 persons in the texts of two weeks; reports, receipts, adapters, logs and Dagster's home name none of
    them."""
    root, said = lived

    def holds_texts(path: Path) -> bool:
        return path.parts[0] == "tickets" and (
            path.name.startswith("warehouse.duckdb") or path.parts[1] in TEXTS_MAY_LIE
        )

    assert len(leaks(PERSONS, root)) > 0
    assert leaks(PERSONS, root, holds_texts) == set()
    assert not [person for person in PERSONS if person in said]


def test_the_next_week_needs_nothing_of_dagster(lived: tuple[Path, str]) -> None:
    """F36: DAGSTER_HOME was removed after the first week; the second cycle passed like the first."""
    root, said = lived
    assert said.count("cycle 0\n") == 2, said
    for week in ("2026-01-05", "2026-01-12"):
        document = json.loads((root / "tickets" / "reports" / week / "eval_report.json").read_bytes())
        assert all(check["passed"] for check in document["checks"].values())
