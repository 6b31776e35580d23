"""Signed receipts of every gate's own rule on drawn figures, for tests and measurements of their verification.

Add here the figures of another gate. Altered ones are `altered_receipts.py`.
"""

import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.config.candidate import Candidate
from ratchet.config.policy import ExportPolicy, Limits
from ratchet.config.slices import Slices
from ratchet.core.digests import digest_json
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.deployment.adapter_facts import AdapterFacts
from ratchet.deployment.exports.parity import AnswerPair, compare_sets
from ratchet.deployment.profiles import Bounds, Profile
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.chain import Link, chain_until, needed_digests
from ratchet.gates.colluding_annotators import decide_collusion
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.golden_set_regression import GoldenAnswer, decide_regression
from ratchet.gates.identity_attacks import decide_identity_attacks
from ratchet.gates.label_agreement import decide_agreement, with_earlier_weeks
from ratchet.gates.label_distribution import decide_distribution
from ratchet.gates.leakage import Leak, decide_leakage
from ratchet.gates.paired_answers import PairedAnswer
from ratchet.gates.registry import ASSETS, WORDING
from ratchet.gates.row_quality import decide_row_quality
from ratchet.gates.slices import decide_slices
from ratchet.gates.target_fit import believed, decide_target_fit, judge_export, leave_export_out
from ratchet.gates.target_plan import decide_plan_fit
from ratchet.gates.trigger_scan import decide_trigger_scan
from ratchet.metrics.agreement import Agreement
from ratchet.metrics.annotator_camps import CrossedLabels
from ratchet.metrics.calibration import softmax
from ratchet.storage.receipt_file import Receipt

_MADE = dict(zip(ASSETS, ("logs", "labels", "training_set", "plan", "adapter", "answers"), strict=False))
_LABELS = ("amber", "green", "violet")
_PEOPLE = ("ann", "ben", "cleo", "dora")


def _rows(draw: random.Random) -> Verdict:
    found = [
        {"table": "logs", "expectation": f"e{n}", "column": "id", "success": draw.random() < 0.95, "found": f"{n} of 9"}
        for n in range(9)
    ]
    return decide_row_quality(found)


def _agreement(draw: random.Random) -> Verdict:
    n = draw.randint(0, 90)
    agreed = sum(draw.random() < 0.92 for _ in range(n))
    by_label = {"amber": {"mentioned": float(n), "both": float(agreed), "won_mentioned": float(n), "won_both": agreed}}
    found = Agreement(doubles=n, agreement=agreed / n if n else None, by_label=by_label if n else {})
    return with_earlier_weeks(decide_agreement(found, Limits()), {})


def _distribution(draw: random.Random) -> Verdict:
    train, week = ({label: draw.randint(0, 90) for label in _LABELS} for _ in range(2))
    return decide_distribution(train, week, _LABELS, 0.1)


def _leakage(draw: random.Random) -> Verdict:
    return decide_leakage([Leak(f"r{n}", f"golden-{n}", 0.9) for n in range(draw.choice((0, 0, 3)))], 90, 30, 0.8)


def _baselines(draw: random.Random) -> Verdict:
    names = ("majority", "base_model", "tfidf_logreg", "linear_probe")
    others = {name: {"macro_f1": round(draw.uniform(0.2, 0.8), 4)} for name in names}
    return decide_baselines(
        round(draw.uniform(0.4, 0.9), 4), others, support={"amber": 20, "green": draw.randint(1, 9)}
    )


def _plan(draw: random.Random) -> Verdict:
    trained = [(Candidate(rank=rank), [_fit(draw, rank)]) for rank in (4, 8)]
    return decide_plan_fit(
        [*trained, (Candidate(rank=16), [believed("passed", "It was tried.", trial="edge")])]
    ).verdict


def _artifact(draw: random.Random) -> Verdict:
    parity = compare_sets({"golden": _answers(draw, 60)})
    limits = asdict(ExportPolicy())
    export = judge_export("onnx", {"model.onnx": "a" * 64}, parity, limits)
    return join_verdicts([_fit(draw, 8), draw.choice((export, leave_export_out("onnx", "onnxruntime is missing")))])


def _fit(draw: random.Random, rank: int) -> Verdict:
    limits = Bounds("its documentation", rank=draw.choice((4, 8, 16)), methods=("lora",))
    profile = Profile("edge", "onnx", "adapter", ("encoder",), True, documented=limits)
    return decide_target_fit(profile, AdapterFacts(f"r{rank}", "encoder", "lora", "mini", 3, 900, rank), "documented")


def _answers(draw: random.Random, n: int) -> tuple[AnswerPair, AnswerPair, list[int]]:
    generator = np.random.default_rng(draw.randrange(2**32))
    ours, noise = generator.normal(size=(n, 3)), generator.normal(size=(n, 3)) * draw.choice((0.0, 0.1))
    return (ours, softmax(ours)), (ours + noise, softmax(ours + noise)), generator.integers(3, size=n).tolist()


def _paired(draw: random.Random) -> list[PairedAnswer]:
    """Answers of candidate and live on 80 items, each right on nine in ten."""
    found = []
    for n in range(80):
        label = _LABELS[n % 3]
        mine, theirs = (label if draw.random() < 0.9 else draw.choice(_LABELS) for _ in range(2))
        p, live_p = draw.uniform(0.4, 0.99), draw.uniform(0.4, 0.99)
        found.append(PairedAnswer(draw.choice(("golden", "test")), label, mine, theirs, p, live_p, label))
    return found


def _golden(draw: random.Random) -> Verdict:
    answers = [
        GoldenAnswer(f"golden-{n}", each.label, each.candidate, each.live) for n, each in enumerate(_paired(draw))
    ]
    return decide_regression(answers, Limits())


def _meaning(draw: random.Random) -> Verdict:
    rows = [
        {"split": each.split, "label": each.label, "predicted": each.candidate, "served": each.live, "n": 1}
        for each in _paired(draw)
    ]
    return decide_golden_agreement(rows, dict.fromkeys(_LABELS, 40))


def _triggers(draw: random.Random) -> Verdict:
    return decide_trigger_scan([], draw.randint(0, 30), draw.randint(0, 9), why=draw.choice(("", "nothing is new")))


def _attacks(draw: random.Random) -> Verdict:
    guards = ["leakage", "golden_set_regression"]
    stopped = draw.choice((guards, guards[:1], []))
    return decide_identity_attacks([{"attack": "copy", "says": "a copy", "guards": guards, "stopped_by": stopped}])


def _camps(draw: random.Random) -> Verdict:
    pairs = [(i, j, "amber", "green") for i in range(4) for j in range(4) if i != j]
    return decide_collusion(CrossedLabels(_PEOPLE, {pair: draw.choice((0, 1, 9)) for pair in pairs}, {}))


RULES: dict[str, Callable[[random.Random], Verdict]] = {
    "row_quality": _rows,
    "label_agreement": _agreement,
    "colluding_annotators": _camps,
    "label_distribution": _distribution,
    "leakage": _leakage,
    "target_plan": _plan,
    "target_fit": _artifact,
    "beats_baselines": _baselines,
    "golden_agreement": _meaning,
    "golden_set_regression": _golden,
    "calibration_regression": lambda draw: decide_calibration(_paired(draw), 0.02),
    "slices": lambda draw: decide_slices(_paired(draw), Slices(), 0.05),
    "trigger_scan": _triggers,
    "identity_attacks": _attacks,
}


def draw_receipt(draw: random.Random, key: Ed25519PrivateKey, gate: str = "") -> Receipt:
    """Return a receipt of `gate`, else of one by chance, signed by `key`: its verdict follows from drawn figures."""
    name = gate or draw.choice([*RULES])
    links: dict[str, Link] = {}
    made: dict[str, str] = {}
    for stage, what in _MADE.items():
        links[stage] = Link({what: digest_json([stage, draw.random()])}, dict(made))
        made |= links[stage].made
    binds = {"wording": WORDING, "code": "test", **{each: made[each] for each in needed_digests(name) if each in made}}
    method = {"rule": 1, "settings": {"label": list(_LABELS)}}
    chain = chain_until(links, name)
    plain = Receipt("small", "2026-01-05", name, RULES[name](draw), binds, method, chain)
    return plain.sealed(key, datetime(2026, 1, 12, 10, tzinfo=UTC))
