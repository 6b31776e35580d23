"""Fit of an adapter for a deployment target, as a pure decision; every reason comes with a hint.

Add the rule of a new kind of limit here, beside its field in `ratchet/deployment/profiles.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.config.policy import ExportPolicy
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.deployment.adapter_facts import AdapterFacts, last_part
from ratchet.deployment.exports.parity import judge_evidence
from ratchet.deployment.profiles import OF_ADAPTERS, Accept, Bounds, Profile, narrower

_AT_MOST = {
    "rank": ("rank", "Set rank = {limit} or less"),
    "adapter_bytes": ("adapter bytes", "Lower the rank, or name fewer target_modules"),
    "labels": ("labels", "Merge labels, or split the classifier"),
}
_AMONG = {
    "target_modules": ("target modules", "Set target_modules to some of {limit}"),
    "methods": ("method", "Train by one of {limit}"),
    "bases": (
        "base",
        "Set base to one of {limit}: one of the Hub with its commit (org/name@commit), or a folder of that name",
    ),
}
_FIELD = {"methods": "method", "bases": "base"}


def limit_of(profile: Profile, name: str, accept: Accept) -> tuple[Any, str]:
    """Return the limit that counts and its origin; None if unknown.

    With `documented` it is the documented one. With `proven` it is the proven one, as far as it is documented too: what
    worked beyond the documentation may stop working.
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
    """Decide whether `facts` are within the limits of `profile` that `accept` selects.

    An unknown limit blocks nothing; the reason names it, where the target has limits at all.
    """
    reasons: list[str] = []
    unknown: list[str] = []
    if facts.family not in profile.families:
        serving = ", ".join(profile.families)
        reasons.append(
            f"family {facts.family} is not served (serves {serving}). Train family {serving}, or choose another target"
        )
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
    return Verdict("passed", _describe_fit(profile, facts, accept, unknown), evidence)


def _describe_fit(profile: Profile, facts: AdapterFacts, accept: Accept, unknown: Sequence[str]) -> str:
    if profile.name == "in_process":
        # The gateway is ours: a limit that its profile does not name does not exist, so none is unknown.
        return f"{facts.what} runs in_process."
    if not (profile.documented.known or profile.proven.known):
        return f"{facts.what} fits {profile.name}."
    known = f" by its {accept} limits" if profile.documented.known or accept == "proven" else ""
    rest = f"; unknown there: {', '.join(unknown)}" if unknown else ""
    return f"{facts.what} fits {profile.name}{known}{rest}."


def _same(limit: Any, whole: Any) -> bool:
    return set(limit) == set(whole) if isinstance(limit, tuple) else bool(limit == whole)


def _judge_delivery(profile: Profile, facts: AdapterFacts) -> tuple[str, str] | None:
    """Return the reason and hint when the trained model cannot be delivered in the form that the target takes."""
    if profile.takes == "merged" and facts.method == "probe":
        hint = "Train by lora, or choose a target that takes adapters"
        return "it takes models with the adapter merged in, and a probe cannot be merged into its base", hint
    if profile.takes == "adapter" and facts.method == "full" and profile.runtime != "in_process":
        hint = "Train by lora, or choose a target that takes merged models"
        return "it takes adapters beside its own base, and a fully trained model is not an adapter", hint
    return None


def _judge(name: str, limit: Any, facts: AdapterFacts) -> tuple[str, str] | None:
    """Return the violation of the limit and a hint, or None."""
    value = getattr(facts, _FIELD.get(name, name))
    if value is None:
        return None
    if name == "heads":
        hint = "Choose a target that serves heads, or a family without one"
        return ("it has fully trained modules, which are not taken", hint) if value and not limit else None
    if name in _AT_MOST:
        word, hint = _AT_MOST[name]
        return (f"{word} {value} is above {limit}", hint.format(limit=limit)) if value > limit else None
    word, hint = _AMONG[name]
    known = [last_part(each) for each in limit] if name == "bases" else limit
    beyond = [each for each in ((value,) if isinstance(value, str) else value) if each not in known]
    taken = ", ".join(limit)
    return (f"{word} {', '.join(beyond)} not taken (takes {taken})", hint.format(limit=taken)) if beyond else None


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    return join_verdicts([judge_record(record) for record in evidence["fits"]])


def judge_export(kind: str, files: Mapping[str, str], parity: Mapping[str, Any], limits: Mapping[str, Any]) -> Verdict:
    """Return the verdict of parity on an export, with the limits behind it in the evidence."""
    found = judge_evidence(parity, ExportPolicy(**limits))
    reason = f"Its {kind} export {'may' if found.passed else 'may not'} answer in its place: {found.reason}"
    evidence = {"export": kind, "files": dict(files), "parity": found.evidence, "limits": dict(limits)}
    return Verdict(found.outcome, reason, evidence)


def leave_export_out(kind: str, why: str) -> Verdict:
    """Return the verdict on an export that was not compared."""
    reason = f"Its {kind} export was not compared here because {why}."
    return Verdict("inconclusive", reason, {"export": kind, "files": {}, "why": why})


def judge_record(record: Mapping[str, Any]) -> Verdict:
    """Return the verdict that follows from one record of a target; KeyError for one of an earlier version.

    A trial, and a candidate that could not be inspected, are believed as they stand: nobody else has tried them.
    """
    if "target" in record:
        return decide_target_fit(_profile_of(record["target"]), _facts_of(record["adapter"]), record["accept"])
    if "export" in record:
        if record["files"]:
            return judge_export(record["export"], record["files"], record["parity"], record["limits"])
        return leave_export_out(record["export"], record["why"])
    return Verdict(record["outcome"], record["reason"], dict(record))


def believed(outcome: Any, reason: str, **what: str) -> Verdict:
    """Return the verdict of something that was tried or could not be, whose record says all of it."""
    return Verdict(outcome, reason, {**what, "outcome": outcome, "reason": reason})


def _profile_of(record: Mapping[str, Any]) -> Profile:
    levels = {level: Bounds(**_as_tuples(record[level])) for level in ("documented", "proven")}
    return Profile(**{**_as_tuples(record), **levels})


def _facts_of(record: Mapping[str, Any]) -> AdapterFacts:
    return AdapterFacts(**_as_tuples(record))


def _as_tuples(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in record.items()}
