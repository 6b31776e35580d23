"""Gate `calibration_regression`: the candidate's confidences against those of live, on the same items.

Add here how confidences are judged; the temperature is fitted in `ratchet/metrics/calibration.py`.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.gates.paired_answers import PairedAnswer, select_test

CALIBRATION_RULE = 1
CALIBRATION_ALPHA = 0.005
"""One-sided error of "worse than the margin"."""
_WITHIN_ALPHA = 0.05
_LEAST = 20
"""Items from which on the mean of differences has an interval that means something."""


def decide_calibration(answers: Sequence[PairedAnswer], limit: float) -> Verdict:
    """Decide whether the candidate's negative log-likelihood is higher than live's by more than `limit`, in nats.

    Golden and test items count together, each by the difference of the two models on it, so that what is hard for both
    cancels. Items to whose label live cannot give a probability are left out. So is a test of live's errors alone, on
    which any other model looks better.
    Without answers of live, as for a first candidate, there is nothing to compare with.
    """
    parts: dict[str, dict[str, Any]] = {}
    of_errors = select_test(answers).is_of_errors
    for split in ("golden", "test"):
        mine = [each for each in answers if each.split == split]
        rises = [each.nll_rise for each in mine if each.live_p > 0]
        mean = sum(rises) / len(rises) if rises else 0.0
        parts[split] = {
            "n": len(rises),
            "mean": mean,
            "squares": sum((rise - mean) ** 2 for rise in rises),
            "left_out": len(mine) - len(rises),
            "of_errors": split == "test" and of_errors,
        }
    return decide_from_evidence({"rule": CALIBRATION_RULE, "limit": limit, "has_live": bool(answers), "parts": parts})


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    rule, limit, has_live = (evidence[key] for key in ("rule", "limit", "has_live"))
    if rule != CALIBRATION_RULE:
        raise ValueError(f"rule {rule} is not known")
    counted = [part for part in evidence["parts"].values() if part["n"] and not part["of_errors"]]
    n = sum(part["n"] for part in counted)
    if not has_live:
        return Verdict("inconclusive", "No verdict: no live adapter to compare confidences with.", dict(evidence))
    if n < _LEAST:
        reason = f"No verdict: {n} items are too few to compare confidences on; {_LEAST} are needed."
        return Verdict("inconclusive", reason, dict(evidence))
    mean = sum(part["n"] * part["mean"] for part in counted) / n
    squares = sum(part["squares"] + part["n"] * (part["mean"] - mean) ** 2 for part in counted)
    error = sqrt(squares / (n - 1) / n)
    low, high = mean - _quantile(CALIBRATION_ALPHA, n) * error, mean + _quantile(_WITHIN_ALPHA, n) * error
    found = {**evidence, "n": n, "rise": mean, "interval": [low, high]}
    apart = (
        "; the test is left out, since it holds errors of live alone" if evidence["parts"]["test"]["of_errors"] else ""
    )
    figures = f"NLL {mean:+.3f} against live on {n} items [{low:+.3f}, {high:+.3f}], limit {limit:+g}{apart}"
    if low > limit:
        hint = "Its confidences mislead whatever acts on them: look at the reliability diagram of the report"
        return Verdict("failed", f"Fails: {figures}. {hint}.", found)
    if high <= limit:
        return Verdict("passed", f"Passes: {figures}.", found)
    return Verdict("inconclusive", f"No verdict: {figures}: neither within the limit nor over it is shown.", found)


def _quantile(alpha: float, n: int) -> float:
    from scipy.stats import t

    return float(t.ppf(1 - alpha, n - 1))
