"""Fit: does an adapter fit a deployment target? A pure decision; every reason comes with its cure.

Add the rule of a new kind of limit here, beside its field in `ratchet/deployment/profiles.py`.
"""

from dataclasses import dataclass
from typing import Any

from ratchet.config.policy import ExportPolicy
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.deployment.adapter_facts import AdapterFacts, last_part
from ratchet.deployment.profiles import OF_ADAPTERS, Accept, Profile, narrower

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
    """The limit that counts and where it comes from; None if unknown.

    By `documented` it is the documented one. By `proven` it is what was proven, where that is documented too: what
    worked beyond its makers' word may stop tomorrow.
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
    """Whether `facts` stay within the limits of `profile` that `accept` names; an unknown limit blocks nothing and is
    named."""
    reasons: list[str] = []
    unknown: list[str] = []
    if facts.family not in profile.families:
        serving = ", ".join(profile.families)
        reasons.append(
            f"family {facts.family} is not served (serves {serving}). Train family {serving}, or take another target"
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
    rest = f"; unknown there: {', '.join(unknown)}" if unknown else ""
    known = (
        f" by its {accept} limits" if profile.documented.known or (accept == "proven" and profile.proven.known) else ""
    )
    return Verdict("passed", f"{facts.what} fits {profile.name}{known}{rest}.", evidence)


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
    result = getattr(facts, _FIELD.get(name, name))
    if result is None:
        return None
    if name == "heads":
        cure = "Take a target that serves heads, or a family without one"
        return ("it holds modules that were trained whole, which are not taken", cure) if result and not limit else None
    if name in _AT_MOST:
        word, cure = _AT_MOST[name]
        return (f"{word} {result} is above {limit}", cure.format(limit=limit)) if result > limit else None
    word, cure = _AMONG[name]
    known = [last_part(each) for each in limit] if name == "bases" else limit
    beyond = [each for each in ((result,) if isinstance(result, str) else result) if each not in known]
    taken = ", ".join(limit)
    return (f"{word} {', '.join(beyond)} not taken (takes {taken})", cure.format(limit=taken)) if beyond else None


@dataclass(frozen=True)
class RecordedFit:
    """A verdict on a sealed adapter, as it was taken."""

    verdict: Verdict
    left_out: tuple[str, ...]
    """Exports that were not compared, since the machine lacked what runs them."""
    limits: ExportPolicy | None
    """By which exports were judged; None where none was, and in a verdict from before they were written down."""
    figures: dict[str, Any]
    """Files and parity of each export that was compared."""

    def compare(self, now: "RecordedFit") -> str:
        """How `now`, judged by the same limits, differs from what was said; empty where it does not.

        The sentence itself is compared where it depends on neither the machine nor limits that are not known any more.
        """
        if now.verdict.outcome != self.verdict.outcome:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        if other := [
            kind for kind in {**self.figures, **now.figures} if self.figures.get(kind) != now.figures.get(kind)
        ]:
            return f"the adapter's {other[0]} export has other files or figures: {now.verdict.reason}"
        of_then = not self.left_out and (self.limits is not None or not self.figures)
        if of_then and now.verdict.reason != self.verdict.reason:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        return ""


def read_fit(verdict: Verdict) -> RecordedFit:
    """What a verdict says of exports; raises `RatchetError` for evidence that no gate wrote."""
    try:
        result = {fit["export"]: fit for fit in verdict.evidence.get("fits", ()) if "export" in fit}
        compared = {kind: fit for kind, fit in result.items() if fit["files"]}
        limits = [ExportPolicy(**fit["limits"]) for fit in compared.values() if "limits" in fit]
        figures = {kind: {"files": fit["files"], "parity": fit["parity"]} for kind, fit in compared.items()}
    except (KeyError, TypeError, AttributeError):
        raise RatchetError(
            "its evidence is of no form that a gate writes.", "Run the cycle again.", code="bad_receipt"
        ) from None
    return RecordedFit(
        verdict, tuple(kind for kind in result if kind not in compared), limits[0] if limits else None, figures
    )
