"""All pages as a visitor meets them: a crawl from the root in a real Chromium, and three people who look for an answer.

`make pages` runs this and keeps the screenshots in `pages/`.
"""

import os
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urlsplit

import pytest

from gateway.settings import Settings
from ratchet.core.cycle import Cycle
from ratchet.core.files import write_json
from ratchet.storage.home import Home
from ratchet.storage.reports import TEST_ERRORS, Reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import write_past_week

pytestmark = pytest.mark.slow

Enter = Callable[..., None]
AXE = Path(sys.prefix) / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async () => (await axe.run(document)).violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).slice(0, 3).join(', '))"""
LINKS = "() => [...document.querySelectorAll('a[href]')].map(each => each.href)"
TOO_WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
KEPT = os.environ.get("RATCHET_PAGES", "")
"""Folder for screenshots; empty to keep none."""
ASIDE = ("/manual", "/why/", "/docs")
"""Pages aside from the two clicks: of these only the first is opened."""
DATA = (".json", ".csv", "overview")
BLOCKED, NEWEST = "2026-02-16", "2026-02-23"


@pytest.fixture
def address(
    home: Home, made: tuple[Home, list[str]], enter: Enter, over_socket: Callable[[Settings], str], tmp_path: Path
) -> str:
    """A gateway over a home with eight weeks, the last but one blocked by its labels, and a candidate that shadows."""
    example = make_example(("amber", "green", "violet"), n=90)
    for number in range(8):
        cycle = Cycle("small", date(2026, 1, 5) + timedelta(weeks=number))
        gate = "label_agreement" if str(cycle.week) == BLOCKED else ""
        write_past_week(home, cycle, example, number, blocked_by=gate)
    row = {"text": "a text", "served": "amber", "labels": ["amber", "green"]}
    rows = [{"request_id": f"rq-{number}", **row} for number in range(3)]
    Reports(home).write_blocked_rows(Cycle("small", date.fromisoformat(BLOCKED)), "label_agreement", rows)
    newest = Cycle("small", date.fromisoformat(NEWEST))
    error = {"item": "rq-9", "text": "a text", "label": "amber", "predicted": "green", "confidence": 0.9}
    write_json(home.report(newest) / TEST_ERRORS, {"adapter": Reports(home).read(newest)["adapter"], "rows": [error]})
    enter(made[1][1], "shadow")
    return over_socket(Settings(home=home.root, open=True, manual=tmp_path / "none"))


class Visitor:
    """One window: what it loaded from elsewhere, and what the browser complained of."""

    def __init__(self, context: Any, address: str) -> None:
        self.address, self.elsewhere, self.problems = address, list[str](), list[str]()
        self.page = context.new_page()
        self.page.on("console", lambda message: self.problems.append(f"{self.page.url}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"{self.page.url}: {error}"))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith((f"{self.address}/", "data:", "blob:")):
            self.elsewhere.append(url)

    def keep(self, name: str) -> None:
        """Keep a screenshot, where they are kept."""
        if KEPT:
            Path(KEPT).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{KEPT}/{name}.png", full_page=True)


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Callable[..., Visitor]]:
    """Open windows; keywords are Playwright's."""
    opened = []

    def open_window(**options: Any) -> Visitor:
        opened.append(browser.new_context(**options))
        return Visitor(opened[-1], address)

    yield open_window
    for context in opened:
        context.close()


def test_a_crawl_finds_every_page_and_nothing_dead(visit: Callable[..., Visitor], address: str) -> None:
    """From the root: all pages within two clicks, no dead link, no error of the browser, no request to elsewhere."""
    visitor = visit()
    clicks, waiting, dead = {f"{address}/": 0}, [f"{address}/"], []
    while waiting:
        url = waiting.pop(0)
        found = visitor.page.goto(url)
        if found.status != 200 and not urlsplit(url).path.startswith(("/manual", "/why/")):  # not built, not real
            dead.append((url, found.status))
        if urlsplit(url).path.startswith(ASIDE) or clicks[url] == 3:
            continue
        for link in visitor.page.evaluate(LINKS):
            plain = urldefrag(link).url
            if plain.startswith(f"{address}/") and plain not in clicks and not plain.endswith(DATA):
                clicks[plain] = clicks[url] + 1
                waiting.append(plain)
    paths = {urlsplit(url).path: count for url, count in clicks.items()}
    assert dead == []
    near = {path for path, count in paths.items() if count <= 2}
    weeks = {f"/reports/small/{date(2026, 1, 5) + timedelta(weeks=number)}" for number in range(8)}
    pages = {"/", "/reports/small", "/rollout/small", "/trends/small", "/review", "/review/small", "/docs"}
    assert near >= pages | weeks
    assert f"/reports/small/{NEWEST}/cells" in paths
    assert visitor.elsewhere == []
    assert [each for each in visitor.problems if "/manual" not in each and "404" not in each] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_every_page_can_be_read(visit: Callable[..., Visitor], address: str, scheme: str, width: int) -> None:
    """axe-core finds nothing serious, and nothing is wider than the screen, light and dark, on a telephone too."""
    if not AXE.exists():
        pytest.skip("no axe-core: make setup-javascript")
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    found = {}
    ways = (
        "", "reports/small", f"reports/small/{NEWEST}", f"reports/small/{BLOCKED}",
        f"reports/small/{NEWEST}/cells?label=amber&predicted=green", "rollout/small", "trends/small", "review",
        "review/small", "login", "manual/", "why/none",
    )  # fmt: skip
    for way in ways:
        visitor.page.goto(f"{address}/{way}")
        visitor.keep(f"{way.partition('?')[0].replace('/', '_') or 'home'}_{scheme}_{width}")
        visitor.page.evaluate(AXE.read_text(encoding="utf-8"))
        serious, too_wide = visitor.page.evaluate(SERIOUS), visitor.page.evaluate(TOO_WIDE)
        if serious or too_wide > 0:
            found[way] = serious, too_wide
    assert found == {}


def test_a_support_lead_finds_why_a_week_did_not_go_live(visit: Callable[..., Visitor], address: str) -> None:
    """Two clicks: the list of weeks, the week that was blocked; the reason, the rows, and what to do."""
    visitor = visit()
    page = visitor.page
    page.goto(f"{address}/")
    page.get_by_role("link", name="Trends").first.click()
    page.get_by_role("link", name=BLOCKED).first.click()
    assert page.url == f"{address}/reports/small/{BLOCKED}"
    assert page.get_by_role("heading", level=1).inner_text().lower().startswith("annotators agree on 71.0%")
    assert page.get_by_text(f"ratchet cycle small --week {BLOCKED}").count() == 1
    assert page.get_by_role("rowheader", name="rq-0").count() == 1
    visitor.keep("persona_support_lead")


def test_an_engineer_on_call_finds_what_is_live_and_rolls_back(
    visit: Callable[..., Visitor], address: str, home: Home
) -> None:
    """The card says what is live; one click to the rollout, and the button with its reason."""
    visitor = visit()
    page = visitor.page
    page.goto(f"{address}/")
    assert page.get_by_text("week 2026-01-05").count() == 1
    page.get_by_role("link", name="Rollout").first.click()
    page.get_by_label("Reason").first.fill("complaints")
    visitor.keep("persona_on_call")
    page.get_by_role("button", name="Roll back now").click()
    page.wait_for_selector("text=Rolled back")
    assert Ledger(home).state("small").challenger is None


def test_whoever_wants_the_trend_of_a_year_finds_it(visit: Callable[..., Visitor], address: str) -> None:
    """One click: macro-F1 over the weeks, with the week that was blocked among them."""
    visitor = visit()
    page = visitor.page
    page.goto(f"{address}/")
    page.get_by_role("link", name="Trends").first.click()
    assert page.url == f"{address}/trends/small"
    assert page.locator("svg[role=img]").count() > 3
    assert page.get_by_text("label_agreement").count() > 0
    visitor.keep("persona_trend")
