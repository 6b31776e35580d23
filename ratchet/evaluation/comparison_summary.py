"""The verdict of the three-way evaluation: a paragraph made from the figures of its rows by fixed rules.

Add here a sentence and the figures that call for it. It advises; no gate reads it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Contestant = Mapping[str, Any]
_MOST_UNUSABLE = 0.1
"""Largest share of unusable answers; above it, a frontier model's score shows its prompt rather than its quality."""
_ASSUMED = " (the hourly price of this machine is assumed; set it in [machine] of classifier.toml)"
_NAMES = {
    "base_zero_shot": "its base zero-shot",
    "base_few_shot": "its base few-shot",
    "frontier": "the frontier model",
}


def write_verdict(
    rows: Sequence[Contestant], n: int, of: int, frontier_sentence: str, price_assumed: bool = False
) -> str:
    """Write the paragraph. Pure: the same rows give the same words. `n` of the `of` test texts were sampled.

    `price_assumed` is True where the specification does not set the hourly price of this machine.
    """
    by_name = {row["name"]: row for row in rows}
    tuned = by_name["tuned"]
    where = f"all {of} test texts" if n == of else f"{n} of {of} test texts, drawn at random,"
    low, high = tuned["macro_f1_ci"]
    sentences = [
        f"On {where} the tuned model reaches macro-F1 {tuned['macro_f1']:.3f} (95 % interval {low:.3f} to {high:.3f})."
    ]
    bases = [
        row
        for name in ("base_zero_shot", "base_few_shot")
        if (row := by_name.get(name)) and row["macro_f1"] is not None
    ]
    sentences += [_compare(row) for row in bases]
    frontier = by_name.get("frontier")
    if frontier is None or frontier["macro_f1"] is None:
        return " ".join([*sentences, frontier_sentence, _is_tuning_worth(bases)])
    unusable, answers = frontier["unusable"], frontier["n"]
    if unusable > _MOST_UNUSABLE * answers:
        nothing = f"The frontier model cannot be judged: {unusable} of its {answers} answers could not be used."
        return " ".join([*sentences, nothing, frontier_sentence, _is_tuning_worth(bases)])
    sentences.append(_compare(frontier))
    if unusable:
        sentences.append(f"{unusable} of the frontier model's {answers} answers could not be used and count as wrong.")
    if tuned["cost_per_1000"] is not None and frontier["cost_per_1000"] is not None:
        ours, theirs = tuned["cost_per_1000"], frontier["cost_per_1000"]
        sentences.append(
            f"A thousand calls cost {_money(ours)} with the tuned model and {_money(theirs)} with the frontier model"
            f"{_times(ours, theirs)}{_ASSUMED if price_assumed else ''}."
        )
    if tuned["p95_ms"] is not None and frontier["p95_ms"] is not None:
        sentences.append(f"The 95th percentile of a call is {tuned['p95_ms']:.0f} ms and {frontier['p95_ms']:.0f} ms.")
    return " ".join([*sentences, _is_tuning_worth(bases), _is_frontier_worth(frontier)])


def _compare(row: Contestant) -> str:
    (low, high), name = row["difference_ci"], _NAMES[row["name"]]
    reached = f"{row['macro_f1']:.3f}" + (f" on {row['n']} of them" if row["name"] == "frontier" else "")
    interval = f"{abs(row['difference']):.3f}, 95 % interval of tuned minus this {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"It is better than {name} ({reached}) by {interval}."
    if high < 0:
        return f"It is worse than {name} ({reached}) by {interval}."
    return f"No significant difference from {name} ({reached}): tuned minus this is {low:+.3f} to {high:+.3f}."


def _is_tuning_worth(bases: Sequence[Contestant]) -> str:
    if not bases:
        return "Its untuned base was not measured here."
    even = [_NAMES[row["name"]] for row in bases if row["difference_ci"][0] <= 0]
    if even:
        return f"No evidence that tuning beats {' and '.join(even)}."
    return "Tuning is worth it: the tuned model beats its untuned base."


def _is_frontier_worth(row: Contestant) -> str:
    low, high = row["difference_ci"]
    if high < 0:
        return (
            "The frontier model has the higher quality; whether that is worth its price and latency is your decision."
        )
    if low > 0:
        return "Nothing here favours the frontier model."
    return "Their quality does not differ significantly: decide by price, latency and where texts may be sent."


def _money(amount: float) -> str:
    return f"{amount:.2g}" if amount < 10 else f"{amount:,.0f}"


def _times(tuned: float, frontier: float) -> str:
    if not tuned or not frontier:
        return ""
    ratio = frontier / tuned
    return (
        f", {ratio:.2g} times as much" if 1 <= ratio < 100 else f", {ratio:,.0f} times as much" if ratio >= 100 else ""
    )
