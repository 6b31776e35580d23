"""Report pages over HTTP: all weeks, one week, one that was blocked by its data, and the texts behind a cell."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import html5lib
import pytest
from starlette.testclient import TestClient

from ratchet.core.cycle import Cycle
from ratchet.core.files import write_json
from ratchet.evaluation.report.formatting import format_figure, look_up
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.reports import TEST_ERRORS, Reports
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import write_past_week

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
FIRST, BLOCKED, NEWEST = "2026-01-05", "2026-01-12", "2026-01-19"
LABELS = ("amber", "green", "violet")
GOLDEN_TEXT = "a golden text that nobody may train on"


@pytest.fixture(autouse=True)
def weeks(home: Home) -> None:
    """Three weeks, the second blocked by its labels; the report of the first is of a version that kept golden texts."""
    example = make_example(LABELS, n=90)
    for number, gate in enumerate(("", "label_agreement", "")):
        cycle = Cycle("small", date(2026, 1, 5) + timedelta(weeks=number))
        write_past_week(home, cycle, example, number, blocked_by=gate)
    path = home.report(Cycle("small", date(2026, 1, 5))) / "eval_report.json"
    document = json.loads(path.read_bytes())
    lost = {"item": "g-7", "text": GOLDEN_TEXT, "label": "amber", "predicted": "green"}
    document["golden"]["lost"] = [lost]
    document["worst_errors"].append({**lost, "split": "golden", "confidence": 0.9})
    write_json(path, document)


def words_of(page: str) -> str:
    """The words that a reader sees."""
    return " ".join(" ".join(html5lib.parse(page, namespaceHTMLElements=False).find("body").itertext()).split())


def test_weeks_are_listed_and_lead_to_their_pages(serve: Serve) -> None:
    """Newest first, with verdict and reason; each week knows the ones beside it and its run in Dagster."""
    client = serve()
    listed = client.get("/reports/small").text
    assert [listed.index(f'href="small/{week}"') for week in (NEWEST, BLOCKED, FIRST)] == sorted(
        listed.index(f'href="small/{week}"') for week in (NEWEST, BLOCKED, FIRST)
    )
    page = client.get(f"/reports/small/{BLOCKED}").text
    assert f'rel="prev" href="{FIRST}"' in page
    assert f'rel="next" href="{NEWEST}"' in page
    assert 'href="http://127.0.0.1:3000/runs/run-0001"' in page
    for way in ("rollout/small", "trends/small", "review/small"):
        assert f'href="../../{way}"' in page


def test_every_number_of_a_served_report_is_that_of_its_file(serve: Serve, home: Home) -> None:
    """Each figure that names its key is the value in `eval_report.json`, at the rounding that it says."""
    page = serve().get(f"/reports/small/{NEWEST}").text
    document = json.loads((home.report(Cycle("small", date(2026, 1, 19))) / "eval_report.json").read_bytes())
    shown = [each for each in html5lib.parse(page, namespaceHTMLElements=False).iter() if each.get("data-key")]
    plain = [each for each in shown if each.get("data-round") and not each.get("data-of")]
    assert len(plain) > 50
    for each in plain:
        value = look_up(document, each.get("data-key"))
        assert "".join(each.itertext()).strip() == format_figure(value, each.get("data-round")).strip()


def test_a_week_that_its_data_blocked_says_why_and_what_to_do(serve: Serve, home: Home) -> None:
    """A heading of at most 90 characters, the whole reason, commands, and the rows with both labels, redacted."""
    rows = [{"request_id": "rq-1", "text": "where is it", "served": "amber", "labels": ["amber", "green"]}]
    Reports(home).write_blocked_rows(Cycle("small", date(2026, 1, 12)), "label_agreement", rows)
    page = serve().get(f"/reports/small/{BLOCKED}")
    words = words_of(page.text)
    heading = html5lib.parse(page.text, namespaceHTMLElements=False).find(".//h1")
    assert page.status_code == 200
    assert 20 < len("".join(heading.itertext())) <= 90
    assert "Krippendorff's alpha 0.680" in words
    assert f"ratchet cycle small --week {BLOCKED}" in words
    assert "rq-1 where is it amber , green amber" in words
    assert 'href="../../review/small"' in page.text
    assert 'href="../../why/rq-1"' in page.text


def test_rows_of_another_gate_are_not_shown(serve: Serve, home: Home) -> None:
    """The rows that an earlier run left, stopped by another gate, are not taken for those of the newest."""
    rows = [{"request_id": "rq-1", "text": "where is it", "served": None, "labels": []}]
    Reports(home).write_blocked_rows(Cycle("small", date(2026, 1, 12)), "leakage", rows)
    assert "rq-1" not in serve().get(f"/reports/small/{BLOCKED}").text


def test_figures_by_labels_that_failed_are_greyed(serve: Serve, home: Home) -> None:
    """A week with a report, whose labels a later gate blames, says so before any figure."""
    cycle = Cycle("small", date(2026, 1, 26))
    write_past_week(home, cycle, make_example(LABELS, n=90), 3)
    path = home.report(cycle) / "run_results.json"
    run = json.loads(path.read_bytes())
    stage = next(each for each in run["results"] if each["unique_id"] == "golden_agreement")
    stage |= {"status": "blocked", "message": "Fails: amber and green look swapped."}
    write_json(path, run)
    page = serve().get(f"/reports/small/{cycle.week}").text
    assert '<div class="doubtful">' in page
    assert "The labels of this week are what failed." in words_of(page)
    assert '<div class="doubtful">' not in serve().get(f"/reports/small/{NEWEST}").text


@pytest.mark.feature(17)
def test_a_cell_opens_its_texts(serve: Serve, home: Home) -> None:
    """Ids and texts of one label and prediction, in pages; a file of another adapter's report is not believed."""
    cycle = Cycle("small", date(2026, 1, 19))
    adapter = Reports(home).read(cycle)["adapter"]
    rows: list[dict[str, Any]] = [
        {"item": f"rq-{n}", "text": f"text {n}", "label": "amber", "predicted": "green", "confidence": 0.9}
        for n in range(60)
    ]
    rows.append({"item": "other", "text": "not this", "label": "green", "predicted": "amber", "confidence": 0.9})
    write_json(home.report(cycle) / TEST_ERRORS, {"adapter": adapter, "rows": rows})
    client = serve()
    url = f"/reports/small/{NEWEST}/cells"
    first = client.get(url, params={"label": "amber", "predicted": "green"}).text
    more = client.get(url, params={"label": "amber", "predicted": "green", "first": 50}).text
    assert "60 texts" in words_of(first)
    assert ("text 0" in first, "text 49" in first, "text 50" in first, "not this" in first) == (
        True,
        True,
        False,
        False,
    )
    assert ("text 59" in more, "text 49" in more) == (True, False)
    assert f'href="{NEWEST}/cells?label=amber&amp;predicted=green"' in client.get(f"/reports/small/{NEWEST}").text
    write_json(home.report(cycle) / TEST_ERRORS, {"adapter": "0" * 64, "rows": rows})
    assert "text 0" not in client.get(url, params={"label": "amber", "predicted": "green"}).text
    assert client.get(url, params={"first": "-1"}).status_code == 422
    assert client.get(url, params={"label": "x" * 300}).status_code == 422


def test_no_page_holds_a_golden_text(serve: Serve, home: Home) -> None:
    """T07: a report of an earlier version holds golden texts; no page of that week shows one, only its id."""
    client = serve()
    pages = [client.get(f"/reports/small{end}").text for end in ("", f"/{FIRST}", f"/{BLOCKED}", f"/{NEWEST}")]
    pages += [client.get(url).text for url in ("/", "/trends/small", "/rollout/small", "/v1/overview")]
    pages.append(client.get(f"/reports/small/{FIRST}/cells", params={"label": "amber", "predicted": "green"}).text)
    assert all(GOLDEN_TEXT not in page for page in pages)
    assert "golden item g-7" in words_of(pages[1])
    golden = [json.loads(line)["text"] for line in home.golden("small").read_text().splitlines() if line.strip()]
    assert golden
    assert [text for text in golden if any(text in page for page in pages)] == []


def test_hostile_words_stay_words(
    serve: Serve, home: Home, payloads: list[str], find_dangers: Callable[[str], list[str]]
) -> None:
    """T09: texts, labels and ids of rows and of cells, and the parameters themselves."""
    week, newest = Cycle("small", date(2026, 1, 12)), Cycle("small", date(2026, 1, 19))
    client = serve()
    plain = [find_dangers(client.get(f"/reports/small/{each}").text) for each in (BLOCKED, f"{NEWEST}/cells")]
    rows = [{"request_id": each, "text": each, "served": each, "labels": [each, each]} for each in payloads[:100]]
    Reports(home).write_blocked_rows(week, "label_agreement", rows)
    adapter = Reports(home).read(newest)["adapter"]
    hostile = payloads[0][:200]
    errors = [
        {"item": each, "text": each, "label": hostile, "predicted": hostile, "confidence": 0.5} for each in payloads
    ]
    write_json(home.report(newest) / TEST_ERRORS, {"adapter": adapter, "rows": errors})
    cell = client.get(f"/reports/small/{NEWEST}/cells", params={"label": hostile, "predicted": hostile})
    pages = (client.get(f"/reports/small/{BLOCKED}").text, cell.text)
    quoted = ("<a href='../../why/", "<a href='../../../why/", "<a href='cells?label=")  # ways of ours, words quoted
    for page, before in zip(pages, plain, strict=True):
        found = [each for each in find_dangers(page) if each not in before]
        assert [each for each in found if not each.startswith(quoted) or "javascript:" in each] == []


@pytest.mark.parametrize(
    "week", ["2026-01-06", "2026-03-02", "latest", "..", "%2e%2e", "2026-W02", "x" * 300, "2026-01-05%00"]
)
def test_a_week_that_is_not_there_is_a_page(serve: Serve, week: str) -> None:
    """T13: 404 with the weeks that there are; nothing outside the home's weeks is looked at."""
    found = serve().get(f"/reports/small/{week}", headers={"Accept": "text/html"})
    assert found.status_code == 404


def test_who_may_read_reports(serve: Serve, home: Home) -> None:
    """Scopes `read` and `admin`; whoever only reviews stays blind."""
    keys = Keys(home.keys)
    secrets = {scope: keys.add(scope, (scope,)) for scope in ("read", "review", "admin", "classify")}
    client = serve()
    for url in ("/reports/small", f"/reports/small/{NEWEST}", f"/reports/small/{NEWEST}/cells"):
        found = {
            scope: client.get(url, headers={"Authorization": f"Bearer {key}"}).status_code
            for scope, key in secrets.items()
        }
        assert found == {"read": 200, "review": 403, "admin": 200, "classify": 403}
