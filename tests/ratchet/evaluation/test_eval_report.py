"""The report keeps its contract: every key, no NaN, the same document from the same judgement."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.evaluation.eval_report import Judgement, build_report
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.golden_set_regression import decide_regression
from ratchet.gates.registry import GATES
from ratchet.metrics.calibration import softmax

SPEC = Spec("tickets", (Label("a"), Label("b"), Label("c")))
CONTRACT = {
    "classifier", "week", "adapter", "live", "splits", "temperature", "candidate", "metrics", "live_metrics",
    "baselines", "checks",
    "timings_s", "versions", "sweep",
}  # fmt: skip
PER_SPLIT = {
    "macro_f1", "macro_f1_ci", "accuracy", "per_class", "ece_raw", "ece", "brier_raw", "brier", "nll_raw", "nll",
}  # fmt: skip


def scores(seed: int, skill: float) -> dict[str, Scored]:
    """Answers on test and golden; the truth is the same for every model."""
    found = {}
    for split, n in (("test", 120), ("golden", 60)):
        truth = np.random.default_rng(n).integers(0, 3, n)
        logits = np.random.default_rng([seed, n]).normal(size=(n, 3))
        logits[np.arange(n), truth] += skill
        items = tuple(f"{split}-{i}" for i in range(n))
        found[split] = Scored(
            Split(split, items, tuple(f"text {i}" for i in items), truth), softmax(logits * 3), softmax(logits)
        )
    return found


def judgement(*, live: bool = True, **verdicts: Verdict) -> Judgement:
    """All that a report is made of."""
    figures = {"macro_f1": 0.8, "nll": 0.5, "ece": 0.04, "brier": 0.2}
    trained = {
        "index": 0, "title": "probe", "status": "trained", "reason": "", "epochs": [], "calibration": figures,
        "served_nll": 0.4,
        "seconds": 36.0, "samples_per_second": 250.0,
    }  # fmt: skip
    split = {
        "n": 9,
        "first": "2026-02-01T00:00:00+00:00",
        "last": "2026-02-02T00:00:00+00:00",
        "classes": {"a": 3, "b": 3, "c": 3},
    }
    return Judgement(
        cycle=Cycle("tickets", date(2026, 2, 23)),
        spec=SPEC,
        adapter="a" * 64,
        live="b" * 64 if live else None,
        candidate_scores=scores(1, 2.0),
        live_scores=scores(2, 1.5) if live else None,
        baselines={
            name: {"macro_f1": 0.3, "ece": 0.1} for name in ("majority", "tfidf_logreg", "linear_probe", "base_model")
        },
        verdicts={**{gate: Verdict("passed", f"{gate} is fine.") for gate in GATES}, **verdicts},
        training={"plan": "p", "best": 0, "candidates": [trained]},
        calibration={"method": "temperature", "temperature": 1.5, "curves": [], "reason": "it helps"},
        data={
            "splits": dict.fromkeys(("train", "calibration", "test"), split),
            "dropped": {},
            "redactions": {},
            "labels": {},
        },
        timings_s={"training_set": 1.5},
        versions={"python": "3.11"},
        digests={"adapter": "a" * 64},
    )


@pytest.mark.parametrize("live", [True, False])
def test_every_key_of_the_contract_is_there_in_json_without_nan(live: bool) -> None:
    """With and without a live adapter; reading what was written gives the same document."""
    document = build_report(judgement(live=live))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert set(document) >= CONTRACT
    assert set(document["splits"]) == {"train", "calibration", "test", "golden"}
    assert set(document["metrics"]) == {"test", "golden"}
    for figures in document["metrics"].values():
        assert set(figures) >= PER_SPLIT
        assert {frozenset(row) for row in figures["per_class"].values()} >= {
            frozenset({"precision", "recall", "f1", "support", "f1_ci"})
        }
    assert set(document["baselines"]) == {"majority", "tfidf_logreg", "linear_probe", "base_model"}
    assert list(document["checks"]) == list(GATES)
    assert all(set(check) >= {"passed", "reason"} for check in document["checks"].values())
    assert (
        (document["live_metrics"] is None)
        == (document["comparison"] is None)
        == (document["live"] is None)
        == (not live)
    )
    if live:
        assert set(document["live_metrics"]["test"]) == set(document["metrics"]["test"])


def test_the_same_judgement_gives_the_same_document_to_the_byte() -> None:
    """Bootstrap intervals included."""
    assert json.dumps(build_report(judgement())) == json.dumps(build_report(judgement()))


@pytest.mark.parametrize(
    ("changes", "word", "said"),
    [
        ({}, "passed", "against live bbbbbbbb"),
        ({"live": False}, "first", "no live adapter"),
        ({"leakage": Verdict("failed", "Fails: 3 pairs.")}, "blocked", "Blocked by leakage: Fails: 3 pairs."),
        ({"live": False, "beats_baselines": Verdict("failed", "Fails: no.")}, "blocked", "Blocked by beats_baselines"),
        ({"label_agreement": Verdict("inconclusive", "No verdict.")}, "passed", "may shadow live"),
    ],
)
def test_the_verdict_comes_first_and_names_what_blocked(changes: dict[str, Any], word: str, said: str) -> None:
    """One sentence."""
    verdict = build_report(judgement(**changes))["verdict"]
    assert verdict["word"] == word
    assert said in verdict["sentence"]


def test_a_gate_without_a_verdict_is_never_called_passed() -> None:
    """A report made without its checks says which are missing."""
    found = judgement()
    without = replace(found, verdicts={gate: v for gate, v in found.verdicts.items() if gate != "leakage"})
    assert build_report(without)["verdict"] == {
        "word": "blocked",
        "sentence": "Blocked: this cycle has no verdict of leakage.",
    }


def test_the_worst_twenty_errors_are_the_surest_ones() -> None:
    """Over test and golden, in falling confidence, each really an error."""
    found = judgement()
    document = build_report(found)
    rows = document["worst_errors"]
    assert 0 < len(rows) <= 20
    assert [r["confidence"] for r in rows] == sorted((r["confidence"] for r in rows), reverse=True)
    assert all(r["label"] != r["predicted"] for r in rows)
    every = [
        r["confidence"]
        for s in found.candidate_scores.values()
        for r in s.rows(SPEC.labels)
        if r["label"] != r["predicted"]
    ]
    assert [r["confidence"] for r in rows] == sorted(every, reverse=True)[:20]


def test_the_lost_golden_items_are_those_that_the_gate_counts() -> None:
    """Same items, and the power in words."""
    from ratchet.evaluation.eval_report import golden_answers

    found = judgement()
    verdict = decide_regression(golden_answers(found.candidate_scores, found.live_scores, SPEC.labels), SPEC.limits)
    golden = build_report(found)["golden"]
    assert [row["item"] for row in golden["lost"]] == [row["item"] for row in verdict.evidence["lost"]]
    assert golden["live_right"] == verdict.evidence["live_right"] > 0
    assert golden["sentence"].startswith("This golden set of ")
