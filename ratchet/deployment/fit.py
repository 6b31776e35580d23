"""Fit: does an adapter fit a deployment target? A pure decision; every reason comes with its cure.

Add the rule of a new kind of limit here, beside its field in `profile.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from ratchet.deployment.facts import AdapterFacts
from ratchet.deployment.profile import Profile
from ratchet.gates import Verdict
from ratchet.names import nearest
from ratchet.refusal import refuse
from ratchet.spec import Spec

Accept = Literal["documented", "proven"]
_AT_MOST = {
    "rank": ("rank", "Set rank = {limit} or less"),
    "adapter_bytes": ("adapter bytes", "Lower the rank, or name fewer target_modules"),
    "labels": ("labels", "Merge labels, or split the classifier"),
}
_AMONG = {
    "target_modules": ("target modules", "Set target_modules to some of {limit}"),
    "methods": ("method", "Train by one of {limit}"),
    "bases": ("base", "Start from one of {limit}"),
}
_FIELD = {"methods": "method", "bases": "base"}


def limit_of(profile: Profile, name: str, accept: Accept) -> tuple[Any, str]:
    """The limit that counts and where it comes from: by `proven` the proven one, else the documented one; None if unknown."""
    for level in ("proven", "documented") if accept == "proven" else ("documented",):
        if (limit := getattr(getattr(profile, level), name)) is not None:
            return limit, level
    return None, "unknown"


def decide_target_fit(profile: Profile, facts: AdapterFacts, accept: Accept) -> Verdict:
    """Whether `facts` stay within the limits of `profile` that `accept` names; an unknown limit blocks nothing and is named."""
    reasons: list[str] = []
    unknown: list[str] = []
    if facts.family not in profile.families:
        serving = ", ".join(profile.families)
        reasons.append(f"family {facts.family} is not served (serves {serving}). Train family {serving}, or take another target")
    for name in (*_AT_MOST, *_AMONG, "heads"):
        limit, level = limit_of(profile, name, accept)
        if limit is None:
            unknown.append(name)
        elif (reason := _judge(name, limit, facts)) is not None:
            reasons.append(f"{reason[0]} ({level}). {reason[1]}")
    evidence = {"target": profile.as_json(), "accept": accept, "adapter": facts.as_json(), "unknown": unknown}
    if reasons:
        return Verdict("failed", f"{facts.what} does not fit {profile.name}: {'; '.join(reasons)}.", evidence)
    rest = f"; unknown there: {', '.join(unknown)}" if unknown else ""
    return Verdict("passed", f"{facts.what} fits {profile.name} by its {accept} limits{rest}.", evidence)


def join_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of many: failed when one failed, with the sentence of every one that did."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    reason = " ".join(verdict.reason for verdict in failed or verdicts)
    return Verdict("failed" if failed else "passed", reason, {"fits": [verdict.evidence for verdict in verdicts]})


def choose_targets(spec: Spec, known: Mapping[str, Profile]) -> tuple[tuple[Profile, Accept], ...]:
    """The targets that `spec` names, `in_process` where it names none; refuses unknown ones, and stakes without probabilities."""
    if not spec.target:
        return ((known["in_process"], "proven"),)
    for target in spec.target:
        if target.name not in known:
            raise refuse(
                f"[[target]] {target.name!r} is unknown (has: {', '.join(sorted(known))}).",
                f"{nearest(target.name, known)} Name one of them, or describe it in targets.toml.".strip(),
            )
    chosen = tuple((known[target.name], target.accept) for target in spec.target)
    high = [label.name for label in spec.label if label.stakes == "high" and label.threshold > 0]
    if high and not any(profile.log_probabilities for profile, _ in chosen):
        raise refuse(
            f"label {high[0]!r} has high stakes and a threshold, but {' and '.join(p.name for p, _ in chosen)} "
            f"give{'s' if len(chosen) == 1 else ''} no log-probabilities: its confidence cannot be calibrated.",
            'Add a second [[target]] that gives them, for instance name = "in_process", or set its threshold to 0.',
        )
    return chosen


def _judge(name: str, limit: Any, facts: AdapterFacts) -> tuple[str, str] | None:
    """What is beyond the limit and the cure, or None."""
    found = getattr(facts, _FIELD.get(name, name))
    if name == "heads":
        cure = "Take a target that serves heads, or a family without one"
        return ("it holds modules that were trained whole, which are not taken", cure) if found and not limit else None
    if name in _AT_MOST:
        word, cure = _AT_MOST[name]
        return (f"{word} {found} is above {limit}", cure.format(limit=limit)) if found is not None and found > limit else None
    word, cure = _AMONG[name]
    beyond = [each for each in ((found,) if isinstance(found, str) else found) if each not in limit]
    taken = ", ".join(limit)
    return (f"{word} {', '.join(beyond)} not taken (takes {taken})", cure.format(limit=taken)) if beyond else None
