"""Measure how often the gates of labels and baselines block or warn of good weeks, and how often they see bad ones.

`python -m benchmarks.gate_errors` prints the tables of docs/weekly_cycle.md: rules of earlier versions beside those of
now, on simulated weeks. What each gate of now does is measured by `make bench-gates` (`benchmarks/gates/`).
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from ratchet.config.policy import Limits
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.label_agreement import decide_agreement
from ratchet.gates.label_distribution import decide_distribution, jensen_shannon_distance
from ratchet.metrics.agreement import measure_agreement
from ratchet.metrics.classification import macro_f1

_FORMER_LIMIT = 0.2  # of the distance alone, when a distance blocked
_WRONG = 0.05  # share of the labels of an honest annotator that are wrong
Outcomes = Counter[str]


def tell_apart(trials: int, week: Callable[[Generator], str]) -> Outcomes:
    """Count the outcomes of `trials` weeks, with a seed of their own each."""
    return Counter(week(np.random.default_rng(seed)) for seed in range(trials))


def distribution_week(k: int, train: int, production: int, moved: float) -> Callable[[Generator], str]:
    """Return one week of `k` labels, `moved` of whose production goes to one label, with the former verdict beside."""
    labels = [f"l{i:02d}" for i in range(k)]

    def week(generator: Generator) -> str:
        mix = generator.dirichlet(np.full(k, 3.0))
        now = (1 - moved) * mix + moved * np.eye(k)[0]
        ours, theirs = generator.multinomial(train, mix), generator.multinomial(production, now)
        named = [dict(zip(labels, counts.tolist(), strict=True)) for counts in (ours, theirs)]
        outcome = decide_distribution(named[0], named[1], labels, Limits().max_label_divergence, labels).outcome
        former = (ours == 0).any() or jensen_shannon_distance(ours, theirs) > _FORMER_LIMIT
        return f"{outcome} {'formerly blocked' if former else ''}"

    return week


def agreement_week(mix: Sequence[float], n: int, wrong: Callable[[Generator, NDArray[np.int64]], NDArray[np.int64]]
                   ) -> Callable[[Generator], str]:  # fmt: skip
    """Return one week of `n` doubly labelled requests; `wrong` gives an annotator's labels for the true ones."""
    labels = [f"l{i:02d}" for i in range(len(mix))]

    def week(generator: Generator) -> str:
        true = generator.choice(len(mix), n, p=mix)
        first, second = wrong(generator, true), wrong(generator, true)
        rows = pd.DataFrame(
            {
                "request_id": np.tile(np.arange(n), 2),
                "annotator": np.repeat(["a", "b"], n),
                "label": np.array(labels)[np.r_[first, second]],
            }
        )
        outcome = decide_agreement(measure_agreement(rows, labels), Limits()).outcome
        return f"{outcome} {'formerly blocked' if (first == second).mean() < Limits().min_agreement else ''}"

    return week


def honest(k: int) -> Callable[[Generator, NDArray[np.int64]], NDArray[np.int64]]:
    """Return an annotator who is wrong in 5 % of cases, with any other label."""

    def label(generator: Generator, true: NDArray[np.int64]) -> NDArray[np.int64]:
        other = (true + generator.integers(1, k, len(true))) % k
        return np.asarray(np.where(generator.random(len(true)) < _WRONG, other, true))

    return label


def blind_to_the_rare(generator: Generator, true: NDArray[np.int64]) -> NDArray[np.int64]:
    """Label nothing as the rare label 1 but what chance says, as often as it occurs."""
    guessed: NDArray[np.int64] = (generator.random(len(true)) < true.mean()).astype(np.int64)
    return guessed


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
    for k, train, production, moved in (
        (3, 25, 6, 0.0), (6, 500, 25, 0.0), (6, 500, 150, 0.0), (11, 500, 50, 0.0),
        (30, 1000, 150, 0.0), (77, 5000, 150, 0.0), (150, 5000, 150, 0.0), (150, 5000, 1000, 0.0),
        (6, 500, 150, 0.15), (6, 500, 150, 0.3), (30, 1000, 150, 0.3),
    ):  # fmt: skip
        shift = f"{100 * moved:.0f} % moved to one label" if moved else "the same mix"
        show(
            f"`label_distribution`, {k} labels, {train} and {production}, {shift}",
            tell_apart(trials, distribution_week(k, train, production, moved)),
        )
    skewed = np.array([0.5, 0.2, 0.15, 0.08, 0.05, 0.02])
    for n in (50, 200, 1000):
        for what, mix in (("6 even labels", np.full(6, 1 / 6)), ("6 labels from 50 % to 2 %", skewed)):
            show(f"`label_agreement`, {n} doubles, {what}, 5 % honest error",
                 tell_apart(trials, agreement_week(list(mix), n, honest(6))))  # fmt: skip
    for n in (400, 2000):
        show(f"`label_agreement`, {n} doubles, a label at 1:200 that is guessed",
             tell_apart(trials, agreement_week([0.995, 0.005], n, blind_to_the_rare)))  # fmt: skip
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
