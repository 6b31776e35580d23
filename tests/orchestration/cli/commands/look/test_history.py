"""`ratchet history` on a home of nine weeks: a table, JSON and CSV of the same numbers."""

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.testing.year_of_weeks import write_year

ALL = ("--since", "2025-01-01")
ROOT = Path(__file__).parents[5]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Nine weeks of three labels, the seventh blocked; one label would be a formula in a spreadsheet."""
    found = Home(tmp_path_factory.mktemp("history") / "home")
    write_year(found, weeks=9, labels=3)
    path = found.report(Cycle("small", parse_week("2025-01-13"))) / "eval_report.json"
    path.write_text(path.read_text().replace('"label_01"', '"=HYPERLINK(1)"'))
    return found


def test_the_history_is_the_same_in_every_form(call: Any, home: Home) -> None:
    """Every number of the CSV is that of the JSON; the table shows each week; two forms at once are wrong usage."""
    words = ("--home", home.root, "history", "small", *ALL)
    document = json.loads(call(*words, "--json").out)
    rows = list(csv.DictReader(io.StringIO(call(*words, "--csv").out)))
    assert [row["week"] for row in rows] == [row["week"] for row in document["weeks"]]
    for flat, row in zip(rows, document["weeks"], strict=True):
        for name, value in row["metrics"].items():
            if name == "labels":
                shown = {label: flat[f"f1.{label}"] for label in value}
                assert {label: float(each) for label, each in shown.items()} == {
                    label: each["f1"] for label, each in value.items()
                }
            elif name.endswith("_ci"):
                ends = [flat[f"{name.removesuffix('_ci')}_{end}"] for end in ("low", "high")]
                assert [float(end) for end in ends if end] == (value or [])
            else:
                assert (float(flat[name]) if flat[name] else None) == value
        assert flat["marks"].split() == row["marks"]
    shown = call(*words)
    assert (shown.code, shown.err) == (0, "")
    assert all(row["week"] in shown.out for row in document["weeks"])
    assert "2025-02-17 blocked by label_agreement: annotators agree on 71.0%" in shown.out
    assert document["sentence"] in shown.out
    assert call(*words, "--csv", "--json").code == 64
    assert call("--home", home.root, "history", "small", "--since", "lately").code == 64


def test_no_cell_is_a_formula(call: Any, home: Home) -> None:
    """A label, a reason or a column that begins like one gets an apostrophe, or stands behind a prefix."""
    out = call("--home", home.root, "history", "small", *ALL, "--csv").out
    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
    assert "f1.=HYPERLINK(1)" in cells
    numbers = [cell for cell in cells if cell.startswith("-")]
    assert all(float(cell) < 0 for cell in numbers)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t"))]


def test_an_empty_span_and_an_unknown_classifier(call: Any, home: Home, tmp_path: Path) -> None:
    """The first says that no week ran; the second is one sentence with the nearest name."""
    empty = call("--home", home.root, "history", "small", "--since", "2999-01-01")
    assert (empty.code, empty.out) == (0, "No week has run since 2999-01-01.\n")
    assert call("--home", home.root, "history", "small", "--since", "2999-01-01", "--csv").out.startswith("week,")
    wrong = call("--home", home.root, "history", "smal")
    assert (wrong.code, wrong.out) == (1, "")
    assert "no classifier 'smal'" in wrong.err


def test_the_outputs_of_the_page_in_docs_are_those_of_the_commands(call: Any, tmp_path: Path) -> None:
    """Each command of "Read a year" is run on the home that the page makes, and prints what the page says."""
    page = (ROOT / "docs" / "how-to" / "read_a_year.md").read_text()
    (made,) = re.findall(r"^\$ python (-m .+)$", page, re.MULTILINE)
    subprocess.run([sys.executable, *made.split()], cwd=tmp_path, check=True)
    steps = re.findall(r"^\$ ratchet --home year (.+)\n((?:(?!\$|```).*\n)+)", page, re.MULTILINE)
    assert len(steps) == 2
    for words, printed in steps:
        assert call("--home", tmp_path / "year", *words.split()).out == printed


def test_every_key_of_the_history_is_documented(call: Any, home: Home) -> None:
    """The page of the document names the keys of the document, of a week, of an event's week and of every figure."""
    page = (ROOT / "docs" / "reference" / "history.md").read_text()
    document = json.loads(call("--home", home.root, "history", "small", *ALL, "--json").out)
    keys = {*document, *document["weeks"][0], *document["weeks"][0]["metrics"]} - {"schema"}
    assert {key for key in keys if f"`{key}`" not in page} == set()
