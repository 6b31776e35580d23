"""The trends page over HTTP, and the same numbers as JSON and CSV."""

import base64
import csv
import io
import re
from collections.abc import Callable
from datetime import date, timedelta

import html5lib
import pytest
from starlette.testclient import TestClient

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import write_past_week

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
URL = "/trends/small"
FIRST = date(2026, 1, 5)


@pytest.fixture(autouse=True)
def weeks(home: Home) -> None:
    """Three weeks, the second blocked by its labels."""
    example = make_example(("amber", "green", "violet"), n=90)
    for number, gate in enumerate(("", "label_agreement", "")):
        cycle = Cycle("small", FIRST + timedelta(weeks=number))
        write_past_week(home, cycle, example, number, blocked_by=gate)


@pytest.mark.feature(15)
def test_the_page_shows_the_numbers_of_the_json(serve: Serve) -> None:
    """Page, JSON and CSV are of one history; a blocked week is among them, with its reason."""
    client = serve()
    page, document = client.get(URL), client.get(f"{URL}/history.json").json()
    rows = list(csv.DictReader(io.StringIO(client.get(f"{URL}/history.csv").text)))
    assert page.status_code == 200
    assert [row["week"] for row in document["weeks"]] == [row["week"] for row in rows]
    assert [row["verdict"] for row in document["weeks"]] == ["passed", "blocked", "passed"]
    shown = {
        each.get("data-key"): "".join(each.itertext())
        for each in html5lib.parse(page.text, namespaceHTMLElements=False).iter()
        if each.get("data-key")
    }
    for index, row in enumerate(document["weeks"]):
        value = row["metrics"]["test_macro_f1"]
        assert shown[f"weeks.{index}.metrics.test_macro_f1"] == ("\N{EN DASH}" if value is None else f"{value:.3f}")
        assert (float(rows[index]["test_macro_f1"]) if value is not None else None) == value
    assert "annotators agree on 71.0%" in shown["weeks.1.reason"]


def test_the_page_asks_nothing_of_another_host_and_runs_nothing(serve: Serve) -> None:
    """No script, no address outside, and a policy that would forbid both."""
    page = serve().get(URL)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page.text) == []
    assert len(page.content) < 500_000


def test_an_unknown_classifier_is_a_page_or_an_error_of_json(serve: Serve) -> None:
    """Both with 404, and with the names that there are."""
    client = serve()
    page, document = client.get("/trends/other"), client.get("/trends/other/history.json")
    assert (page.status_code, document.status_code) == (404, 404)
    assert "small" in page.text
    assert document.json()["error"]["code"] == "no_classifier"


def test_the_warehouse_is_never_opened(serve: Serve, home: Home) -> None:
    """A warehouse that is garbage changes nothing, and a ledger that was edited is a note on the page."""
    home.warehouse("small").write_bytes(b"no database")
    client = serve()
    assert client.get(URL).status_code == 200
    ledger = home.ledger("small")
    ledger.write_text(ledger.read_text().replace('"why": "test"', '"why": "tset"', 1))
    page = client.get(URL)
    assert page.status_code == 200
    assert "Promotions are not shown: small/ledger.jsonl" in page.text
    assert str(home.root) not in page.text


def test_who_may_see_the_trends(serve: Serve, home: Home) -> None:
    """A key that only classifies, or only reviews, may not; without a key a browser is asked for one."""
    keys = {scope: Keys(home.keys).add(scope, (scope,)) for scope in ("admin", "read", "review", "classify")}
    client = serve(open=False)

    def get(secret: str = "") -> int:
        token = base64.b64encode(f"me:{secret}".encode()).decode()
        return client.get(URL, headers={"Authorization": f"Basic {token}"} if secret else {}).status_code

    assert get() == 401
    assert (get(keys["admin"]), get(keys["read"])) == (200, 200)
    assert (get(keys["review"]), get(keys["classify"])) == (403, 403)
    assert client.get(f"{URL}/history.csv").status_code == 401
