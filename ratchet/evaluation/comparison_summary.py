"""The verdict of the three-way evaluation: a paragraph made from the figures of its rows, by rules and nothing else.

Add here a sentence and the figures that call for it. It advises; no gate reads it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Contestant = Mapping[str, Any]
_MOST_UNUSABLE = 0.1
"""Share of a frontier model's answers, above which its score says more of how it was asked than of what it knows."""
_ASSUMED = " (the price of an hour of this machine is assumed; say yours in [machine] of classifier.toml)"
_NAMES = {
    "base_zero_shot": "its base zero-shot",
    "base_few_shot": "its base few-shot",
    "frontier": "the frontier model",
}


def write_verdict(
    rows: Sequence[Contestant], n: int, of: int, frontier_sentence: str, price_assumed: bool = False
) -> str:
    """The paragraph. Pure: the same rows give the same words. `n` of the `of` test texts were looked at.

    `price_assumed` says that nobody wrote down what an hour of this machine costs.
    """
    by_name = {row["name"]: row for row in rows}
    tuned = by_name["tuned"]
    where = f"all {of} test texts" if n == of else f"{n} of {of} test texts, drawn by chance,"
    low, high = tuned["macro_f1_ci"]
    said = [
        f"On {where} the tuned model reaches macro-F1 {tuned['macro_f1']:.3f} (95 % interval {low:.3f} to {high:.3f})."
    ]
    bases = [
        row
        for name in ("base_zero_shot", "base_few_shot")
        if (row := by_name.get(name)) and row["macro_f1"] is not None
    ]
    said += [_compare(row) for row in bases]
    frontier = by_name.get("frontier")
    if frontier is None or frontier["macro_f1"] is None:
        return " ".join([*said, frontier_sentence, _is_tuning_worth(bases)])
    unusable, answers = frontier["unusable"], frontier["n"]
    if unusable > _MOST_UNUSABLE * answers:
        nothing = (
            f"What the frontier model is worth is not shown: {unusable} of its {answers} answers could not be used."
        )
        return " ".join([*said, nothing, frontier_sentence, _is_tuning_worth(bases)])
    said.append(_compare(frontier))
    if unusable:
        said.append(f"{unusable} of the frontier model's {answers} answers could not be used and count as wrong.")
    if tuned["cost_per_1000"] is not None and frontier["cost_per_1000"] is not None:
        ours, theirs = tuned["cost_per_1000"], frontier["cost_per_1000"]
        said.append(
            f"A thousand calls cost {_money(ours)} with the tuned model and {_money(theirs)} with the frontier model"
            f"{_times(ours, theirs)}{_ASSUMED if price_assumed else ''}."
        )
    if tuned["p95_ms"] is not None and frontier["p95_ms"] is not None:
        said.append(f"One call in twenty takes longer than {tuned['p95_ms']:.0f} ms and {frontier['p95_ms']:.0f} ms.")
    return " ".join([*said, _is_tuning_worth(bases), _is_frontier_worth(frontier)])


def _compare(row: Contestant) -> str:
    (low, high), name = row["difference_ci"], _NAMES[row["name"]]
    reached = f"{row['macro_f1']:.3f}" + (f" on {row['n']} of them" if row["name"] == "frontier" else "")
    interval = f"{abs(row['difference']):.3f}, 95 % interval of tuned minus this {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"It is better than {name} ({reached}) by {interval}."
    if high < 0:
        return f"It is worse than {name} ({reached}) by {interval}."
    return f"No difference to {name} ({reached}) is shown: tuned minus this lies between {low:+.3f} and {high:+.3f}."


def _is_tuning_worth(bases: Sequence[Contestant]) -> str:
    if not bases:
        return "Its untuned base was not measured here."
    even = [_NAMES[row["name"]] for row in bases if row["difference_ci"][0] <= 0]
    if even:
        return f"That tuning is worth its while is not shown against {' and '.join(even)}."
    return "Tuning is worth its while against asking its base untuned."


def _is_frontier_worth(row: Contestant) -> str:
    low, high = row["difference_ci"]
    if high < 0:
        return (
            "By quality alone the frontier model is the better one; whether that is worth its price and its time is"
            " yours to say."
        )
    if low > 0:
        return "Nothing here speaks for the frontier model."
    return "By quality the two are not told apart here, so price, time and where the texts may go decide."


def _money(amount: float) -> str:
    return f"{amount:.2g}" if amount < 10 else f"{amount:,.0f}"


def _times(tuned: float, frontier: float) -> str:
    if not tuned or not frontier:
        return ""
    ratio = frontier / tuned
    return (
        f", {ratio:.2g} times as much" if 1 <= ratio < 100 else f", {ratio:,.0f} times as much" if ratio >= 100 else ""
    )
