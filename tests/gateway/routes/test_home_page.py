"""The home page over HTTP: who sees what of it, its numbers against its JSON, and a classifier that is broken."""

from collections.abc import Callable
from datetime import date, timedelta

import html5lib
import pytest
from starlette.testclient import TestClient

from ratchet.core.cycle import Cycle
from ratchet.evaluation.report.formatting import format_figure, look_up
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import write_past_week

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
PAGE = {"Accept": "text/html"}


@pytest.fixture(autouse=True)
def weeks(home: Home) -> None:
    """Three weeks, the newest blocked by its labels."""
    example = make_example(("amber", "green", "violet"), n=90)
    for number, gate in enumerate(("", "", "label_agreement")):
        cycle = Cycle("small", date(2026, 1, 5) + timedelta(weeks=number))
        write_past_week(home, cycle, example, number, blocked_by=gate)


def test_a_card_says_how_the_classifier_stands_and_leads_on(serve: Serve) -> None:
    """The verdict of the last cycle with its reason, the rollout, what waits, and ways to the four other pages."""
    page = serve().get("/", headers=PAGE)
    assert page.status_code == 200
    words = " ".join("".join(html5lib.parse(page.text, namespaceHTMLElements=False).itertext()).split())
    assert "blocked 2026-01-19" in words
    assert "label_agreement: annotators agree on 71.0%" in words
    for way in ("reports/small/2026-01-19", "rollout/small", "trends/small", "review/small"):
        assert f'href="{way}"' in page.text


@pytest.mark.feature(15)
def test_every_number_is_that_of_the_json(serve: Serve) -> None:
    """Each number that names its key is the value there, at the rounding that it says."""
    client = serve()
    tree, document = (
        html5lib.parse(client.get("/").text, namespaceHTMLElements=False),
        client.get("/v1/overview").json(),
    )
    shown = [each for each in tree.iter() if each.get("data-key")]
    assert {each.get("data-key") for each in shown} >= {"classifiers.0.waiting", "classifiers.0.weeks.1.test"}
    for each in shown:
        value = look_up(document, each.get("data-key"))
        assert "".join(each.itertext()) == format_figure(value, each.get("data-round"))


def test_a_broken_classifier_is_one_card(serve: Serve, home: Home) -> None:
    """A ledger that was edited is a card with its sentence; the other classifier and the page stand."""
    home.ledger("other").parent.mkdir()
    home.ledger("other").write_text('{"sequence": 1}\n')
    client = serve()
    page, document = client.get("/"), client.get("/v1/overview").json()
    assert page.status_code == 200
    assert "cannot be shown" in page.text
    assert [each["classifier"] for each in document["classifiers"]] == ["other", "small"]
    assert document["classifiers"][0]["error"]["message"] in page.text.replace("&#39;", "'")
    assert document["classifiers"][1]["last_cycle"]["verdict"] == "blocked"


def test_each_key_sees_its_part(serve: Serve, home: Home) -> None:
    """Scope `read` sees all but the review; `review` alone sees what waits, and neither verdict nor figure."""
    keys = Keys(home.keys)
    secrets = {scope: keys.add(scope, (scope,)) for scope in ("read", "review", "admin", "classify")}
    client = serve()
    pages = {scope: client.get("/", headers={"Authorization": f"Bearer {key}"}) for scope, key in secrets.items()}
    assert {scope: page.status_code for scope, page in pages.items()} == {
        "read": 200, "review": 200, "admin": 200, "classify": 403,
    }  # fmt: skip
    assert "label_agreement" in pages["read"].text
    assert "review/small" not in pages["read"].text
    assert "waiting for review" in pages["review"].text
    for hidden in ("label_agreement", "blocked", "trends/small", "rollout/small", "macro-F1"):
        assert hidden not in pages["review"].text.partition("<main>")[2]
    assert client.get("/v1/overview", headers={"Authorization": f"Bearer {secrets['review']}"}).status_code == 403
    asked = client.get("/")
    assert (asked.status_code, 'name="key"' in asked.text) == (401, True)


def test_the_warehouse_is_never_opened(serve: Serve, home: Home) -> None:
    """A warehouse that is garbage changes nothing."""
    home.warehouse("small").write_bytes(b"no database")
    assert "2026-01-19" in serve().get("/").text


def test_a_browser_that_is_lost_finds_the_way_home(serve: Serve) -> None:
    """An address that is none: a page with a link home for a browser, JSON for a program, as every error of a route."""
    client = serve()
    for path, way in (("/none", "./"), ("/none/of/these", "../../")):
        page, document = client.get(path, headers=PAGE), client.get(path)
        assert (page.status_code, document.status_code) == (404, 404)
        assert f'<a href="{way}">' in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert document.json()["error"]["message"] == "No such route."
