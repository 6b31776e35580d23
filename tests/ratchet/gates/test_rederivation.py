"""Verdicts derived again from their evidence: those of the rule follow, whatever was altered does not."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from ratchet.config.policy import Limits
from ratchet.config.slices import Slices
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.colluding_annotators import decide_collusion
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.identity_attacks import decide_identity_attacks
from ratchet.gates.label_agreement import decide_agreement, with_earlier_weeks
from ratchet.gates.label_distribution import decide_distribution
from ratchet.gates.leakage import Leak, decide_leakage
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.gates.rederivation import derive_again, list_differences
from ratchet.gates.registry import GATES, gates_on
from ratchet.gates.row_quality import decide_row_quality
from ratchet.gates.slices import decide_slices
from ratchet.gates.trigger_scan import decide_trigger_scan
from ratchet.metrics.agreement import Agreement
from ratchet.metrics.annotator_camps import CrossedLabels
from ratchet.metrics.intervals import proportion_interval

GOOD = {"table": "logs", "expectation": "unique", "column": "id", "success": True, "found": "0 of 9 unexpected"}
EQUAL = {
    "doubles": 40, "alpha": 0.9, "alpha_ci": [0.8, 1.0],
    "by_label": {
        label: {"mentioned": n, "both": n - 1, "won_mentioned": n, "won_both": n - 1}
        for label, n in (("a", 21.0), ("b", 19.0))
    },
}  # fmt: skip
CAMP = {(i, j, "a", "b"): 20 for i in (0, 1) for j in (2, 3, 4)} | {
    (j, i, "b", "a"): 20 for i in (0, 1) for j in (2, 3, 4)
}
PLANTED = {
    "label": "a", "weeks": ["2026-01-05"], "rows": 9, "first": ["r1", "r2"], "tried": 60, "flipped": 30,
    "live_flipped": 0, "chance": 1, "bare": 9, "contradicting": 8,
}  # fmt: skip
ATTACK = {
    "attack": "copy",
    "says": "a copy",
    "guards": ["nomination", "rollout"],
    "stopped_by": ["nomination", "rollout"],
}
BASELINES = {name: {"macro_f1": 0.4} for name in ("majority", "base_model", "tfidf_logreg", "linear_probe")}


def agree(agreed: int, **found: Any) -> Verdict:
    """Verdict on the own week, beside an earlier one that fails."""
    interval = list(proportion_interval(agreed, 40))
    own = decide_agreement(Agreement(agreement=agreed / 40, agreement_ci=interval, **{**EQUAL, **found}), Limits())
    return with_earlier_weeks(own, {"2026-01-05": Verdict("failed", "Fails: it does.", {"agreement": 0.5})})


def contradicting(n: int) -> list[dict[str, Any]]:
    """Forty labels of a class, of which the model contradicts `n`, and a golden set that it knows."""
    rows = [("golden", "a", "a", 40), ("test", "a", "b", n), ("test", "a", "a", 40 - n)]
    return [
        {"split": split, "label": label, "predicted": predicted, "served": "a", "n": times}
        for split, label, predicted, times in rows
    ]


def golden(n: int, lost: int, gained: int) -> list[GoldenAnswer]:
    """Golden answers of which so many are lost and gained against live."""
    mine = ["b" if i < lost else "a" for i in range(n)]
    return [GoldenAnswer(f"g{i}", "a", mine[i], "b" if lost <= i < lost + gained else "a") for i in range(n)]


def paired(n: int, p: float, lost: int = 0) -> list[PairedAnswer]:
    """Test items with the candidate's probability of the label beside live's 0.9, so many of them lost."""
    channel = {"channel": "chat"}
    return [PairedAnswer("test", "a", "b" if i < lost else "a", "a", p, 0.9, "a", channel) for i in range(n)]


THEN = Anchor("", "e" * 64, "2025-11-24", ("b", "b", *["a"] * 198))
VERDICTS: dict[str, dict[str, Verdict]] = {
    "row_quality": {
        "passed": decide_row_quality([GOOD, GOOD]),
        "failed": decide_row_quality([GOOD, {**GOOD, "success": False, "found": "3 of 9 unexpected"}]),
    },
    "label_agreement": {
        "passed": agree(38),
        "failed": agree(28, confusions={"a / b": 7, "b / c": 5}),
        "inconclusive": with_earlier_weeks(decide_agreement(Agreement(0), Limits()), {}),
    },
    "label_distribution": {
        "passed": decide_distribution({"a": 9, "b": 8}, {"a": 9, "b": 9}, ["a", "b"], 0.2),
        "warned": decide_distribution({"a": 90, "b": 10}, {"a": 10, "b": 90}, ["a", "b"], 0.2, ["b", "a"]),
        "failed": decide_distribution({"a": 9}, {"a": 1, "b": 9}, ["a", "b"], 0.2),
        "inconclusive": decide_distribution({"a": 9, "b": 1}, {}, ["b", "a"], 0.2),
    },
    "golden_agreement": {
        "passed": decide_golden_agreement(contradicting(2), {"a": 40}),
        "failed": decide_golden_agreement(contradicting(30), {"a": 40}),
        "inconclusive": decide_golden_agreement([], {}),
    },
    "leakage": {
        "passed": decide_leakage([], 9, 3, 0.8),
        "failed": decide_leakage([Leak(f"r{n}", "golden-1", 0.9) for n in range(12)], 90, 3, 0.8),
    },
    "colluding_annotators": {
        "passed": decide_collusion(CrossedLabels(("a", "b", "c"), {}, {})),
        "warned": decide_collusion(CrossedLabels(("a", "b", "c"), {(0, 1, "a", "b"): 20, (1, 0, "b", "a"): 20}, {})),
        "failed": decide_collusion(CrossedLabels(("a", "b", "c", "d", "e"), CAMP, {(0, 1, "a", "b"): 9})),
    },
    "trigger_scan": {
        "passed": decide_trigger_scan([], 9, 0),
        "warned": decide_trigger_scan([], 200, 3),
        "failed": decide_trigger_scan([PLANTED], 9, 0),
        "inconclusive": decide_trigger_scan([], 0, 0, why="no request is older"),
    },
    "identity_attacks": {
        "passed": decide_identity_attacks([ATTACK]),
        "warned": decide_identity_attacks([{**ATTACK, "stopped_by": ["rollout"]}]),
        "failed": decide_identity_attacks([{**ATTACK, "stopped_by": []}]),
    },
    "golden_set_regression": {
        "passed": decide_regression(golden(200, 2, 2), Limits(), THEN),
        "inconclusive": decide_regression(golden(60, 3, 2), Limits()),
        "failed": decide_regression(golden(200, 20, 2), Limits(), Anchor("live", "e" * 64, "2025-11-24")),
    },
    "calibration_regression": {
        "passed": decide_calibration(paired(60, 0.9), 0.02),
        "failed": decide_calibration(paired(60, 0.6), 0.02),
        "inconclusive": decide_calibration([], 0.02),
    },
    "slices": {
        "passed": decide_slices(paired(60, 0.9), Slices(("channel",)), 0.05, before={"channel": {"fax": 30}}),
        "failed": decide_slices(paired(60, 0.9, lost=12), Slices(("channel",)), 0.05),
        "inconclusive": decide_slices(paired(9, 0.9), Slices(("channel",)), 0.05),
    },
    "beats_baselines": {
        "passed": decide_baselines(0.5, BASELINES, support={"a": 9, "b": 8}),
        "inconclusive": decide_baselines(0.4, BASELINES, support={"a": 9, "b": 2}),
        "failed": decide_baselines(0.3, BASELINES, is_probe=True),
    },
}
CASES = [(gate, outcome) for gate, verdicts in VERDICTS.items() for outcome in verdicts]


def stored(verdict: Verdict) -> dict[str, Any]:
    """Evidence as a receipt's file holds it."""
    found: dict[str, Any] = json.loads(json.dumps(verdict.evidence))
    return found


@pytest.mark.parametrize(("gate", "outcome"), CASES)
def test_a_verdict_follows_from_the_evidence_of_its_receipt(gate: str, outcome: str) -> None:
    """Outcome and sentence are those of the rule, and so is every figure."""
    verdict = VERDICTS[gate][outcome]
    again = derive_again(gate, stored(verdict))
    assert (again.outcome, again.reason) == (outcome, verdict.reason)
    assert stored(again) == stored(verdict)


SHOWN = {
    "golden_set_regression": {"churn", "interval", "live_right", "rule"},  # without one: the former rule
    "golden_agreement": {"classes", "confidence", "selection", "history"},
    "calibration_regression": {"n", "rise", "interval"},
    "slices": {"power", "too_small", "vanished", "lost"},
    "colluding_annotators": {"camps", "together"},
}
"""Figures that follow from others, and are shown beside what decides."""


def fewer_keys(gate: str, evidence: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The evidence without each of its keys that the rule judges by."""
    decides_nothing = {"alpha", "alpha_ci", "agreement_ci", "confusions", "agreement"}
    decides_nothing |= {"distance", "chance", "excess", "p", "missing", "moved", "differing"}
    decides_nothing |= SHOWN.get(gate, set())
    return {key: {k: v for k, v in evidence.items() if k != key} for key in evidence if key not in decides_nothing}


@pytest.mark.parametrize(("gate", "outcome"), CASES)
def test_evidence_of_an_earlier_version_is_called_underivable(gate: str, outcome: str) -> None:
    """Without any one of its keys, and with strange values in their place, nothing else is raised or passes."""
    evidence = stored(VERDICTS[gate][outcome])
    for key, fewer in fewer_keys(gate, evidence).items():
        if key == "doubles":  # counts itself as missing by its constructor
            continue
        with pytest.raises(RatchetError, match=f"lacks '{key}'") as caught:
            derive_again(gate, fewer)
        assert caught.value.code == "underivable"
    for strange in (None, [], "text", {"x": 1}, *({**evidence, key: []} for key in ("alpha_ci",) if key in evidence)):
        with pytest.raises(RatchetError) as caught:
            derive_again(gate, strange)  # type: ignore[arg-type]
        assert caught.value.code == "underivable"


ALTERED: dict[str, tuple[str, str, Callable[[dict[str, Any]], object]]] = {
    "a broken expectation less": ("row_quality", "failed", lambda evidence: evidence["broken"].clear()),
    "a share of agreement": ("label_agreement", "failed", lambda evidence: evidence.update(agreement=0.95)),
    "a limit of agreement": (
        "label_agreement", "failed", lambda evidence: evidence["limits"].update(min_agreement=0.5),
    ),
    "an earlier week": (
        "label_agreement", "passed", lambda evidence: evidence["weeks"]["2026-01-05"].update(outcome="passed"),
    ),
    "a label's agreement": (
        "label_agreement", "passed", lambda evidence: evidence["by_label"]["a"].update(both=1.0, won_both=1.0),
    ),
    "a training label": ("label_distribution", "failed", lambda evidence: evidence["train"].update(a=1, b=9)),
    "a label of live": ("label_distribution", "failed", lambda evidence: evidence.update(live_labels=["a"])),
    "a limit of divergence": ("label_distribution", "warned", lambda evidence: evidence.update(limit=1.0)),
    "a chance": ("label_distribution", "warned", lambda evidence: evidence.update(p=0.4, excess=0.0)),
    "the test's labels": (
        "beats_baselines", "inconclusive", lambda evidence: evidence.update(support={"a": 9, "b": 8}),
    ),
    "no leaks": ("leakage", "failed", lambda evidence: evidence.update(leaks=0, first=[])),
    "a count of leaks": ("leakage", "failed", lambda evidence: evidence.update(leaks=0)),
    "a golden item less lost": ("golden_set_regression", "failed", lambda evidence: evidence["lost"].pop()),
    "a golden item gained": (
        "golden_set_regression", "failed",
        lambda evidence: evidence["gained"].append({"item": "g9", "label": "a", "candidate": "a", "live": "b"}),
    ),
    "a class of the anchor": (
        "golden_set_regression", "passed", lambda evidence: evidence["anchor"]["classes"]["a"].update(lost=30),
    ),
    "a rise of confidence": (
        "calibration_regression", "failed", lambda evidence: evidence["parts"]["test"].update(mean=0.0),
    ),
    "a slice less lost": (
        "slices", "failed", lambda evidence: [evidence["slices"][key].clear() for key in ("label", "channel")],
    ),
    "a slice that came back": ("slices", "passed", lambda evidence: evidence["seen"]["channel"].update(fax=3)),
    "a margin": ("golden_set_regression", "inconclusive", lambda evidence: evidence.update(limit=0.2)),
    "a baseline": ("beats_baselines", "failed", lambda evidence: evidence.update(majority=0.1, base_model=0.1)),
}  # fmt: skip


@pytest.mark.parametrize("case", ALTERED)
def test_altered_evidence_gives_another_verdict(case: str) -> None:
    """Outcome, sentence or a figure differs from what the receipt holds."""
    gate, outcome, alter = ALTERED[case]
    verdict = VERDICTS[gate][outcome]
    evidence = stored(verdict)
    alter(evidence)
    again = derive_again(gate, evidence)
    same = (again.outcome, again.reason, stored(again)) == (verdict.outcome, verdict.reason, evidence)
    assert not same


FIGURES: dict[str, tuple[dict[str, Any], dict[str, Any], list[str], bool]] = {
    "a last digit": ({"a": 0.1 + 0.2, "b": [{"c": 1 / 3}]}, {"a": 0.3, "b": [{"c": 1 / 3 + 1e-16}]}, [], False),
    "more than rounding": ({"a": 0.3}, {"a": 0.3001}, ["a"], False),
    "another draw": ({"chance": 0.1, "excess": 0.2}, {"chance": 0.11, "excess": 0.19}, [], True),
    "another p": ({"p": 0.004}, {"p": 0.006}, [], True),
    "more than a draw": ({"p": 0.004}, {"p": 0.4}, ["p"], False),
    "a figure that is gone": ({"a": 0.3, "b": None}, {"b": None, "c": 1}, ["a"], False),
    "a number for a word": ({"a": 1, "b": True}, {"a": "1", "b": 1}, ["a", "b"], False),
    "fewer in a list": ({"a": [1, 2]}, {"a": [1]}, ["a"], False),
}  # fmt: skip


@pytest.mark.parametrize("case", FIGURES)
def test_figures_are_compared_to_the_rounding_of_libraries(case: str) -> None:
    """Figures to nine digits, those of a resampling to its error, all else exactly."""
    then, now, odd, drawn = FIGURES[case]
    assert list_differences(then, now) == (odd, drawn)


def test_each_gate_of_the_data_is_derived_from_its_evidence() -> None:
    """A gate on rows or examples needs no home; for others and for unknown ones it is said that they do."""
    assert set(gates_on("rows", "examples")) <= set(VERDICTS)
    for gate in set(GATES) - set(VERDICTS):
        with pytest.raises(RatchetError, match=r"its evidence lacks|does not judge the evidence of its receipt alone"):
            derive_again(gate, {})
    for gate in ("../row_quality", "registry", "spelling"):
        with pytest.raises(RatchetError, match="does not judge the evidence of its receipt alone"):
            derive_again(gate, {})
