"""Fit of a sealed adapter for its targets, as its receipt records it: which exports were compared, by which limits.

Add here what a later judgement must know of the earlier one; the rule itself is `target_fit.py`.
"""

from dataclasses import dataclass
from typing import Any

from ratchet.config.policy import ExportPolicy
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict


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
