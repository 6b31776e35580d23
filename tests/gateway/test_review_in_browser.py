"""The review page as people meet it: the real application, asked over a socket by a real Chromium, by keys alone."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import pytest

from gateway.settings import Settings
from ratchet.review.item import QueuedRequest
from ratchet.review.label_keys import LABEL_KEYS
from ratchet.review.reasons import LOW_CONFIDENCE
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind, read_journal
from ratchet.storage.keys.api_keys import Keys
from ratchet.workflows.review.enqueue import enqueue

pytestmark = pytest.mark.slow

AXE = Path(sys.prefix) / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
KEY_MS = 50
WATCH = """() => {
  window.times = []; window.alive = 0; let at = 0;
  document.addEventListener('keydown', () => { at = performance.now(); }, true);
  new MutationObserver(() => { if (at) { window.times.push(performance.now() - at); at = 0; } })
    .observe(document.querySelector('main'), {childList: true});
}"""
SERIOUS = """async () => (await axe.run(document)).violations
  .filter(each => ['serious', 'critical'].includes(each.impact))
  .map(each => each.id + ': ' + each.nodes.map(node => node.target.join(' ')).slice(0, 3).join(', '))"""


def stored(home: Home) -> list[dict[str, Any]]:
    """The corrections in the gateway's journal, in their order."""
    journals = left_behind(home.journal("small", "corrections"))
    return [row for path in journals for row in read_journal(path)[0]]


def put(home: Home, texts: list[str]) -> None:
    """Queue texts."""
    now = datetime.now(UTC)
    items = [QueuedRequest(f"r{n}", LOW_CONFIDENCE, now, text) for n, text in enumerate(texts)]
    enqueue(home, "small", items, writer="commands")


class Desk:
    """One browser window: its `page`, requests to any host but ours, and what the browser complained of."""

    def __init__(self, context: Any, address: str) -> None:
        self.elsewhere: list[str] = []
        self.problems: list[str] = []
        self.address = address
        context.route("**/*", self._decide)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))

    def _decide(self, route: Any) -> None:
        if route.request.url.startswith(f"{self.address}/"):
            route.continue_()
        else:
            self.elsewhere.append(route.request.url)
            route.abort()

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def answer(self, key: str) -> None:
        """Press a key that brings the next page, and wait for that."""
        old = self.page.locator("#desk").element_handle()
        self.page.keyboard.press(key)
        self.page.wait_for_function("old => !old.isConnected", arg=old)

    def log_in(self, secret: str) -> None:
        """Type the key into the login that is open, and press Enter."""
        self.page.wait_for_function("document.activeElement.id === 'key'")
        self.page.keyboard.type(secret)
        self.page.keyboard.press("Enter")

    @property
    def place(self) -> str:
        """The heading: `17 of 62`, or what there is in its place."""
        return str(self.page.locator("#place").inner_text())


@pytest.fixture
def open_desk(home: Home, browser: Any, over_socket: Callable[[Settings], str]) -> Iterator[Callable[..., Desk]]:
    """Start the gateway and open a window; keywords are Playwright's."""
    with ExitStack() as stack:
        addresses: list[str] = []

        def open_window(**options: Any) -> Desk:
            addresses or addresses.append(over_socket(Settings(home=home.root, ballast_bytes=0)))
            context = browser.new_context(**options)
            stack.callback(context.close)
            return Desk(context, addresses[0])

        yield open_window


@pytest.mark.feature(26)
def test_a_complaint_is_answered_by_keyboard_alone(home: Home, open_desk: Callable[..., Desk]) -> None:
    """A user says that an answer is wrong; ann logs in, reads the request, writes a note, labels it, undoes, labels it
    anew, sees the result and logs out. No mouse, no request elsewhere, nothing in the console."""
    keys = Keys(home.keys)
    app, ann = keys.add("app", ("classify", "feedback")), keys.add("ann", ("review",))
    desk = open_desk()
    page = desk.page
    with httpx.Client(base_url=desk.address, headers={"Authorization": f"Bearer {app}"}) as client:
        given = client.post("/v1/classifiers/small", json={"text": "my card was <b>charged</b> twice"}).json()
        body = {"classifier": "small", "request_id": given["request_id"], "verdict": "wrong"}
        assert client.post("/v1/feedback", json=body).status_code == 202
    queue_log = home.review("small")
    until = time.monotonic() + 60  # an annotator has it within a minute
    while not any(given["request_id"] in path.read_text() for path in queue_log.glob("gateway-*.jsonl")):
        assert time.monotonic() < until
        threading.Event().wait(0.01)
    page.goto(f"{desk.address}/review/small")
    desk.log_in(ann)
    page.wait_for_selector("text=What waits for review")
    assert "a user says the answer is wrong" in page.locator("table").inner_text()
    page.get_by_role("link", name="Start reviewing").focus()
    desk.press("Enter")
    page.wait_for_selector("#text")
    assert desk.place.endswith(" of 1")
    assert page.locator("#text").inner_text() == "my card was <b>charged</b> twice"
    assert page.evaluate("document.activeElement.id") == "text"
    desk.press("?")
    assert page.locator("#help").get_attribute("open") is not None
    desk.press("?", "n")
    page.keyboard.type("charged 2 times")
    desk.press("Escape")
    desk.answer("2")
    assert desk.place == "Batch done"
    assert "1 answered." in page.locator("#result").inner_text()
    desk.answer("u")
    assert page.locator("#text").is_visible()
    desk.answer("1")
    rows = [(row["label"], row["note"], row["annotator"], row["saw_prediction"]) for row in stored(home)]
    assert rows == [("green", "charged 2 times", "ann", False), ("amber", None, "ann", False)]
    page.get_by_role("button", name="Log out").focus()
    desk.press("Enter")
    page.wait_for_selector("#key")
    assert page.goto(f"{desk.address}/review/small/next").status == 401
    assert desk.elsewhere == []
    assert [each for each in desk.problems if "401" not in each] == []


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.faults)])
def test_thirty_labels_on_a_phone_and_many_keys(
    count: int, home: Home, open_desk: Callable[..., Desk], payloads: list[str]
) -> None:
    """T09 with hostile texts, labels and people: none is alive, each is shown as text. Every label has its key and fits
    390 px; each keystroke gives one row and the next item, in less than 50 ms unless the machine is busy."""
    spec = home.spec("small")
    more = [f"label {n:02} {payloads[n * 3]}"[:90] for n in range(27)]
    lines = "".join(
        f"\n[[label]]\nname = '''{each}'''\ndescription = '''{each}'''\n" for each in more if "'" not in each
    )
    lines += "".join(f'\n[[label]]\nname = "spare {n}"\n' for n in range(sum("'" in each for each in more)))
    spec.write_text(f"{spec.read_text()}{lines}\n[review]\ndouble_share = 0.0\n")
    texts = [f"{payloads[n % len(payloads)]} {n}" for n in range(count)]
    put(home, texts)
    secret = Keys(home.keys).add("eve", ("review",), person="<img src=x onerror=alert(1)>")
    desk = open_desk(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = desk.page
    page.goto(f"{desk.address}/review/small/next")
    desk.log_in(secret)
    page.wait_for_selector("#text")
    keys = page.locator(".labels kbd").all_inner_texts()
    assert keys == list(LABEL_KEYS[:30])
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    boxes = [each.bounding_box() for each in page.locator(".labels button").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["height"] >= 24 for box in boxes)
    page.evaluate(WATCH)
    seen = []
    for n in range(count):
        if desk.place == "Batch done":
            page.get_by_role("link", name="Next batch").focus()
            desk.press("Enter")
            page.wait_for_selector("#text")
            page.evaluate(WATCH.replace("window.times = []", "window.times = window.times || []"))
        seen.append(page.locator("#text").text_content())
        desk.answer(keys[n % 30])
    assert sorted(seen) == sorted({*seen})
    rows = stored(home)
    assert len(rows) == len({row["request_id"] for row in rows}) == count
    assert [row["label"] for row in rows] == [list_labels(home)[n % 30] for n in range(count)]
    times = page.evaluate("window.times")
    # whatever else runs on the machine makes keys slower, never quicker: the quickest quarter shows what a key costs
    assert quantiles(times, n=4)[0] < KEY_MS, sorted(times)
    assert page.locator("img, iframe, object, svg, math, base").count() == 0
    assert (desk.elsewhere, [each for each in desk.problems if "401" not in each]) == ([], [])


def list_labels(home: Home) -> list[str]:
    """The labels of the specification."""
    from ratchet.storage.specs import Specs

    return list(Specs(home)["small"].labels)


def test_no_serious_finding_of_accessibility(home: Home, open_desk: Callable[..., Desk]) -> None:
    """axe-core on login, what waits, an item with its guide open and the result; light and dark."""
    if not AXE.exists():
        pytest.skip("no axe-core: make setup-javascript")
    home.guide("small").write_text("Take your time.\n\n## amber\nMoney, such as:\n- where is my refund\n")
    put(home, ["a text\nof two lines"])
    secret = Keys(home.keys).add("ann", ("review",))
    rules, found = AXE.read_text(encoding="utf-8"), {}
    desk = open_desk()
    page = desk.page

    def judge(name: str) -> None:
        page.evaluate(rules)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found[scheme, name] = page.evaluate(SERIOUS)

    page.goto(f"{desk.address}/login")
    judge("login")
    desk.log_in(secret)
    page.wait_for_selector("header.site")
    page.goto(f"{desk.address}/review/small")
    judge("what waits")
    page.goto(f"{desk.address}/review/small/next")
    desk.press("?")
    judge("item")
    desk.answer(".")
    judge("result")
    assert len(found) == 8
    assert found == {each: [] for each in found}


@pytest.mark.faults
def test_it_works_without_script(home: Home, open_desk: Callable[..., Desk]) -> None:
    """By forms and Tab alone: the first label of the item takes the answer, and the next item follows."""
    put(home, ["first", "second"])
    secret = Keys(home.keys).add("ann", ("review",))
    desk = open_desk(java_script_enabled=False)
    page = desk.page
    page.goto(f"{desk.address}/review/small/next")
    page.get_by_label("Your key").fill(secret)
    page.keyboard.press("Enter")
    for _ in range(2):
        page.get_by_role("button", name="amber").press("Enter")
    assert desk.place == "Batch done"
    assert [row["label"] for row in stored(home)] == ["amber", "amber"]
    assert desk.elsewhere == []
