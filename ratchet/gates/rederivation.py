"""Verdicts derived again from the evidence that their receipts hold, by the rule of their gate.

Add nothing here for a new gate: a function `decide_from_evidence` in its own module of this folder is found by the
gate's name. A rule that decides otherwise than before asks for a key of its own in the evidence, so that it judges no
receipt of an earlier version. Verdicts that are derived from stored answers or files are in
`ratchet/workflows/gates/recheck.py`.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from math import isclose
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES

_BY_CHANCE = {"chance": 0.02, "excess": 0.02, "p": 0.05}
"""Figures of a resampling, whose draws another version of NumPy may make otherwise, and how far they may then lie
apart: 4,000 samples leave less than that of error in each."""
_ROUNDING = 1e-9
_NUMBERS = (int, float)


def list_differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[str], bool]:
    """Return the keys of `then` whose figures `now` does not have, and whether a resampling was drawn otherwise.

    Another version of SciPy, or another processor, may give another last digit.
    """
    odd = [key for key in then if key not in now or not _are_alike(then[key], now[key])]
    drawn = [key for key in odd if key in _BY_CHANCE and _are_alike(then[key], now.get(key), _BY_CHANCE[key])]
    return [key for key in odd if key not in drawn], bool(drawn)


def _are_alike(then: Any, now: Any, apart: float = 0.0) -> bool:
    if type(then) in _NUMBERS and type(now) in _NUMBERS:  # True is not a number
        return isclose(then, now, rel_tol=_ROUNDING, abs_tol=max(apart, 1e-12))
    if isinstance(then, dict) and isinstance(now, dict):
        return then.keys() == now.keys() and all(_are_alike(value, now[key]) for key, value in then.items())
    if isinstance(then, list) and isinstance(now, list):
        return len(then) == len(now) and all(map(_are_alike, then, now))
    return bool(then == now and type(then) is type(now))


def has_rule(gate: str) -> bool:
    """Return True where the verdict of `gate` follows from the evidence of its receipt."""
    return _rule_of(gate) is not None


def _rule_of(gate: str) -> Callable[[Mapping[str, Any]], Verdict] | None:
    return getattr(import_module(f"ratchet.gates.{gate}"), "decide_from_evidence", None) if gate in GATES else None


def derive_again(gate: str, evidence: Mapping[str, Any]) -> Verdict:
    """Return the verdict of `gate` on the evidence of its receipt.

    Raises `RatchetError` with the code `underivable` for a gate without such a rule, and for evidence that lacks
    something, as that of an earlier version does.
    """
    rule = _rule_of(gate)
    if rule is None:
        raise _underivable(f"{gate} does not judge the evidence of its receipt alone")
    try:
        verdict = rule(evidence)
    except KeyError as error:
        raise _underivable(f"its evidence lacks {error}, which this version judges by") from None
    except (RatchetError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        raise _underivable("its evidence is not of the form that this version judges") from None
    return verdict


def _underivable(reason: str) -> RatchetError:
    return RatchetError(f"{reason}.", "Run the cycle again for a receipt that can be derived.", code="underivable")
