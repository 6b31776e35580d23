"""The rollout page as its reader meets it: the real application, asked over a socket by a real Chromium, rollback
included."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.settings import Settings
from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.decision import decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.advance import WeighedRollout, apply_decision, stop_or_resume

pytestmark = pytest.mark.slow

Enter = Callable[..., None]
EVIDENCE = Evidence(
    requests=1000, disagreements=60, labelled=80, only_incumbent=3, only_challenger=5, answered=100,
    incumbent_p95_ms=10.0, challenger_p95_ms=11.0,
)  # fmt: skip
SINCE = replace(EVIDENCE, requests=40, disagreements=3, labelled=9, answered=10)


@pytest.fixture
def address(home: Home, over_socket: Callable[[Settings], str]) -> str:
    """Where the application over the home answers."""
    return over_socket(Settings(home=home.root, open=True))


class Reader:
    """One browser window: its `page`, requests to any host but ours, and what the browser complained of."""

    def __init__(self, context: Any, address: str) -> None:
        self.elsewhere: list[str] = []
        self.problems: list[str] = []
        self.others: dict[str, str] = {}
        """Pages of other sites, by address: what this test says they hold."""

        def decide_on(route: Any) -> None:
            url = route.request.url
            if url.startswith(f"{address}/"):
                route.continue_()
            elif url in self.others:
                route.fulfill(body=self.others[url], content_type="text/html")
            else:
                self.elsewhere.append(url)
                route.abort()

        context.route("**/*", decide_on)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))


@pytest.fixture
def read(browser: Any, address: str) -> Iterator[Callable[..., Reader]]:
    """Open a window; keywords are Playwright's, such as `extra_http_headers`."""
    with ExitStack() as stack:

        def open_window(**options: Any) -> Reader:
            context = browser.new_context(**options)
            stack.callback(context.close)
            return Reader(context, address)

        yield open_window


@pytest.fixture
def stepping(home: Home, made: tuple[Home, list[str]], enter: Enter) -> tuple[str, str]:
    """The second adapter answers 25 % of users, and was weighed on too little evidence; the digests of live and
    candidate."""
    first, second = made[1]
    enter(second, "shadow")
    enter(second, "step", 25)
    state = Ledger(home).state("small")
    chosen = decide(state, PromotionPolicy(max_weeks=500), EVIDENCE, SINCE, datetime.now(UTC))
    apply_decision(home, "small", WeighedRollout(state, chosen))
    return first, second


@pytest.fixture
def key(home: Home, stepping: tuple[str, str]) -> str:
    """The secret of an admin key called `ops`, made before the application starts."""
    return Keys(home.keys).add("ops", ("admin",))


@pytest.mark.feature(22)
def test_a_person_reads_the_page_and_rolls_back(
    key: str, read: Callable[..., Reader], address: str, home: Home, stepping: tuple[str, str]
) -> None:
    """State, ladder, tiles and history from the DOM; one press changes ledger, flag, page and who answers."""
    first, second = stepping
    reader = read(extra_http_headers={"Authorization": f"Bearer {key}"})
    page = reader.page
    assert page.goto(f"{address}/rollout/small").status == 200
    assert page.locator("#state-word").inner_text() == "Held: not enough evidence"
    assert page.locator("h1").inner_text().startswith("Held: 40 of 50 compared requests since the last move")
    rungs = zip(page.locator(".rung").all_inner_texts(), page.locator(".place").all_inner_texts(), strict=True)
    assert list(rungs) == [
        ("Shadow", "done"), ("5 %", "skipped"), ("25 %", "now"), ("50 %", "ahead"), ("100 %", "ahead"), ("Released",
        "ahead"),
    ]  # fmt: skip
    tiles = {tile.locator("h3").inner_text(): tile for tile in page.locator(".guard").all()}
    assert list(tiles) == ["Accuracy", "Disagreement", "Errors", "Latency"]
    assert tiles["Disagreement"].locator(".figure").inner_text() == "6.0\xa0%"
    assert tiles["Disagreement"].locator(".interval").inner_text() == "4.6 to 7.7\xa0%"
    assert tiles["Disagreement"].locator(".limit-text").inner_text() == "at most 25.0\xa0%"
    assert page.locator(".history .did").all_inner_texts() == ["step 25 %", "shadow", "promote"]
    page.get_by_label("Reason").fill("wrong on refunds <b>&")
    page.get_by_role("button", name="Roll back now").click()
    assert page.url == f"{address}/rollout/small"
    assert page.locator("#state-word").inner_text() == "Rolled back"
    assert page.locator("h1").inner_text() == "Rolled back: wrong on refunds <b>&"
    assert page.locator(".history .did").first.inner_text() == "rollback"
    assert page.locator(".history .who").first.inner_text() == "key ops"
    assert page.locator(".rolled-back .rung").inner_text() == "25 %"
    assert page.get_by_role("button", name="Roll back now").count() == 0
    newest = Ledger(home).entries("small")[-1]
    assert (newest.action, newest.adapter, newest.previous_adapter, newest.actor) == (
        "rollback",
        first,
        second,
        "key ops",
    )
    assert Flags(home).read().rollouts["small"].adapters == {"live": first}
    assert (reader.elsewhere, reader.problems) == ([], [])


def test_a_window_left_open_rolls_back_nothing(
    stepping: tuple[str, str], read: Callable[..., Reader], address: str, home: Home, enter: Enter
) -> None:
    """A second reader decided meanwhile: the first is told, and sees what is now."""
    first, late = read(), read()
    for reader in (first, late):
        reader.page.goto(f"{address}/rollout/small")
        reader.page.get_by_label("Reason").fill("worse")
    first.page.get_by_role("button", name="Roll back now").click()
    with late.page.expect_response("**/rollback") as found:
        late.page.get_by_role("button", name="Roll back now").click()
    assert found.value.status == 409
    assert late.page.get_by_role("alert").inner_text().startswith("Someone decided meanwhile.")
    assert late.page.locator("#state-word").inner_text() == "Rolled back"
    assert len(Ledger(home).entries("small")) == 4


def test_the_page_refreshes_itself_unless_somebody_types(
    read: Callable[..., Reader], address: str, home: Home, stepping: tuple[str, str]
) -> None:
    """What others decide appears without a reload; while a reason stands in its field, nothing moves under it."""
    reader = read()
    page = reader.page
    page.goto(f"{address}/rollout/small")
    stop_or_resume(home, "small", "wait for Monday")
    page.wait_for_selector("#state-word:has-text('Held')", timeout=20_000)
    page.wait_for_selector("text=wait for Monday", timeout=20_000)
    page.get_by_label("Reason").fill("I think that")
    stop_or_resume(home, "small", "go on", lift=True)
    # another window, opened later, has refreshed itself by then: so would this one have, were nothing typed
    other = read().page
    other.goto(f"{address}/rollout/small")
    stop_or_resume(home, "small", "hold again")
    other.wait_for_selector("text=hold again", timeout=20_000)
    assert page.get_by_text("go on").count() == 0
    page.get_by_label("Reason").fill("")
    page.locator("h1").click()
    page.wait_for_selector("text=hold again", timeout=20_000)
    assert reader.problems == []


def test_another_site_cannot_press_the_button(
    key: str, read: Callable[..., Reader], address: str, home: Home, stepping: tuple[str, str]
) -> None:
    """With a stolen form and a browser that is logged in: the browser tells where it comes from."""
    reader = read(extra_http_headers={"Authorization": f"Bearer {key}"})
    reader.page.goto(f"{address}/rollout/small")
    stolen = reader.page.locator("form").inner_html()
    action = f"{address}/rollout/small/rollback"
    reader.others["http://evil.test/"] = f"<form method=post action='{action}'>{stolen}</form>"
    reader.page.goto("http://evil.test/")
    reader.page.get_by_label("Reason").fill("worse")
    with reader.page.expect_response(action) as found:
        reader.page.evaluate("document.querySelector('form').submit()")
    assert found.value.status == 403
    assert len(Ledger(home).entries("small")) == 3


def test_the_page_cannot_be_framed(stepping: tuple[str, str], read: Callable[..., Reader], address: str) -> None:
    """Nobody, not even this host, can lay our button under a click of its own; another answer can be framed."""
    page = read().page
    page.goto(f"{address}/healthz")
    page.set_content(f"<iframe src='{address}/healthz'></iframe><iframe src='{address}/rollout/small'></iframe>")
    assert [frame.url for frame in page.frames[1:]] == [f"{address}/healthz", "chrome-error://chromewebdata/"]
