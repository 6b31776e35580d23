"""Matrix of an audit: what each gate did with each attack, for the report and for Dagster.

Add here a column or a sentence; attacks are played in `ratchet/workflows/gate_audit/`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.evaluation.gate_audit.attack import NOMINATION, RECEIPTS, ROLLOUT
from ratchet.gates.registry import GATES


def describe_audit(
    rows: Sequence[Mapping[str, Any]], dropped: Sequence[str], seconds: float, allowed_s: float
) -> dict[str, Any]:
    """Return the key `gate_audit` of the eval report: the rows, the gates in their order, and two sentences."""
    order = (*GATES, NOMINATION, ROLLOUT, RECEIPTS)
    judges = {gate for row in rows for gate in row["played_by"]}
    return {
        "rows": [{**row, "power_sentence": describe_power(row.get("power"))} for row in rows],
        "gates": [gate for gate in order if gate in judges],
        "dropped": list(dropped),
        "seconds": round(seconds, 3),
        "allowed_s": round(allowed_s, 3),
        "sentence": _sum_up(rows),
        "time_sentence": _describe_time(dropped, seconds, allowed_s),
    }


def table_of_audit(audit: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return one row for each attack, ready to read: the gates that stop it, and those that were judged in vain."""
    return [
        {
            "attack": row["says"],
            "stopped by": ", ".join(row["stopped_by"]) or "none",
            "let through by": ", ".join(gate for gate in row["played_by"] if gate not in row["stopped_by"]) or "none",
            "follows from": row["kind"],
            "power": describe_power(row.get("power")),
        }
        for row in audit["rows"]
    ]


def describe_power(power: Mapping[str, Any] | None) -> str:
    """Return the computed power beside the draws of the cycle's items that were stopped, '' where neither is known."""
    if not power:
        return ""
    return f"{power['stopped']} of {power['draws']} draws stopped, {power['computed']:.2f} computed"


def conclude(document: Mapping[str, Any], verdict: Verdict) -> dict[str, Any]:
    """Return the keys of the eval report that the verdict on the audit changes: its row of checks, and the whole."""
    row = {"passed": verdict.passed, "verdict": verdict.outcome, "reason": verdict.reason}
    blocked = {"word": "blocked", "sentence": f"Blocked by identity_attacks: {verdict.reason}"}
    return {
        "checks": {**document["checks"], "identity_attacks": row},
        "verdict": document["verdict"] if verdict.passed else blocked,
    }


def _sum_up(rows: Sequence[Mapping[str, Any]]) -> str:
    kinds = (
        ("identity", "that follow from identity"),
        ("rule", "on a rule"),
        ("statistical", "that need statistics"),
    )
    parts = []
    for kind, words in kinds:
        mine = [row for row in rows if row["kind"] == kind]
        parts.append(f"{sum(bool(row['stopped_by']) for row in mine)} of {len(mine)} attacks {words} are stopped")
    control = [row for row in rows if row["kind"] == "control"]
    stopped = [gate for row in control for gate in row["stopped_by"]]
    if NOMINATION in stopped:  # a twin needs items to gain
        parts.append("the candidate is right everywhere, so that no other model is as good")
    elif control:
        parts.append(f"a model that is as good is stopped by {', '.join(stopped) or 'none'}")
    return f"{'; '.join(parts)}."


def _describe_time(dropped: Sequence[str], seconds: float, allowed_s: float) -> str:
    took = f"The audit took {seconds:.1f} s of {allowed_s:.1f} s, a fifth of the cycle's time"
    return f"{took}; dropped for lack of time: {', '.join(dropped)}." if dropped else f"{took}; nothing was dropped."
