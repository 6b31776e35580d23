"""Verdicts derived again from the evidence that their receipts hold, by the rule of their gate.

Add nothing here for a new gate: a function `decide_from_evidence` in its own module of this folder is found by the
gate's name. A rule that decides otherwise than before asks for a key of its own in the evidence, so that it judges no
receipt of an earlier version. Verdicts that are derived from stored answers or files are in
`ratchet/workflows/gates/recheck.py`.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES


def derive_again(gate: str, evidence: Mapping[str, Any]) -> Verdict:
    """Return the verdict of `gate` on the evidence of its receipt.

    Raises `RatchetError` with the code `underivable` for a gate without such a rule, and for evidence that lacks
    something, as that of an earlier version does.
    """
    rule = getattr(import_module(f"ratchet.gates.{gate}"), "decide_from_evidence", None) if gate in GATES else None
    if rule is None:
        raise _underivable(f"{gate} does not judge the evidence of its receipt alone")
    try:
        verdict: Verdict = rule(evidence)
    except KeyError as error:
        raise _underivable(f"its evidence lacks {error}, which this version judges by") from None
    except (RatchetError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise _underivable("its evidence is not of the form that this version judges") from None
    return verdict


def _underivable(reason: str) -> RatchetError:
    return RatchetError(f"{reason}.", "Run the cycle again for a receipt that can be derived.", code="underivable")
