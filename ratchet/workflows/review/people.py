"""Figures of the people who label a classifier, and the file that the gateway's page shows them from.

Add here what the figures are made of; they are computed in `ratchet/review/people_figures.py`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.data.redaction import redact_all
from ratchet.review.people_confusions import ConfusedPair, find_confusions
from ratchet.review.people_figures import ANSWERS_SQL, LEAST, by_person, compare_with_others, measure_people
from ratchet.storage.home import Home
from ratchet.storage.review.people_file import write_people
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.random_doubles import name_differing, read_random_doubles

_TEXTS_SQL = """
SELECT request_id, text FROM production_logs
WHERE classifier = $classifier AND ts >= $since AND request_id IN (SELECT unnest($requests))
"""
_TEXT_CHARS = 500


def renew_people(home: Home, name: str, warehouse: Warehouse, now: datetime | None = None) -> dict[str, Any]:
    """Compute the figures from the warehouse, write them for the page, and return them as JSON types."""
    now = (now or datetime.now(UTC)).astimezone(UTC)
    answers = warehouse.frame(ANSWERS_SQL, {"classifier": name})
    pairs = find_confusions(compare_with_others(answers)) if len(answers) else []
    texts = _read_texts(home, name, warehouse, pairs, now)
    figures = [
        {**whole.as_json(), "weeks": [week.as_json() for week in weeks]}
        for whole, weeks in by_person(measure_people(answers))
    ]
    document = {
        "classifier": name,
        "generated_at": now.isoformat(timespec="seconds"),
        "least": LEAST,
        "note": describe_few(figures),
        "differing": _read_differing(home, name, warehouse),
        "people": figures,
        "confusions": [pair.as_json(texts) for pair in pairs],
    }
    write_people(home, name, document)
    return document


def _read_differing(home: Home, name: str, warehouse: Warehouse) -> list[dict[str, Any]]:
    """Return who differs from all others in each week that the newest cycle kept, the newest first."""
    newest = warehouse.frame("SELECT max(week) AS week FROM votes WHERE classifier = $classifier", {"classifier": name})
    if newest["week"].isna().all():
        return []
    spec, cycle = Specs(home)[name], Cycle(name, newest["week"].iloc[0].date())
    return name_differing(read_random_doubles(home, spec, warehouse, cycle), spec)


def describe_few(people: list[dict[str, Any]]) -> str:
    """Return the sentence about people who are too few to measure each other, '' where they are not."""
    counting = [each["person"] for each in people if not each["suspended"]]
    if len(counting) == 1:
        return f"{counting[0]} is the only one who labels: agreement is unknown until a second person labels too."
    if counting and not any(each["with_others"]["requests"] for each in people):
        return "No request has blind labels of two people: agreement is unknown."
    return ""


def _read_texts(
    home: Home, name: str, warehouse: Warehouse, pairs: Iterable[ConfusedPair], now: datetime
) -> dict[str, str]:
    """Return the texts of the confusions as people may see them; one past its retention is left out."""
    requests = sorted({each.request_id for pair in pairs for each in pair.newest})
    if not requests:
        return {}
    policy = Specs(home)[name].review
    since = now - timedelta(days=policy.retention_days)
    rows = warehouse.frame(_TEXTS_SQL, {"classifier": name, "since": since, "requests": requests})
    texts = [*map(str, rows["text"])]
    shown = texts if policy.raw else redact_all(texts)[0]
    return {str(request): text[:_TEXT_CHARS] for request, text in zip(rows["request_id"], shown, strict=True)}
