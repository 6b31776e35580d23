"""The page as a reader meets it: in a real Chromium, with every request to anywhere refused and counted."""

import re
from pathlib import Path

import pytest

from ratchet.evaluation.report.formatting import make_slug
from ratchet.evaluation.report.page import render_report

pytestmark = pytest.mark.slow

FIGURES = """nodes => nodes.map(n =>
  ({key: n.dataset.key, round: n.dataset.round, of: n.dataset.of || '', text: n.textContent}))"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory, usual, first, many, rename, payloads) -> dict[str, Path]:
    """The documents as files, among them one whose every string is hostile."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = rename(many, lambda i: payloads[i % len(payloads)] + " " * (i // len(payloads)))
    for name, document in (("usual", usual), ("first", first), ("many", many), ("hostile", hostile)):
        (folder / f"{name}.html").write_text(render_report(document), encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["usual", "first", "many", "hostile"])
@pytest.mark.feature(14)
def test_the_page_asks_for_nothing_and_complains_of_nothing(name, pages, visit):
    """No request, no console message, no dialog, no script, even with hostile text everywhere."""
    seen = visit(pages[name])
    assert (seen.requests, seen.problems) == ([], [])
    assert seen.page.locator("script").count() == 0


def test_a_page_that_asks_for_something_is_noticed(tmp_path, visit):
    """The watch itself can fail: a picture from elsewhere and a script are both seen."""
    page = tmp_path / "careless.html"
    page.write_text("<img src=https://elsewhere.test/x.png><script>alert(1)</script>")
    seen = visit(page)
    seen.page.wait_for_load_state("load")
    assert seen.requests == ["https://elsewhere.test/x.png"]
    assert "dialog: 1" in seen.problems


@pytest.mark.parametrize("name", ["usual", "first", "many"])
@pytest.mark.feature(15)
def test_every_figure_as_drawn_equals_the_document(name, pages, visit, request, find_lies):
    """The text that the browser holds, key by key."""
    figures = visit(pages[name]).page.eval_on_selector_all("[data-key]", FIGURES)
    assert len(figures) > 300
    assert find_lies(figures, request.getfixturevalue(name)) == []


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
@pytest.mark.feature(19)
def test_the_verdict_is_in_the_first_viewport(size, pages, usual, visit):
    """Word and sentence are read without scrolling, on a desk and on a phone."""
    page = visit(pages["usual"], viewport={"width": size[0], "height": size[1]}).page
    title = page.locator("#verdict-title")
    assert title.inner_text() == usual["verdict"]["sentence"]
    box = title.bounding_box()
    assert box["y"] + box["height"] < 700
    assert page.locator(".pill").inner_text() == "✓ passed"


@pytest.mark.parametrize("name", ["usual", "many", "hostile"])
def test_a_phone_needs_no_sideways_scrolling(name, pages, visit):
    """Wide tables scroll in their own frame, the page does not."""
    page = visit(pages[name], viewport={"width": 390, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.feature(16)
def test_reliability_points_lie_where_the_bins_say(side, pages, usual, visit):
    """Places recomputed from the JSON and the scale that the drawing states; whiskers and bars too."""
    page = visit(pages["usual"]).page
    drawing = page.locator(f"svg.reliability[data-side={side}]")
    x, y = ([float(v) for v in drawing.get_attribute(f"data-{axis}").split()] for axis in "xy")
    bins = usual["metrics"]["test"]["reliability"][side]

    def place(value, scale):
        low, high, start, end = scale
        return pytest.approx(start + (value - low) / (high - low) * (end - start), abs=0.011)

    points = drawing.locator("circle.point").all()
    assert len(points) == len(bins) == usual["metrics"]["test"]["ece_bins"]
    assert x[:2] == y[:2]
    for point, whisker, bar, b in zip(
        points, drawing.locator("g .whisker").all(), drawing.locator(".bar").all(), bins, strict=True
    ):
        assert float(point.get_attribute("cx")) == place(b["confidence"], x)
        assert float(point.get_attribute("cy")) == place(b["accuracy"], y)
        low, high = re.match(r"M[\d.]+ ([\d.]+)V([\d.]+)", whisker.get_attribute("d")).groups()
        assert (float(low), float(high)) == (place(b["low"], y), place(b["high"], y))
        assert float(bar.get_attribute("height")) == pytest.approx(
            34 * b["count"] / max(o["count"] for o in bins), abs=0.01
        )
    assert f"ECE {usual['metrics']['test']['ece_raw' if side == 'before' else 'ece']:.3f}" in drawing.get_attribute(
        "aria-label"
    )


@pytest.mark.feature(18)
def test_the_kept_epoch_is_marked(pages, usual, visit):
    """The ring and the line stand over `selected_epoch`, which is not the last epoch of the first candidate."""
    page = visit(pages["usual"]).page
    for index, candidate in enumerate(usual["candidates"]):
        drawing = page.locator(f"svg.curves[data-candidate='{index}']")
        if not candidate["epochs"]:
            assert drawing.count() == 0
            continue
        low, high, start, end = (float(v) for v in drawing.get_attribute("data-x").split())
        x = start + (candidate["selected_epoch"] - low) / (high - low) * (end - start)
        assert float(drawing.locator(".ring").get_attribute("cx")) == pytest.approx(x, abs=0.011)
        assert float(re.match(r"M([\d.]+)", drawing.locator(".chosen").get_attribute("d"))[1]) == pytest.approx(
            x, abs=0.011
        )
        assert f"kept: epoch {candidate['selected_epoch']}" in drawing.locator(".kept").text_content()
    assert usual["candidates"][0]["selected_epoch"] < usual["candidates"][0]["epochs"][-1]["epoch"]


@pytest.mark.feature(17)
def test_confusion_rows_sum_to_the_support(pages, usual, visit):
    """Whatever the order of the rows, none of their items is lost."""
    rows = visit(pages["usual"]).page.locator("table.confusion[data-split=test] tbody tr").all()
    assert len(rows) == len(usual["labels"])
    for row in rows:
        label = row.locator("th").inner_text()
        counts = [int(text) for text in row.locator("td b").all_inner_texts()]
        assert sum(counts) == usual["metrics"]["test"]["per_class"][label]["support"]


def test_a_confused_cell_leads_to_its_texts(pages, usual, visit):
    """A click on a count opens the list of that very pair."""
    page = visit(pages["usual"]).page
    cell = page.locator("table.confusion[data-split=test] td.miss a").first
    cell.click()
    shown = page.locator(cell.get_attribute("href"))
    assert shown.is_visible()
    texts = shown.locator("li").all_inner_texts()
    label, predicted = re.match(
        r"(\S+)\s+predicted as\s+(\S+)", shown.locator("xpath=..").locator("summary").inner_text()
    ).groups()
    errors = [
        e for e in usual["worst_errors"] if (e["split"], e["label"], e["predicted"]) == ("test", label, predicted)
    ]
    assert texts == [error["text"] for error in errors] != []


@pytest.mark.parametrize("name", ["usual", "hostile"])
@pytest.mark.feature(20)
def test_anchors_lead_to_what_they_name(name, pages, visit, usual):
    """Sections and labels can be linked to, from a ledger or from Dagster."""
    sections = [
        "figures",
        "data",
        "reliability",
        "confusion",
        "labels",
        "curves",
        "sweep",
        "errors",
        "checks",
        "reproduce",
    ]
    labels = [f"label-{make_slug(label)}" for label in usual["labels"]] if name == "usual" else []
    page = visit(pages[name], "#confusion").page
    assert -2 <= page.locator("#confusion").bounding_box()["y"] < 720
    for anchor in sections + labels:
        page.evaluate(f"location.hash = '{anchor}'")
        box = page.locator(f"[id='{anchor}']").bounding_box()
        assert -2 <= box["y"] < 720, anchor


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["usual", "first", "many"])
@pytest.mark.feature(14)
def test_text_is_readable_in_both_schemes(name, scheme, pages, visit, find_faint):
    """Contrast of every visible text to what lies behind it is at least 4.5."""
    seen = visit(pages[name], color_scheme=scheme)
    seen.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert find_faint(seen.page) == {}
    dark = seen.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


@pytest.mark.parametrize("name", ["usual", "many"])
@pytest.mark.feature(14)
def test_it_prints_on_a4(name, pages, visit, find_faint):
    """Light even where the screen is dark, nothing wider than the sheet, and closed lists are printed too."""
    page = visit(pages[name], color_scheme="dark", viewport={"width": 688, "height": 972}).page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 688
    assert page.locator("details.texts li").first.bounding_box()["height"] > 0
    assert find_faint(page) == {}
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
