"""Measure how often gates block weeks that cannot tell models apart: tests of one label, and labels of errors alone.

`python -m benchmarks.gate_errors` prints the tables of docs/explanation/weekly_cycle.md: rules of earlier versions
beside those of now, on simulated weeks. What each gate of now does is measured by `make bench-gates`
(`benchmarks/gates/`).
"""

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.metrics.classification import macro_f1

Outcomes = Counter[str]


def tell_apart(trials: int, week: Callable[[Generator], str]) -> Outcomes:
    """Count the outcomes of `trials` weeks, with a seed of their own each."""
    return Counter(week(np.random.default_rng(seed)) for seed in range(trials))


def baselines_week(rare: int, recall: float) -> Callable[[Generator], str]:
    """Return a test of 180 items, `rare` of which are of a second label, of which a model finds `recall`."""

    def week(generator: Generator) -> str:
        true = (np.arange(180) < rare).astype(np.int64)
        found = true * (generator.random(180) < recall) + (1 - true) * (generator.random(180) < 0.005)
        reached, constant = macro_f1(found.astype(np.int64), true, 2), macro_f1(np.zeros(180, dtype=np.int64), true, 2)
        simple = {name: {"macro_f1": 0.3} for name in ("base_model", "tfidf_logreg", "linear_probe")}
        support = {"a": 180 - rare, **({"b": rare} if rare else {})}
        outcome = decide_baselines(reached, {"majority": {"macro_f1": constant}, **simple}, support=support).outcome
        return f"{outcome} {'formerly blocked' if reached <= constant else ''}"

    return week


def errors_week(k: int, requests: int, swapped: bool) -> Callable[[Generator], str]:
    """Return a week of `k` labels of which errors alone are labelled, or one in which everything is and labels are
    swapped. Live is right in 94 % of cases, and mistakes neighbours for each other; the candidate answers like live in
    85 % of cases, else right."""
    neighbour = np.array([i ^ 1 if i ^ 1 < k else i - 1 for i in range(k)])
    names = [f"l{i:02d}" for i in range(k)]

    def week(generator: Generator) -> str:
        true = generator.choice(2 if swapped else k, requests)
        served = np.where(generator.random(requests) < 0.94, true, neighbour[true])
        answer = np.where(generator.random(requests) < 0.85, served, true)
        label = neighbour[true] if swapped else true
        kept = np.ones(requests, dtype=bool) if swapped else served != true
        golden = np.repeat(np.arange(k), 25)
        golden_answers = np.where(generator.random(len(golden)) < 0.94, golden, neighbour[golden])
        rows = [
            {"split": "test", "label": names[a], "predicted": names[b], "served": names[c], "n": 1}
            for a, b, c in zip(label[kept], answer[kept], served[kept], strict=True)
        ]
        rows += [
            {"split": "golden", "label": names[a], "predicted": names[b], "n": 1}
            for a, b in zip(golden, golden_answers, strict=True)
        ]
        served_counts = {names[i]: n for i, n in enumerate(np.bincount(served, minlength=k).tolist())}
        former = decide_golden_agreement(rows, served_counts, rule=1).outcome == "failed"
        outcome = decide_golden_agreement(rows, served_counts).outcome
        return f"{outcome} {'formerly blocked' if former else ''}"

    return week


def show(what: str, found: Outcomes) -> None:
    """Print one row: blocked, warned, and formerly blocked, in percent."""
    n = sum(found.values())

    def share(word: str) -> str:
        return f"{100 * sum(times for each, times in found.items() if word in each) / n:5.1f} %"

    print(f"| {what} | {share('formerly')} | {share('failed')} | {share('warned')} | {share('inconclusive')} |")


def main(trials: int) -> None:
    """Print the tables, of `trials` weeks a row."""
    print("| week | blocked before | blocked | warned | no verdict |\n|---|---|---|---|---|")
    for rare, recall in ((0, 0.9), (1, 0.9), (2, 0.9), (5, 0.9), (5, 0.0)):
        show(f"`beats_baselines`, {rare} of 180 items of a second label, recall {recall:.0%}",
             tell_apart(trials, baselines_week(rare, recall)))  # fmt: skip
    for k, requests in ((3, 500), (3, 2000), (6, 2000), (20, 5000)):
        show(f"`golden_agreement`, {k} labels, {requests:,} requests, errors alone are labelled",
             tell_apart(trials, errors_week(k, requests, swapped=False)))  # fmt: skip
    show("`golden_agreement`, 3 labels, 500 requests, all labelled with two labels swapped",
         tell_apart(trials, errors_week(3, 500, swapped=True)))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
