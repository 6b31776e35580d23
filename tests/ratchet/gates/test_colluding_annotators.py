"""People who call one label by another together are found; honest ones are not named."""

import numpy as np
import pandas as pd
import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.colluding_annotators import decide_collusion
from ratchet.metrics.annotator_camps import cross_labels

LABELS = [f"label_{number}" for number in range(11)]


def label_week(colluders: int, seed: int, requests: int = 330, votes: int = 3) -> pd.DataFrame:
    """Votes of five people with 5 % error, of whom the first `colluders` call the first label by the second."""
    draw, rows = np.random.default_rng(seed), []
    for request in range(requests):
        truth = int(draw.integers(len(LABELS)))
        for person in draw.permutation(5)[:votes].tolist():
            given = 1 if person < colluders and truth == 0 else truth
            if draw.random() < 0.05:
                given = int(draw.integers(len(LABELS)))
            rows.append((f"r{request}", f"person-{person}", LABELS[given]))
    return pd.DataFrame(rows, columns=["request_id", "annotator", "label"])


def judge(votes: pd.DataFrame) -> Verdict:
    """Verdict on a week of votes."""
    return decide_collusion(cross_labels(votes, LABELS))


@pytest.mark.parametrize(("colluders", "outcome"), [(0, "passed"), (1, "warned"), (2, "failed"), (3, "failed")])
def test_a_camp_of_two_blocks_and_one_alone_warns(colluders: int, outcome: str) -> None:
    """Of three colluders among five the gate stops the week, though it cannot know which camp is right."""
    verdict = judge(label_week(colluders, seed=1, requests=600))
    assert verdict.outcome == outcome
    named = [member["person"] for member in verdict.evidence.get("camps", [])]
    assert colluders == 3 or sorted(named) == list(range(colluders))
    assert "person-" not in verdict.reason


def test_two_votes_a_request_are_enough() -> None:
    """Without any third vote the two are still seen by what each does beside honest people."""
    assert judge(label_week(2, seed=1, requests=1500, votes=2)).outcome == "failed"


def test_two_people_have_nobody_to_outvote() -> None:
    """However they differ; `label_agreement` sees that they do."""
    votes = label_week(1, seed=1)
    assert judge(votes[votes["annotator"].isin(["person-0", "person-1"])]).outcome == "passed"


@pytest.mark.faults
def test_honest_people_are_named_in_at_most_one_week_of_a_hundred() -> None:
    """Of 300 weeks; of 100 weeks with two colluders at least 75 are stopped (83 were), and nobody honest is named."""
    assert sum(judge(label_week(0, seed)).outcome != "passed" for seed in range(300)) <= 3
    found = [judge(label_week(2, seed)) for seed in range(100)]
    assert sum(verdict.outcome == "failed" for verdict in found) >= 75
    assert sum(each["person"] > 1 for verdict in found for each in verdict.evidence.get("camps", [])) <= 1
