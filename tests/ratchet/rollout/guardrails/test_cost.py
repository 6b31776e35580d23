"""Cost: wrong answers weighed by what one of their label costs; where all cost alike it is the usual test."""

from typing import Any

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import evidence_worse
from ratchet.metrics.cost_evidence import evidence_dearer
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.cost import Answers, measure_cost, weigh_answers

COSTS = {"refund": 5.0, "chat": 0.5}
TABLE: dict[str, tuple[list[Answers], dict[float, int]]] = {
    "the candidate refunds wrongly": ([(["chat"], ["refund"], True, False, 3)], {5.0: 3}),
    "live refunded wrongly": ([(["refund"], ["chat"], False, True, 3)], {-5.0: 3}),
    "both are wrong": ([(["refund"], ["chat"], False, False, 2)], {-4.5: 2}),
    "no answer": ([(["chat"], [], True, False, 2)], {0.0: 2}),
    "an unknown label": ([(["old"], ["gone"], False, False, 1)], {-5.0: 1}),
    "one that was split": ([(["chat"], ["refund", "chat"], True, False, 1)], {0.5: 1}),
    "several": ([(["chat"], ["refund"], True, False, 3), (["chat"], ["refund"], True, False, 1)], {5.0: 4}),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_wrong_answer_costs_what_its_label_says(name: str) -> None:
    """A right answer costs nothing; what is not known costs the least for the candidate."""
    answers, rises = TABLE[name]
    found = weigh_answers(Evidence(compared=100), answers, COSTS)
    assert (dict(found.cost_rises), found.largest_cost) == (rises, 5.0)


@pytest.mark.parametrize(("losses", "wins"), [(0, 0), (30, 5), (5, 30), (60, 0)])
def test_equal_costs_give_the_evidence_of_the_usual_test(losses: int, wins: int) -> None:
    """Of 500 requests, at a margin of 2 points, in whatever unit."""
    found = evidence_dearer([(3.0, losses), (-3.0, wins)], 500, 3.0, 0.06)
    assert found == pytest.approx(evidence_worse(losses, wins, 500, 0.02))


def test_rises_that_cannot_be_are_refused() -> None:
    """More than the largest cost, or more requests than compared."""
    for rises in ([(6.0, 1)], [(1.0, 11)]):
        with pytest.raises(ValueError, match="rises of more"):
            evidence_dearer(rises, 10, 5.0, 0.1)
    assert evidence_dearer([(5.0, 10)], 10, 5.0, 5.0) == 1.0


@pytest.mark.parametrize(
    ("limit", "evidence", "expected"),
    [
        (None, {"cost_rises": ((5.0, 40),)}, None),
        (0.05, {"cost_rises": ((5.0, 40),)}, ("broken", "wrong answers cost +0.4 a request against live's, limit +0.05:"
                                              " shown to be over it")),
        (0.05, {"cost_rises": ((0.5, 40),)}, ("ok", "wrong answers cost +0.04 a request against live's, limit +0.05")),
        (0.05, {"cost_rises": ((5.0, 40),), "waiting": 60}, ("ok", "wrong answers cost +0.4 a request against live's,"
                                                             " limit +0.05")),
        (0.05, {"largest_cost": 0.0}, None),
        (0.05, {"compared": 0}, ("unknown", "no compared requests of the evidence")),
    ],
)  # fmt: skip
def test_a_dearer_candidate_is_rolled_back_where_the_team_asks_for_it(
    limit: float | None, evidence: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    """Nothing is measured without a limit; forty wrong refunds of 500 are shown, unless they wait for votes."""
    whole = Evidence(**{"compared": 500, "largest_cost": 5.0, **evidence})
    found = [(each.status, each.sentence) for each in measure_cost(PromotionPolicy(max_cost_rise=limit), whole)]
    assert found == ([] if expected is None else [expected])
