"""Chain of a cycle: the digests of what each stage read and made, compared with what the gates judged.

A cycle is a sequence of steps that the UI can also run alone. Add here what a step must have read for the verdicts to
be about the adapter; whether the verdicts let it pass is `eligibility.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.data.given_examples import BY_TEXT
from ratchet.gates.eligibility import JudgedReceipt
from ratchet.gates.registry import ASSETS, AUDIT_GATES, REGISTRY, STAGES, Subject

FILES = {"policy": "classifier.toml", "golden": "golden.jsonl"}
"""Files that a cycle reads more than once, by the name of their digest: all readings must be the same."""
WORDS = {
    "logs": "production logs",
    "labels": "labels",
    "training_set": "examples",
    "plan": "training",
    "adapter": "adapter",
    "answers": "answers",
    "audit": "audit",
}
"""Things that stages make, by the name of their digest."""
_NEVER_WITHOUT_LINKS = frozenset({"labels", "answers"})
"""Digests that only receipts of versions with links hold."""
_JUDGED: Mapping[Subject, tuple[str, ...]] = {
    "rows": ("labels",),
    "examples": ("training_set",),
    "plan": ("training_set",),
    "files": ("training_set", "adapter"),
    "answers": ("training_set", "adapter", "answers"),
    "audit": ("training_set", "adapter", "answers", "audit"),
}
"""Digests that a receipt must hold, by what its gate judges."""


def needed_digests(gate: str) -> tuple[str, ...]:
    """Return the names of the digests that the receipt of `gate` must hold; none of a gate that this version lacks."""
    return next((_JUDGED[row.judges] for row in REGISTRY if row.name == gate), ())


@dataclass(frozen=True)
class Link:
    """One stage as it last ran: digests of what it read and of what it made, by name."""

    made: Mapping[str, str] = field(default_factory=dict)
    read: Mapping[str, str] = field(default_factory=dict)


def chain_until(links: Mapping[str, Link], gate: str) -> list[dict[str, Any]]:
    """Return the steps that `gate` follows, oldest first: each with what it read and made, chained by digest."""
    last = next((row.stage for row in REGISTRY if row.name == gate), ASSETS[-1])
    chain: list[dict[str, Any]] = []
    for stage in ASSETS[: ASSETS.index(last) + 1]:
        if stage in links:
            step = {"step": stage, "read": dict(links[stage].read), "made": dict(links[stage].made)}
            step["previous"] = chain[-1]["digest"] if chain else ""
            chain.append({**step, "digest": digest_json(step)})
    return chain


def find_gap(gate: str, chain: Sequence[Mapping[str, Any]], binds: Mapping[str, Any]) -> str:
    """Return why the digests of a receipt do not form a chain, '' where they do; raises KeyError for a step that lacks
    something.

    Each step must repeat the digest of the one before and have read what earlier ones made, and the gate must have
    judged what the chain made.
    """
    made: dict[str, str] = {}
    previous = ""
    for step in chain:
        content = {key: step[key] for key in ("step", "read", "made", "previous")}
        if step["previous"] != previous or digest_json(content) != step["digest"]:
            return f"step {step['step']} does not continue the chain"
        for name, digest in step["read"].items():
            if made.get(name, digest) != digest:
                return f"step {step['step']} read other {WORDS.get(name, name)} than were made"
        made |= step["made"]
        previous = step["digest"]
    for name in [*needed_digests(gate), *(name for name in binds if name in made)]:
        if chain and name in made and binds.get(name) != made[name]:
            return f"{gate} judged other {WORDS.get(name, name)} than were made"
    return ""


def learned_weeks(receipts: Mapping[str, JudgedReceipt]) -> set[str]:
    """Return the weeks whose examples trained or calibrated the candidate, as its receipts name them."""
    return {week for receipt in receipts.values() for week in receipt.binds.get("weeks", ())}


def judged_on_examples(receipts: Mapping[str, JudgedReceipt]) -> bool:
    """True where the candidate was judged by labelled examples, since no request was labelled: a person promotes it."""
    return any(receipt.binds.get("split_by") == BY_TEXT for receipt in receipts.values())


def has_changed(name: str, stage: str, links: Mapping[str, Link], now: Collection[str]) -> bool:
    """True where a stage before `stage` read the file of digest `name` when it had none of the digests `now`.

    What later stages read does not count: a stage that begins again makes theirs void.
    """
    before = [links[each].read for each in STAGES[: STAGES.index(stage)] if each in links]
    return any(name in read and read[name] not in now for read in before)


def find_break(links: Mapping[str, Link], receipts: Mapping[str, JudgedReceipt]) -> str:
    """Return why a cycle's verdicts are not about what its stages made, '' where they are.

    Every stage must have read what the stage before it made last, and every gate must have judged it. A cycle of a
    version without links has none, and is not asked.
    """
    if not links:
        lost = any(_NEVER_WITHOUT_LINKS & receipt.binds.keys() for receipt in receipts.values())
        return "the notes of what its steps read and made are missing" if lost else ""
    # A candidate of a version without audits answers for the gates of its entry; whoever enters needs all of them.
    stages = [stage for stage in ASSETS if stage != "gate_audit" or stage in links or {*AUDIT_GATES} & receipts.keys()]
    if missing := [stage for stage in stages if stage not in links]:
        return f"its {missing[0]} was not made when its other steps were"
    makers = {name: stage for stage in stages for name in links[stage].made}
    made = {name: links[stage].made[name] for name, stage in makers.items()}
    for stage in stages:
        for name, digest in links[stage].read.items():
            if name in made and digest != made[name]:
                return f"{makers[name]} ran again after {stage}, which read other {WORDS[name]}"
    for gate, receipt in receipts.items():
        for name in (*needed_digests(gate), *(name for name in receipt.binds if name in made)):
            if receipt.binds.get(name) != made[name]:
                return f"{makers[name]} ran again after {gate}, which judged other {WORDS[name]}"
    for name, file in FILES.items():
        readings = [link.read.get(name) for link in links.values()]
        readings += [receipt.binds.get(name) for receipt in receipts.values()]
        if len(set(filter(None, readings))) > 1:
            return f"{file} changed while its cycle ran"
    return ""
