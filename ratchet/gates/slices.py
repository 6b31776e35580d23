"""Gate `slices`: candidate and live within each label and each value of the metadata columns of the specification.

Add here how a part of the items is judged; the columns are named in `[slices]` (`ratchet/config/slices.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.config.slices import Slices
from ratchet.core.verdict import Verdict
from ratchet.gates.paired_answers import PairedAnswer, select_test
from ratchet.gates.paired_rule import judge_paired
from ratchet.metrics.paired_difference import PairedCounts, power_of_loss

SLICES_RULE = 1
SLICES_ALPHA = 0.005
"""Error of all slices together, shared evenly among those that are judged (Bonferroni)."""
LABEL = "label"
_MOST, _NAMED_FROM = 50, 5
"""Values of a column that a receipt names, the largest ones, and the items that each needs for it: a column of many
values would leave no slice any error, and what belongs to one person is nobody else's to read."""
_EXPECTED = 5.0
"""Items that a slice must lead one to expect before its absence is more than chance (e^-5 is 0.7 %)."""

Counts = Mapping[str, Mapping[str, Mapping[str, int]]]
"""Items, losses and gains by column and value."""


def decide_slices(
    answers: Sequence[PairedAnswer],
    policy: Slices,
    margin: float,
    *,
    before: Mapping[str, Mapping[str, int]] | None = None,
) -> Verdict:
    """Decide whether any slice shows a loss: the exact one-sided test of losses against gains, its error shared.

    Labels are slices over test and golden items, values of the `policy`'s columns over test items. A slice whose lower
    end of the difference is above -`margin` shows none. `before` counts the test items of an earlier cycle by column
    and value: a slice that vanished since is named. A test of live's errors alone judges nothing. A receipt names no
    value of under five items.
    """
    of_errors = select_test(answers).is_of_errors
    judged = [each for each in answers if each.split == "golden" or not of_errors]
    test = [each for each in answers if each.split == "test"]
    counts: dict[str, dict[str, dict[str, int]]] = {LABEL: _count([(each.label, each) for each in judged])}
    seen = {LABEL: {value: each["n"] for value, each in _count([(each.label, each) for each in test]).items()}}
    unnamed = {}
    for column in policy.columns:
        every = _count([(each.metadata[column], each) for each in test if column in each.metadata])
        largest = sorted(every, key=lambda value: (-every[value]["n"], value))[:_MOST]
        found = {value: each for value, each in every.items() if value in largest and each["n"] >= _NAMED_FROM}
        unnamed[column] = len(every) - len(found)
        seen[column] = {value: each["n"] for value, each in found.items()}
        counts[column] = {} if of_errors else found
    evidence = {
        "rule": SLICES_RULE, "margin": margin, "min_items": policy.min_items, "has_live": bool(answers),
        "of_errors": of_errors, "slices": counts, "seen": seen, "unnamed": unnamed, "before": dict(before or {}),
    }  # fmt: skip
    return decide_from_evidence(evidence)


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    if evidence["rule"] != SLICES_RULE:
        raise ValueError(f"rule {evidence['rule']} is not known")
    margin, least = evidence["margin"], evidence["min_items"]
    vanished = find_vanished(evidence["before"], evidence["seen"])
    gone = f" Vanished since: {', '.join(vanished)}." if vanished else ""
    if not evidence["has_live"]:
        reason = f"No verdict: no live adapter to compare slices with.{gone}"
        return Verdict("inconclusive", reason, {**evidence, "vanished": vanished})
    large, small = _split_by_size(evidence["slices"], least)
    alpha = SLICES_ALPHA / max(len(large), 1)
    total = PairedCounts(*(sum(getattr(each, key) for each in large.values()) for key in ("n", "losses", "gains")))
    power = {name: power_of_loss(each.n, total.churn, margin, alpha) for name, each in large.items()}
    lost = [
        name
        for name, each in large.items()
        if judge_paired(each, margin, alpha=alpha, classes={name: each}, class_alpha=alpha).classes
    ]
    found = {**evidence, "vanished": vanished, "too_small": small, "power": power, "lost": lost}
    errors = " The test holds errors of live alone and is left out." if evidence["of_errors"] else ""
    others = [f"{n} more of {column}" for column, n in evidence["unnamed"].items() if n]
    few = (
        f" Too small to judge (under {least} items): {', '.join([*_name(small), *others])}." if small or others else ""
    )
    tail = f"{_describe_power(power, margin)}{few}{gone}{errors}"
    if lost:
        named = ", ".join(
            f"{name} {large[name].losses} lost and {large[name].gains} gained of {large[name].n}" for name in lost
        )
        return Verdict("failed", f"Fails: worse than live within {named}.{tail}", found)
    if not large:
        return Verdict("inconclusive", f"No verdict: no slice has {least} items.{few}{gone}{errors}", found)
    return Verdict("passed", f"Passes: none of {len(large)} slices shows a loss against live.{tail}", found)


def find_vanished(before: Mapping[str, Mapping[str, int]], seen: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return the slices of test items that an earlier cycle had and this one lacks, where chance does not explain it.

    By its share of then, a slice must lead one to expect five items now.
    """
    found = []
    for column, values in before.items():
        now, then = seen.get(column, {}), sum(values.values())
        total = sum(now.values())
        found += [f"{column} {v}" for v, n in values.items() if v not in now and then and n / then * total >= _EXPECTED]
    return found


def _count(items: Sequence[tuple[str, PairedAnswer]]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for value, each in items:
        mine = counts.setdefault(value, {"n": 0, "losses": 0, "gains": 0})
        mine["n"] += 1
        mine["losses"] += each.lost
        mine["gains"] += each.gained
    return dict(sorted(counts.items()))


def _split_by_size(counts: Counts, least: int) -> tuple[dict[str, PairedCounts], list[str]]:
    """Return the slices that are judged, and the names of those that are too small."""
    large: dict[str, PairedCounts] = {}
    small: list[str] = []
    for column, values in counts.items():
        ordered = sorted(values, key=lambda value: (-values[value]["n"], value))
        for value in ordered:
            each = PairedCounts(values[value]["n"], values[value]["losses"], values[value]["gains"])
            if each.n >= least:
                large[f"{column} {value}"] = each
            else:
                small.append(f"{column} {value}")
    return large, small


def _name(names: Sequence[str], most: int = 5) -> list[str]:
    return [*names[:most], *([f"{len(names) - most} others"] if len(names) > most else [])]


def _describe_power(power: Mapping[str, float], margin: float) -> str:
    if not power:
        return ""
    least, most = (f"{100 * share:.0f}" for share in (min(power.values()), max(power.values())))
    chance = f"{most} %" if least == most else f"{least} to {most} %"
    return f" A loss of {100 * margin:g} points in one of them would be seen in {chance} of weeks."
