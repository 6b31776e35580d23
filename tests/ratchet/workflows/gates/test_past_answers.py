"""The weeks before are read from the stored answers of their own cycles."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ratchet.core.cycle import Cycle, parse_week
from ratchet.data.label_rules import NO_RULES
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.workflows.gates.past_answers import read_past_answers

WEEK = parse_week("2026-03-02")


def test_eight_weeks_of_drawn_requests_answered_by_their_own_candidates_count(tmp_path: Path) -> None:
    """Neither older weeks, the own one, held ones, live's answers, golden items, examples without a request, nor
    requests that were chosen for their value."""
    warehouse = open_warehouse(Home(tmp_path), "t")
    answers: list[tuple[date, str, str, str]] = []

    def add(weeks: int, label: str, model: str = "candidate", split: str = "test") -> str:
        item = f"r{len(answers)}"
        answers.append((WEEK - timedelta(days=7 * weeks), label, model, split))
        return item

    kept = [add(1, "a"), add(8, "a"), add(3, "b")]
    add(9, "a")
    add(0, "a")
    add(2, "a")
    add(1, "a", model="live")
    add(1, "a", split="golden")
    given, by_value = add(1, "a"), add(1, "a")
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO predictions (classifier, week, model, adapter, split, item, text, label, predicted)"
            " VALUES ('t', ?, ?, 'x', ?, ?, '', ?, 'a')",
            [[week, model, split, f"r{i}", label] for i, (week, label, model, split) in enumerate(answers)],
        )
        connection.executemany(
            "INSERT INTO examples (classifier, week, split, request_id, ts, text, label, blind, origin, drawn)"
            " VALUES ('t', ?, 'test', ?, ?, '', 'a', true, ?, ?)",
            [
                [WEEK - timedelta(days=7), item, datetime(2026, 3, 1, tzinfo=UTC), origin, drawn]
                for item, origin, drawn in (
                    (kept[0], None, None), (given, "example", True), (by_value, "request", False)
                )
            ],
        )  # fmt: skip
    noted = {"data": {"quarantined": {str(WEEK - timedelta(days=14)): "label_agreement"}}}
    assert read_past_answers(warehouse, Cycle("t", WEEK), noted, NO_RULES) == [
        {"label": "a", "predicted": "a", "n": 2},
        {"label": "b", "predicted": "a", "n": 1},
    ]
    assert len(read_past_answers(warehouse, Cycle("t", WEEK), {}, NO_RULES)) == 2
