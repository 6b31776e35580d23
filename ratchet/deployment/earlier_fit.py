"""Earlier fit: what a verdict on a sealed adapter holds besides its sentence, so that it can be followed again.

Its sentence names the limits of parity, and these may change since; so they stand in its evidence, and it is judged again by
them. Add here what must be the same in both; who judges is `ratchet/stores/target_gates.py`.
"""

from dataclasses import dataclass
from typing import Any

from ratchet.errors import RatchetError
from ratchet.gates import Verdict
from ratchet.policy import ExportPolicy


@dataclass(frozen=True)
class EarlierFit:
    """A verdict on a sealed adapter, as it was taken."""

    verdict: Verdict
    left_out: tuple[str, ...]
    """Exports that were not compared, since the machine lacked what runs them."""
    limits: ExportPolicy | None
    """By which exports were judged; None where none was, and in a verdict from before they were written down."""
    figures: dict[str, Any]
    """Files and parity of each export that was compared."""

    def compare(self, now: "EarlierFit") -> str:
        """How `now`, judged by the same limits, differs from what was said; empty where it does not.

        The sentence itself is compared where it depends on neither the machine nor limits that are not known any more.
        """
        if now.verdict.outcome != self.verdict.outcome:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        if other := [kind for kind in {**self.figures, **now.figures} if self.figures.get(kind) != now.figures.get(kind)]:
            return f"the adapter's {other[0]} export has other files or figures: {now.verdict.reason}"
        of_then = not self.left_out and (self.limits is not None or not self.figures)
        if of_then and now.verdict.reason != self.verdict.reason:
            return f"the adapter's files give: {now.verdict.outcome}, {now.verdict.reason}"
        return ""


def read_fit(verdict: Verdict) -> EarlierFit:
    """What a verdict says of exports; raises `RatchetError` for evidence that no gate wrote."""
    try:
        found = {fit["export"]: fit for fit in verdict.evidence.get("fits", ()) if "export" in fit}
        compared = {kind: fit for kind, fit in found.items() if fit["files"]}
        limits = [ExportPolicy(**fit["limits"]) for fit in compared.values() if "limits" in fit]
        figures = {kind: {"files": fit["files"], "parity": fit["parity"]} for kind, fit in compared.items()}
    except (KeyError, TypeError, AttributeError):
        raise RatchetError("its evidence is of no form that a gate writes.", "Run the cycle again.", code="bad_receipt") from None
    return EarlierFit(verdict, tuple(kind for kind in found if kind not in compared), limits[0] if limits else None, figures)
