"""Signed receipts of every gate's own rule on drawn figures, for tests and measurements of their verification.

Add here the figures of another gate. Altered ones are `altered_receipts.py`.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.config.policy import Limits
from ratchet.core.digests import digest_json
from ratchet.core.verdict import Verdict
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.chain import Link, chain_until, needed_digests
from ratchet.gates.label_agreement import decide_agreement, with_earlier_weeks
from ratchet.gates.label_distribution import decide_distribution
from ratchet.gates.leakage import Leak, decide_leakage
from ratchet.gates.registry import ASSETS, WORDING
from ratchet.gates.row_quality import decide_row_quality
from ratchet.metrics.agreement import Agreement
from ratchet.storage.receipt_file import Receipt

_MADE = dict(zip(ASSETS, ("logs", "labels", "training_set", "plan", "adapter", "answers"), strict=False))
_LABELS = ("amber", "green", "violet")


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


RULES: dict[str, Callable[[random.Random], Verdict]] = {
    "row_quality": _rows,
    "label_agreement": _agreement,
    "label_distribution": _distribution,
    "leakage": _leakage,
    "beats_baselines": _baselines,
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
