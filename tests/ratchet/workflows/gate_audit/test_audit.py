"""Each gate stops an attack that no other one stops; switched off, it lets that attack through."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.config.spec import Label, Spec
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import choose_targets
from ratchet.evaluation.gate_audit.attack import ATTACKS, NOMINATION, RECEIPTS, ROLLOUT
from ratchet.evaluation.gate_audit.matrix import table_of_audit
from ratchet.evaluation.gate_audit.score_copies import common_label, lose, make_twin, soften
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.identity_attacks import decide_identity_attacks
from ratchet.gates.registry import GATES
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats
from ratchet.metrics.intervals import proportion_interval
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.target_profiles import read_targets
from ratchet.workflows.gate_audit.audit import audit_gates, play
from ratchet.workflows.gate_audit.case import AuditCase
from ratchet.workflows.gate_audit.measured_power import POWERS
from ratchet.workflows.gate_audit.trained_attacks import Probes

WORDS = ("refund", "parcel", "login", "invoice", "booking", "outage")
SPEC = Spec("tickets", tuple(Label(word) for word in WORDS))
BASELINES = {name: {"macro_f1": 0.2, "ece": 0.1} for name in ("majority", "tfidf_logreg", "linear_probe", "base_model")}
ALONE = {
    NOMINATION: "stale_weights",
    ROLLOUT: "worse_in_traffic",
    RECEIPTS: "receipt_bit",
    "leakage": "planted_leak",
    "row_quality": "broken_row",
    "label_distribution": "missing_class",
    "target_plan": "unfit_plan",
    "target_fit": "unfit_adapter",
    "label_agreement": "random_annotator",
    "colluding_annotators": "colluders",
    "beats_baselines": "nothing_learned",
    "golden_set_regression": "worse_on_golden",
    "calibration_regression": "unsure",
    "slices": "worse_slice",
    "golden_agreement": "flipped_class",
    "trigger_scan": "trigger",
}
"""The attack that each gate alone stops."""


def make_split(name: str, n: int) -> Split:
    """Made-up tickets, their labels by turns; each text holds its label's word, and others."""
    draw = np.random.default_rng(len(name))
    truth = np.arange(n) % len(WORDS)
    labels = np.where(draw.random(n) < 0.08, (truth + 1) % len(WORDS), truth)  # as people do
    texts = tuple(f"{WORDS[word]} ticket {draw.integers(10_000)} of {name}" for word in truth)
    return Split(name, tuple(f"{name}-{i}" for i in range(n)), texts, labels.astype(np.int64))


def answer(split: Split, accuracy: float = 0.92) -> Scored:
    """Answers of a model that is right on a share of the items and not sure of itself."""
    draw = np.random.default_rng(1)
    given = np.where(draw.random(len(split.labels)) < accuracy, split.labels, (split.labels + 1) % len(WORDS))
    p = softmax(np.eye(len(WORDS))[given] * 4 + draw.random((len(given), len(WORDS))))
    return Scored(split, p, p)


def embed(texts: Sequence[str]) -> Floats:
    """Features that count words, those of labels and any other by its letters."""
    rows = np.zeros((len(texts), 64))
    for row, text in zip(rows, texts, strict=True):
        for word in text.split():
            row[WORDS.index(word) if word in WORDS else 6 + sum(map(ord, word)) % 58] += 1
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> AuditCase:
    """A week of a busy classifier whose candidate is honest."""
    folder, key = tmp_path_factory.mktemp("receipts"), Ed25519PrivateKey.generate()
    receipt = Receipt("tickets", "2026-01-05", "leakage", Verdict("passed", "Passes: all of it.", {"n": 3}), {})
    path = folder / "leakage.json"
    path.write_bytes(receipt.sealed(key, datetime(2026, 1, 12, tzinfo=UTC)).content)
    splits = {"train": make_split("train", 900), "test": make_split("test", 1800), "golden": make_split("golden", 420)}
    answers = {name: answer(splits[name]) for name in ("test", "golden")}
    history = [
        {"label": word, "predicted": other, "n": n}
        for place, word in enumerate(WORDS)
        for other, n in ((word, 920), (WORDS[(place + 1) % 6], 80))
    ]
    return AuditCase(
        spec=SPEC, adapter="a" * 64, splits=splits, answers=answers, baselines=BASELINES, is_probe=False,
        requests=dict.fromkeys(WORDS, 300), before=history, embed=embed, embed_once=embed,
        targets=choose_targets(SPEC, read_targets(Home(folder))), weights="w" * 64, receipts=[path],
        report=json.dumps({"adapter": "a"}).encode(), gate_key=key.public_key().public_bytes_raw().hex(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def probes(case: AuditCase) -> Probes:
    """The honest probe, trained once."""
    return Probes(case)


def test_every_gate_has_an_attack_that_it_alone_stops() -> None:
    """The gate that watches the others is shown by switching one of them off."""
    assert set(ALONE) == {*GATES, NOMINATION, ROLLOUT, RECEIPTS} - {"identity_attacks"}
    assert {attack.name for attack in ATTACKS} >= set(ALONE.values())
    assert len(ATTACKS) <= 22
    assert {guard for attack in ATTACKS for guard in attack.guards} == set(ALONE)


@pytest.mark.parametrize(
    "gate",
    [pytest.param(gate, marks=pytest.mark.faults) if gate == "row_quality" else gate for gate in ALONE],
)
def test_a_gate_that_is_switched_off_lets_its_attack_through(case: AuditCase, probes: Probes, gate: str) -> None:
    """With all gates awake the attack is stopped by this one alone."""
    attack = next(each for each in ATTACKS if each.name == ALONE[gate])
    assert play(case, attack, probes)["stopped_by"] == [gate]
    assert play(case, attack, probes, without={gate})["stopped_by"] == []


def test_a_sleeping_gate_is_named_and_blocks(case: AuditCase) -> None:
    """Only the check on the audit sees that the checks before a rollout let everything through."""
    awake, asleep = (
        decide_identity_attacks(audit_gates(case, 0.0, without=gates)["rows"]) for gates in ((), (NOMINATION,))
    )
    assert (awake.outcome, asleep.outcome) == ("passed", "failed")
    assert "old weights under another name got through, nomination slept" in asleep.reason
    assert decide_identity_attacks([]).outcome == "failed"
    late = [{"attack": "copy", "says": "a copy", "guards": ["nomination", "rollout"], "stopped_by": ["rollout"]}]
    assert decide_identity_attacks(late).reason.endswith("but nomination slept at a copy.")


def test_an_audit_stays_within_its_time_and_names_what_it_dropped(case: AuditCase) -> None:
    """By a clock that the test turns: identity attacks are played whatever they take, the others while time is left."""
    ticks = iter(range(100))  # three at each attack
    audit = audit_gates(case, 27, clock=lambda: next(ticks))
    played = [row["attack"] for row in audit["rows"]]
    identity = [attack.name for attack in ATTACKS if attack.kind == "identity"]
    assert played[: len(identity)] == identity
    assert len(identity) < len(played) < len(ATTACKS)
    assert len(played) + len(audit["dropped"]) == len(ATTACKS)
    assert all(says in audit["time_sentence"] for says in audit["dropped"])
    assert table_of_audit(audit)[0]["stopped by"] == "nomination, rollout"


def test_an_equal_model_passes_every_gate(case: AuditCase, probes: Probes) -> None:
    """The control: what stops it would stop honest weeks as well."""
    (control,) = [attack for attack in ATTACKS if attack.kind == "control"]
    row = play(case, control, probes)
    assert row["stopped_by"] == []
    assert {"golden_set_regression", "slices", ROLLOUT} <= set(row["played_by"])


@pytest.mark.parametrize("name", POWERS)
def test_the_power_that_is_measured_is_the_one_that_is_computed(case: AuditCase, name: str) -> None:
    """Within the exact 99.9 % interval of the draws, for a copy that is seen and for one that is not."""
    twin = make_twin(case.answers)
    split = "golden" if name == "worse_on_golden" else "test"
    spoilt = {
        "worse_on_golden": [lose(twin, split, share) for share in (0.02, 0.15)],
        "unsure": [soften(twin, temperature) for temperature in (1.0, 3.0)],
        "worse_slice": [twin, lose(twin, split, 0.09, common_label(twin))],
    }[name]
    for copy in spoilt:
        power = POWERS[name](case, copy)
        low, high = proportion_interval(power["stopped"], power["draws"], 0.999)
        assert low <= power["computed"] <= high, power
    assert power["computed"] > 0.5, power
