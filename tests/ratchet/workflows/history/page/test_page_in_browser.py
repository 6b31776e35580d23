"""The trends page of a year in a real Chromium: nothing fetched, nothing wrong, readable by all, at every width."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.pages.frame import Frame
from ratchet.workflows.history.page.rendering import render_trends

pytestmark = pytest.mark.slow

AXE = Path(sys.prefix) / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run(document)).violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).slice(0, 3).join(', '))"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """() => [...document.querySelectorAll('table, svg, figure')].filter(each => each.checkVisibility())
  .map(each => each.getBoundingClientRect()).filter(box => box.right > innerWidth + 1).length"""


@pytest.fixture(scope="module")
def file(document: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "trends.html"
    path.write_text(
        render_trends(document, Frame("../", "small", "trends"), lambda digest: f"2025-11-17 · {digest[:8]}"),
        encoding="utf-8",
    )
    return path


@pytest.fixture
def problems() -> list[str]:
    """What the browser fetched or complained of."""
    return []


@pytest.fixture
def page(browser: Any, file: Path, problems: list[str]) -> Iterator[Any]:
    """The page in a window."""
    context = browser.new_context()
    shown = context.new_page()
    shown.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
    shown.on("pageerror", lambda error: problems.append(f"error: {error}"))
    shown.on("request", lambda request: problems.append(request.url) if request.url != file.as_uri() else None)
    shown.goto(file.as_uri())
    yield shown
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(
    page: Any, scheme: str, problems: list[str], find_faint: Callable[[Any], dict[str, float]]
) -> None:
    """axe-core has no serious finding, no text is faint, nothing is fetched and the console is empty."""
    page.emulate_media(color_scheme=scheme)
    assert find_faint(page) == {}
    assert problems == []
    if not AXE.exists():
        pytest.skip("no axe-core: make setup-javascript")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(SERIOUS) == []


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_nothing_is_wider_than_the_window(page: Any, width: int) -> None:
    """On a telephone wide tables scroll by themselves; charts are never cut."""
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate(WIDER) == 0
    boxes = [svg.bounding_box() for svg in page.query_selector_all("svg.chart")]
    assert boxes
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)


def test_it_prints_on_a4_without_a_cut_table(page: Any) -> None:
    """Nothing is wider than the sheet, the table of weeks with all its columns included."""
    page.set_viewport_size({"width": 718, "height": 1020})  # A4 less margins of 1 cm, in CSS pixels
    page.emulate_media(media="print")
    assert page.evaluate(WIDER) == 0
    assert page.evaluate(CUT) == 0
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_blocked_week_says_its_reason_where_one_points(page: Any, document: dict[str, Any]) -> None:
    """The cross of the chart of quality has a title, and the week's row in the table stands at its own anchor."""
    row = next(row for row in document["weeks"] if row["verdict"] == "blocked")
    cross = page.locator("#quality svg.chart").first.locator("path.m.blocked").first
    assert cross.locator("title").text_content() == f"{row['week']} blocked by {row['gate']}: {row['reason']}"
    page.goto(f"{page.url}#week-{row['week']}")
    assert page.locator(f"#week-{row['week']}").is_visible()
    assert row["reason"] in page.locator(f"#week-{row['week']}").text_content()
