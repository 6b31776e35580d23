"""Fit: does an adapter fit a deployment target? A pure decision; every reason comes with its cure.

Add the rule of a new kind of limit here, beside its field in `profile.py`.
"""

from collections.abc import Sequence
from typing import Any, Literal

from ratchet.deployment.facts import AdapterFacts, last_part
from ratchet.deployment.profile import OF_ADAPTERS, Profile, narrower
from ratchet.gates import Verdict

Accept = Literal["documented", "proven"]
_AT_MOST = {
    "rank": ("rank", "Set rank = {limit} or less"),
    "adapter_bytes": ("adapter bytes", "Lower the rank, or name fewer target_modules"),
    "labels": ("labels", "Merge labels, or split the classifier"),
}
_AMONG = {
    "target_modules": ("target modules", "Set target_modules to some of {limit}"),
    "methods": ("method", "Train by one of {limit}"),
    "bases": ("base", "Set base to one of {limit}: one of the Hub with its commit (org/name@commit), or a folder of that name"),
}
_FIELD = {"methods": "method", "bases": "base"}


def limit_of(profile: Profile, name: str, accept: Accept) -> tuple[Any, str]:
    """The limit that counts and where it comes from; None if unknown.

    By `documented` it is the documented one. By `proven` it is what was proven, where that is documented too: what worked
    beyond its makers' word may stop tomorrow.
    """
    documented, proven = getattr(profile.documented, name), getattr(profile.proven, name)
    if accept == "documented" or proven is None:
        return (None, "unknown") if documented is None else (documented, "documented")
    if documented is None:
        return proven, "proven"
    limit = narrower(documented, proven)
    levels = [level for level, whole in (("proven", proven), ("documented", documented)) if _same(limit, whole)]
    return limit, levels[0] if levels else "documented and proven"


def decide_target_fit(profile: Profile, facts: AdapterFacts, accept: Accept) -> Verdict:
    """Whether `facts` stay within the limits of `profile` that `accept` names; an unknown limit blocks nothing and is named."""
    reasons: list[str] = []
    unknown: list[str] = []
    if facts.family not in profile.families:
        serving = ", ".join(profile.families)
        reasons.append(f"family {facts.family} is not served (serves {serving}). Train family {serving}, or take another target")
    if (reason := _judge_delivery(profile, facts)) is not None:
        reasons.append(". ".join(reason))
    for name in (*_AT_MOST, *_AMONG, "heads"):
        limit, level = limit_of(profile, name, accept)
        if limit is None:
            unknown += [] if profile.takes == "merged" and name in OF_ADAPTERS else [name]
        elif (reason := _judge(name, limit, facts)) is not None:
            reasons.append(f"{reason[0]} ({level}). {reason[1]}")
    evidence = {"target": profile.as_json(), "accept": accept, "adapter": facts.as_json(), "unknown": unknown}
    if reasons:
        return Verdict("failed", f"{facts.what} does not fit {profile.name}: {'; '.join(reasons)}.", evidence)
    rest = f"; unknown there: {', '.join(unknown)}" if unknown else ""
    known = f" by its {accept} limits" if profile.documented.known or (accept == "proven" and profile.proven.known) else ""
    return Verdict("passed", f"{facts.what} fits {profile.name}{known}{rest}.", evidence)


def join_verdicts(verdicts: Sequence[Verdict]) -> Verdict:
    """One verdict of many: failed when one failed, with the sentence of every one that did; no pass where one is none."""
    failed = [verdict for verdict in verdicts if not verdict.passed]
    said = " ".join(verdict.reason for verdict in failed or verdicts)
    evidence = {"fits": [verdict.evidence for verdict in verdicts]}
    if failed:
        return Verdict("failed", f"Fails: {said}", evidence)
    if any(verdict.outcome == "inconclusive" for verdict in verdicts):
        return Verdict("inconclusive", f"No verdict: {said}", evidence)
    return Verdict("passed", f"Passes: {said}", evidence)


def _same(limit: Any, whole: Any) -> bool:
    return set(limit) == set(whole) if isinstance(limit, tuple) else bool(limit == whole)


def _judge_delivery(profile: Profile, facts: AdapterFacts) -> tuple[str, str] | None:
    """Why what was trained cannot be delivered in the form that the target takes, and the cure."""
    if profile.takes == "merged" and facts.method == "probe":
        cure = "Train by lora, or take a target that takes adapters"
        return "it takes models with the adapter merged in, and a probe cannot be merged into its base", cure
    if profile.takes == "adapter" and facts.method == "full" and profile.runtime != "in_process":
        cure = "Train by lora, or take a target that takes merged models"
        return "it takes adapters beside its own base, and a model that was trained whole is none", cure
    return None


def _judge(name: str, limit: Any, facts: AdapterFacts) -> tuple[str, str] | None:
    """What is beyond the limit and the cure, or None."""
    found = getattr(facts, _FIELD.get(name, name))
    if found is None:
        return None
    if name == "heads":
        cure = "Take a target that serves heads, or a family without one"
        return ("it holds modules that were trained whole, which are not taken", cure) if found and not limit else None
    if name in _AT_MOST:
        word, cure = _AT_MOST[name]
        return (f"{word} {found} is above {limit}", cure.format(limit=limit)) if found > limit else None
    word, cure = _AMONG[name]
    known = [last_part(each) for each in limit] if name == "bases" else limit
    beyond = [each for each in ((found,) if isinstance(found, str) else found) if each not in known]
    taken = ", ".join(limit)
    return (f"{word} {', '.join(beyond)} not taken (takes {taken})", cure.format(limit=taken)) if beyond else None
