"""Decisions of a ledger derived again: the evidence that an entry states follows from the counts beside it.

Add here another figure that an entry states and that follows from others; how it decides is `decision.py`.
"""

from collections.abc import Mapping, Sequence
from math import isclose
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.metrics.betting import evidence_not_worse, evidence_worse
from ratchet.rollout.ledger_entry import PROMOTE, SHADOW, STEP, Entry
from ratchet.rollout.sealed_policy import find_policy

_ROUNDING = 1e-9


def derive_decisions(entries: Sequence[Entry]) -> str:
    """Say how many decisions follow from their counts, '' where no entry states any; raises `RatchetError` for one that
    does not.

    The evidence of each is computed again from its losses, wins and compared requests. A candidate may climb once "not
    worse" was shown since it entered, by the margin and limit of the policy that was sealed then.
    """
    checked, shown = 0, False
    for entry in entries:
        if entry.action in {SHADOW, PROMOTE} and entry.receipts:
            shown = False
        if "proof" not in entry.evidence:
            shown |= entry.action == STEP  # by the rule of a version before
            continue
        try:
            proof, whole, step = (entry.evidence[name] for name in ("proof", "whole", "step"))
            _compare(entry, proof, whole, step)
            limit, margin = _in_force(entries, entry, proof)
            shown |= bool(proof["not_worse"] >= limit and proof["margin"] == margin)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _odd(entry, "does not hold the counts that it was decided by") from None
        if entry.action in {STEP, PROMOTE} and not entry.receipts and not shown:
            raise _odd(entry, f"lets a candidate climb, though its counts never reached the limit of {limit:,.0f}")
        checked += 1
    return f"the evidence of {checked} entries follows from their counts" if checked else ""


def _compare(entry: Entry, proof: Mapping[str, Any], whole: Mapping[str, Any], step: Mapping[str, Any]) -> None:
    lost, won, waits, n = (int(whole[name]) for name in ("losses", "wins", "waiting", "compared"))
    margin = float(proof["margin"])
    late = [int(step[name]) for name in ("losses", "wins", "waiting", "compared")]
    derived = {
        "not_worse": evidence_not_worse(lost + waits, won, n, margin),
        "worse": evidence_worse(lost, won + waits, n, margin),
        "worse_since": evidence_worse(late[0], late[1] + late[2], late[3], margin),
    }
    for name, value in derived.items():
        if not isclose(value, float(proof[name]), rel_tol=_ROUNDING):
            counts = f"{lost} losses, {won} wins, {waits} waiting of {n}"
            raise _odd(entry, f"states {name} = {proof[name]:.6g}, and {counts} give {value:.6g}")


def _in_force(entries: Sequence[Entry], entry: Entry, proof: Mapping[str, Any]) -> tuple[float, float]:
    sealed = find_policy([each for each in entries if each.sequence < entry.sequence])
    if sealed is None:
        return float(proof["limit"]), float(proof["margin"])
    return sealed.promotion.limit, sealed.promotion.margin


def _odd(entry: Entry, what: str) -> RatchetError:
    return RatchetError(f"entry {entry.sequence} {what}.", "Ask who wrote it; roll back if in doubt.", code="underived")
