"""The trends page of a year of 52 weeks and 30 labels, read by a parser that never saw our templates."""

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import html5lib
import pytest

from ratchet.core.pages.frame import Frame
from ratchet.workflows.history.page.charts import SECTIONS
from ratchet.workflows.history.page.rendering import SIZE_AT_MOST, render_trends

GAPS = ("\N{EN DASH}", "no data")


def draw(document: dict[str, Any]) -> str:
    """The page of a document."""
    return render_trends(document, Frame("../", "small", "trends"), lambda digest: f"2025-11-17 · {digest[:8]}")


@pytest.fixture(scope="module")
def page(document: dict[str, Any]) -> str:
    """The page of the year."""
    return draw(document)


def elements(page: str) -> Iterator[Any]:
    """Every element of a page."""
    return iter(html5lib.parse(page, namespaceHTMLElements=False).iter())


def find(document: Any, key: str) -> Any:
    """The value at a key; None for a label that a week does not have."""
    for part in map(unquote, key.split(".")):
        if document is not None:
            document = document[int(part)] if isinstance(document, list) else document.get(part)
    return document


def is_true(text: str, value: Any, rounding: str) -> bool:
    """True where a text is a value at its rounding; own arithmetic."""
    if value is None:
        return text in GAPS
    if rounding.startswith("text"):
        plain = re.sub(r"[^ -~]", "", str(value))
        shown = re.sub(r"[^ -~]", "", text)
        return shown == plain or ("…" in text and plain.startswith(shown) and len(text) <= int(rounding[4:]) + 1)
    number = text.replace(",", "").replace("\N{MINUS SIGN}", "-")
    number, unit = re.sub(r"\s*(%|s)$", "", number), 100 if rounding.startswith("%") else 1
    if rounding.startswith("~"):
        return float(number) == float(f"{value:.{rounding[1]}g}")
    decimals = int(rounding[-1])
    return len(number.partition(".")[2]) == decimals and abs(float(number) - unit * value) <= 0.5000001 * 10**-decimals


def test_every_number_of_the_page_is_that_of_the_json(page: str, document: dict[str, Any]) -> None:
    """All of them: figures of every week, of every label, of every gate, and the sentences."""
    rows = [
        (each.get("data-key"), "".join(each.itertext()), each.get("data-round") or "3")
        for each in elements(page)
        if each.get("data-key")
    ]
    assert len(rows) > 52 * (30 + 20)
    assert [row for row in rows if not is_true(row[1], find(document, row[0]), row[2])] == []
    shown = {key for key, _, _ in rows}
    for index, row in enumerate(document["weeks"]):
        assert {f"weeks.{index}.metrics.labels.{label}.f1" for label in row["metrics"]["labels"]} <= shown


def read_lines(page: str) -> Iterator[tuple[Any, list[float], dict[str, str]]]:
    """Each drawn figure: its element, the numbers of its scale, and the paths of its parts."""
    for svg in elements(page):
        if svg.get("data-scale"):
            scale = [float(part) for part in svg.get("data-scale").split()]
            for group in svg.iter():
                if group.get("data-series"):
                    yield group, scale, {each.get("class"): each.get("d") for each in group}


def test_every_drawn_point_lies_where_its_number_is(page: str, document: dict[str, Any]) -> None:
    """Points and ends of intervals, within a tenth of a pixel; a week without the figure has no point at all."""
    weeks, drawn = document["weeks"], 0
    days = [(date.fromisoformat(row["week"]) - date.fromisoformat(weeks[0]["week"])).days for row in weeks]
    intervals = {s.key: s.interval for section in SECTIONS for c in section.charts for s in c.series if s.interval}
    for group, (low, high, start, end), paths in read_lines(page):
        label, key = group.get("data-label"), group.get("data-series")
        values = [
            (row["metrics"]["labels"].get(label) or {}).get("f1") if label else row["metrics"][key] for row in weeks
        ]
        points = [tuple(map(float, each)) for each in re.findall(r"M([\d.]+) ([\d.]+)h0", paths["dots"])]
        known = [index for index, value in enumerate(values) if value is not None]
        assert len(points) == len(known), key
        for (x, y), index in zip(points, known, strict=True):
            place = start + (values[index] - low) / (high - low) * (end - start)
            assert abs(y - place) <= 0.06, (key, index)
            assert abs((x - points[0][0]) - (points[-1][0] - points[0][0]) * (days[index] - days[known[0]])
                       / (days[known[-1]] - days[known[0]])) <= 0.11  # fmt: skip
        starts = 1 + sum(later - earlier > 1 for earlier, later in pairwise(known))
        assert paths["way"].count("M") == starts, key
        if "ends" in paths:
            ends = [tuple(map(float, each)) for each in re.findall(r"M[\d.]+ ([\d.]+)V([\d.]+)", paths["ends"])]
            pairs = [row["metrics"][intervals[key]] for row in weeks if row["metrics"][intervals[key]] is not None]
            places = [[start + (each - low) / (high - low) * (end - start) for each in pair] for pair in pairs]
            assert all(
                abs(a - b) <= 0.06
                for found, true in zip(ends, places, strict=True)
                for a, b in zip(found, true, strict=True)
            )
        drawn += 1
    assert drawn >= 30 + 25


def test_a_year_of_thirty_labels_is_at_most_500_kb(page: str) -> None:
    """Of real weeks, not of a short example."""
    assert 200_000 < len(page.encode()) <= SIZE_AT_MOST == 500_000


def test_long_names_of_seventy_labels_still_make_a_page(document: dict[str, Any]) -> None:
    """Some labels are left to the command then, and the page says so."""
    many = copy.deepcopy(document)
    for row in many["weeks"]:
        found = row["metrics"]["labels"]
        row["metrics"]["labels"] = {
            f"{label} of a rather long name, number {n}": value for label, value in found.items() for n in range(3)
        }
    page = draw(many)
    assert len(page.encode()) <= SIZE_AT_MOST
    assert "The others are in" in page


def test_blocked_weeks_are_points_with_their_reason(page: str, document: dict[str, Any]) -> None:
    """In the first chart each has a cross, whose title is its week, gate and reason; promotions and rollbacks, too."""
    chart = next(each for each in elements(page) if each.get("class") == "chart")
    titles = [
        (mark.get("class"), "".join(mark.itertext())) for mark in chart.iter() if mark.get("class", "").startswith("m ")
    ]
    for row in document["weeks"]:
        mine = {kind.split()[1]: title for kind, title in titles if title.startswith(row["week"])}
        assert set(mine) == set(row["marks"])
        if row["verdict"] == "blocked":
            assert mine["blocked"] == f"{row['week']} blocked by {row['gate']}: {row['reason']}"
    rolled = [title for kind, title in titles if kind == "m rolled_back"]
    assert rolled
    assert all("users complained" in title for title in rolled)


def test_the_label_that_lost_most_comes_first(page: str, document: dict[str, Any]) -> None:
    """With its F1 and its change, which is against the mean of the eight weeks before that have it."""
    shown = [each for each in elements(page) if each.get("data-round") == "+3"]
    changes = [find(document, each.get("data-key")) for each in shown]
    assert changes == sorted(changes)
    assert len(changes) == 30
    last = document["weeks"][-1]["metrics"]["labels"]
    label = next(iter(last))
    before = [
        row["metrics"]["labels"][label]["f1"] for row in document["weeks"][:-1] if label in row["metrics"]["labels"]
    ]
    assert last[label]["change"] == pytest.approx(last[label]["f1"] - sum(before[-8:]) / 8)


def test_no_data_is_neither_zero_nor_good(document: dict[str, Any]) -> None:
    """A history that lost a figure draws no line for it; one never measured is named, or left out where optional."""
    poor = copy.deepcopy(document)
    for row in poor["weeks"]:
        row["metrics"] |= {"waiting": None, "test_ece": None, "golden_ece": None, "live_test_ece": None}
    page = draw(poor)
    drawn = {group.get("data-series") for group, _, _ in read_lines(page)}
    assert not drawn & {"waiting", "test_ece", "golden_ece"}
    assert page.count("No data: no week of this span has this figure.") == 1
    assert "Drift of texts" not in page
    for row in poor["weeks"]:
        row["metrics"]["text_drift"] = 0.25
    assert "Drift of texts" in draw(poor)


@pytest.mark.parametrize("weeks", [0, 1, 2])
def test_few_weeks_are_drawn_as_well(document: dict[str, Any], weeks: int) -> None:
    """None at all is a sentence; one is a point in the middle."""
    page = draw({**document, "weeks": document["weeks"][:weeks], "blocks": [], "gates": []})
    assert page.count('class="chart"') == (
        0 if weeks == 0 else page.count("<figure>") - page.count('class="empty">No data: no week')
    )


def fill(document: dict[str, Any], word: str) -> dict[str, Any]:
    """A document of eight weeks in which everything that people, data or files can say is `word`."""
    found: dict[str, Any] = json.loads(json.dumps({**document, "weeks": document["weeks"][:8]}))
    found |= {"sentence": word, "notes": [word]}
    for row in found["weeks"]:
        row |= {"reason": word, "gate": word}
        row["metrics"]["labels"] = {word: {"f1": 0.5, "f1_ci": None, "support": 3, "change": None}}
        for event in row["events"]:
            event |= {"reason": word, "by": word}
    for block in found["blocks"]:
        block |= {"reason": word, "gate": word, "fate_sentence": word}
    return found


def shape(page: str) -> list[tuple[str, list[str]]]:
    """Every element of a page with the names of its attributes."""
    return [(str(each.tag), sorted(map(str, each.keys()))) for each in elements(page)]


def test_nothing_that_people_write_can_run_or_fetch(document: dict[str, Any], payloads: list[str]) -> None:
    """Labels, reasons, gates and sentences: whoever writes them, the page has the elements of a harmless word."""
    harmless = shape(draw(fill(document, "word")))
    for payload in payloads:
        assert shape(draw(fill(document, payload))) == harmless, payload
