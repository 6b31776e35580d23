"""Fit of an adapter for a deployment target, as a pure decision; every reason comes with a hint.

Add the rule of a new kind of limit here, beside its field in `ratchet/deployment/profiles.py`.
"""

from collections.abc import Sequence
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


@dataclass(frozen=True)
class RecordedFit:
    """Verdict on a sealed adapter, as its receipt records it."""

    verdict: Verdict
    left_out: tuple[str, ...]
    """Exports that were not compared, because the machine lacked their runtime."""
    limits: ExportPolicy | None
    """Limits by which exports were judged; None if none was, and in verdicts older than this field."""
    figures: dict[str, Any]
    """Files and parity of each compared export."""

    def compare(self, now: "RecordedFit", *, same_wording: bool) -> str:
        """Describe how `now`, judged by the same limits, differs from this verdict; empty when it does not.

        Reasons are compared only when both are of the same wording, and when they depend neither on the machine nor on
        limits that are no longer known.
        """
        if now.verdict.outcome != self.verdict.outcome:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        if other := [
            kind for kind in {**self.figures, **now.figures} if self.figures.get(kind) != now.figures.get(kind)
        ]:
            return f"the adapter's {other[0]} export has other files or figures: {now.verdict.reason}"
        of_then = not self.left_out and (self.limits is not None or not self.figures)
        if same_wording and of_then and now.verdict.reason != self.verdict.reason:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        return ""


def read_fit(verdict: Verdict) -> RecordedFit:
    """Read what a verdict records of exports; raises `RatchetError` for evidence that no gate wrote."""
    try:
        exports = {fit["export"]: fit for fit in verdict.evidence.get("fits", ()) if "export" in fit}
        compared = {kind: fit for kind, fit in exports.items() if fit["files"]}
        limits = [ExportPolicy(**fit["limits"]) for fit in compared.values() if "limits" in fit]
        figures = {kind: {"files": fit["files"], "parity": fit["parity"]} for kind, fit in compared.items()}
    except (KeyError, TypeError, AttributeError):
        raise RatchetError(
            "its evidence does not have the form that a gate writes.", "Run the cycle again.", code="bad_receipt"
        ) from None
    return RecordedFit(
        verdict, tuple(kind for kind in exports if kind not in compared), limits[0] if limits else None, figures
    )
