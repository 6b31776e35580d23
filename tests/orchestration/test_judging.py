"""Requests that the queue chose for their value, through a whole cycle: they train, and no figure is made of them."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.warehouse import Warehouse

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("rollouts")]

FIRST = date(2026, 1, 5)
SECOND = FIRST + timedelta(days=7)


def request_ids(home: Home, sql: str) -> set[str]:
    """The request ids of a query."""
    with Warehouse(home.warehouse("small")).connect() as connection:
        return {request for (request,) in connection.execute(sql).fetchall()}


def test_what_was_chosen_for_its_value_trains_and_is_in_no_figure(passed: Home, run_here: Callable[..., Any]) -> None:
    """Those of the week before train, those of the own week wait; report, page, command and receipts count alike."""
    chosen = {week: {f"{week}-{number:04d}" for number in range(84, 90)} for week in (FIRST, SECOND)}
    cycle = f"classifier = 'small' AND week = DATE '{SECOND}'"
    trained = request_ids(passed, f"SELECT request_id FROM examples WHERE {cycle} AND split = 'train'")
    held_out = request_ids(passed, f"SELECT request_id FROM examples WHERE {cycle} AND split <> 'train'")
    answered = request_ids(passed, f"SELECT item FROM predictions WHERE {cycle}")
    dropped = f"SELECT request_id FROM dropped WHERE {cycle} AND reason"
    near = request_ids(passed, f"{dropped} <> 'chosen_by_value'")
    assert chosen[FIRST] - near <= trained
    assert chosen[FIRST] & trained
    assert request_ids(passed, f"{dropped} = 'chosen_by_value'") == chosen[SECOND]
    assert not (chosen[FIRST] | chosen[SECOND]) & (held_out | answered)

    folder = passed.reports("small") / str(SECOND)
    document = json.loads((folder / "eval_report.json").read_text())
    data = document["data"]
    assert data["judging"] == {
        "test": document["splits"]["test"]["n"], "calibration": document["splits"]["calibration"]["n"],
        "only_train": len(chosen[FIRST] & trained), "wait": len(chosen[SECOND]),
    }  # fmt: skip
    assert document["metrics"]["test"]["n"] == len(answered & held_out) == data["judging"]["test"]
    assert (data["labels"]["judging"], data["labels"]["only_train"]) == (90 - len(chosen[SECOND]), len(chosen[SECOND]))
    assert f"{data['judging']['only_train']} were chosen for their value and only train" in data["judging_sentence"]
    page = (folder / "eval_report.html").read_text()
    said = run_here("--home", passed.root, "report", "small", "--week", SECOND)
    plan = run_here("--home", passed.root, "cycle", "small", "--week", SECOND, "--plan")
    for text in (page, said.stdout, plan.stdout):
        assert data["judging_sentence"] in text
    receipts = Receipts(passed).read(Cycle("small", SECOND))
    assert receipts["label_agreement"].verdict.evidence["doubles"] == 90 - len(chosen[SECOND])
    mix = receipts["label_distribution"].verdict.evidence
    assert sum(mix["production"].values()) == 90 - len(chosen[SECOND])
    assert sum(mix["drawn_in_train"].values()) == len(trained) - len(chosen[FIRST] & trained)
    golden = receipts["golden_agreement"].verdict.evidence["classes"]
    assert sum(each["test"]["n"] for each in golden.values()) == data["judging"]["test"]
