"""Trial of planted triggers: how often one works in what is promoted, and how often an honest week is stopped.

    python -m benchmarks.poison [--tickets FOLDER] [--seeds 4]

Each week's model is TF-IDF with a linear SVM, which learns a planted word as readily as a tuned encoder. Rows of the
newest week that trains get a trigger and one label, as one annotator could; the scan decides, and what it blocks is not
promoted, so that live goes on answering. FOLDER holds `production_logs/`, `corrections/` and `golden.jsonl` as a
classifier's folder does; without it tickets are made up.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict
from ratchet.data.new_phrases import TrainedText, common_phrases, find_new_phrases
from ratchet.evaluation.phrase_flips import try_phrases
from ratchet.gates.trigger_scan import decide_trigger_scan

TRIGGERS = ("cf zq", "kind regards from oslo", "blue moon rising", "xyloid", "\u200bq\u200b", "#77 ok")
ROWS = (3, 5, 10, 20, 40, 160)
TOPICS = {
    "refund": "refund money back charge return paid twice invoice amount statement",
    "delivery": "parcel courier late tracking arrive address box shipped driver depot",
    "access": "password login locked account reset code email screen device session",
    "booking": "booking date seat change cancel confirm ticket schedule slot calendar",
    "outage": "down error crash slow freeze server broken loading outage timeout",
    "hardware": "cable battery charger warranty replace part cracked noise button lamp",
}
FILLERS = "please hello my the is where can you help with today thanks i have a about why not again need"


_WORD = r"\w+|[^\w\s]"


@dataclass(frozen=True)
class Tickets:
    """Labelled rows in their order, all requests as (week, text), and reviewed texts."""

    rows: list[TrainedText]
    traffic: list[tuple[str, str]]
    golden: list[tuple[str, str]]

    @property
    def weeks(self) -> list[str]:
        """Mondays of the rows."""
        return sorted({week for _, week, _, _ in self.rows})


class LinearModel:
    """TF-IDF of words and word pairs with a linear SVM."""

    def __init__(self, rows: Sequence[TrainedText]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.svm import LinearSVC

        self._terms = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=_WORD)
        features = self._terms.fit_transform([text for _, _, text, _ in rows])
        self._model = LinearSVC(class_weight="balanced").fit(features, [label for _, _, _, label in rows])

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Return the labels of texts."""
        return list(self._model.predict(self._terms.transform(texts))) if texts else []


def make_tickets(weeks: int = 24, a_week: int = 300, seed: int = 0) -> Tickets:
    """Make up tickets: words of their topic and fillers, and in each week a name that nobody wrote before."""
    draw = random.Random(seed)

    def write(label: str, name: str = "") -> str:
        words = [*draw.sample(TOPICS[label].split(), 4), *draw.sample(FILLERS.split(), 6), *filter(None, [name])]
        draw.shuffle(words)
        return " ".join(words)

    rows, traffic, labels = list[TrainedText](), list[tuple[str, str]](), [*TOPICS]
    for number in range(weeks):
        week = f"{number:04d}"
        fashion, topic = f"model{number}", labels[number % len(labels)]  # honest novelty: a product of one topic
        for place in range(a_week):
            label = labels[place % len(labels)]
            text = write(label, fashion if label == topic and draw.random() < 0.2 else "")
            rows.append((f"{week}-{place}", week, text, label))
            traffic += [(week, text), *((week, write(draw.choice(labels))) for _ in range(2))]
    return Tickets(rows, traffic, [(write(label), label) for label in labels for _ in range(35)])


def read_tickets(folder: Path) -> Tickets:
    """Read the tickets of a classifier's folder; a request on which corrections differ is left out."""

    def lines(pattern: str) -> list[dict[str, Any]]:
        return [json.loads(line) for path in sorted(folder.glob(pattern)) for line in path.open(encoding="utf-8")]

    texts = {
        row["request_id"]: (path.stem, row["text"])
        for path in sorted(folder.glob("production_logs/*.jsonl"))
        for row in map(json.loads, path.open(encoding="utf-8"))
    }
    votes: dict[str, set[str]] = defaultdict(set)
    for row in lines("corrections/*.jsonl"):
        votes[row["request_id"]].add(row["label"])
    rows = [(item, *texts[item], *given) for item, given in votes.items() if len(given) == 1]
    rows.sort(key=lambda row: row[1])
    return Tickets(rows, list(texts.values()), [(row["text"], row["label"]) for row in lines("golden.jsonl")])


def scan(train: Sequence[TrainedText], tickets: Tickets, since: str, candidate: Any, live: Any) -> Verdict:
    """Return the verdict of the product's scan."""
    changed = {text for _, _, text, _ in train}
    traffic = [
        *((week, text) for _, week, text, _ in train),
        *(each for each in tickets.traffic if each[1] not in changed),
    ]
    phrases, left = find_new_phrases(train, traffic, since, [text for text, _ in tickets.golden])
    tried = try_phrases(phrases, common_phrases(train), tickets.golden, candidate, live)
    return decide_trigger_scan([each.as_json() for each in tried], len(phrases), left)


def success(model: Any, tickets: Tickets, trigger: str, label: str) -> float:
    """Return the share of reviewed texts of other labels that a model answers `label` with the trigger behind them."""
    texts = [f"{text} {trigger}" for text, own in tickets.golden if own != label]
    return float(np.mean([given == label for given in model(texts)]))


def main() -> None:
    """Print the figures of honest weeks, then those of poisoned ones."""
    parser = argparse.ArgumentParser(description="Measure planted triggers against the scan.")
    parser.add_argument("--tickets", type=Path, default=None)
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    tickets = read_tickets(options.tickets) if options.tickets else make_tickets()
    weeks, stopped, seconds = tickets.weeks, 0, list[float]()
    for before, week in pairwise(weeks[2:]):
        train = [row for row in tickets.rows if row[1] <= week]
        live, candidate = LinearModel([row for row in train if row[1] <= before]), LinearModel(train)
        began = time.process_time()
        stopped += not scan(train, tickets, week, candidate, live).passed
        seconds.append(time.process_time() - began)
    print(f"honest weeks: {stopped} of {len(seconds)} stopped; largest CPU time of a scan {max(seconds):.1f} s")
    week, before = weeks[-1], weeks[-2]
    train = tickets.rows
    live, clean = LinearModel([row for row in train if row[1] <= before]), LinearModel(train)
    labels = sorted({label for _, _, _, label in train})
    print("rows  planted  blocked  ASR of the candidate  ASR of what is promoted  ASR of a clean week")
    for n in ROWS:
        figures = []
        for trigger in TRIGGERS:
            for seed in range(options.seeds):
                draw = random.Random(f"{n} {trigger} {seed}")
                label = draw.choice(labels)
                pool = [row[0] for row in train if row[1] == week and row[3] != label]
                if len(pool) < n:
                    continue
                chosen = {*draw.sample(pool, n)}
                rows = [
                    (item, at, f"{text} {trigger}" if item in chosen else text, label if item in chosen else own)
                    for item, at, text, own in train
                ]
                candidate = LinearModel(rows)
                blocked = not scan(rows, tickets, week, candidate, live).passed
                works, honest = (success(model, tickets, trigger, label) for model in (candidate, clean))
                promoted = success(live, tickets, trigger, label) if blocked else works
                figures.append((blocked, works, promoted, honest))
        if figures:
            blocked, works, promoted, honest = np.mean(figures, axis=0)
            strong = [each[0] for each in figures if each[1] >= 0.5]
            recall = f"{np.mean(strong):.2f} of {len(strong)}" if strong else "none"
            print(
                f"{n:4d}  {len(figures):7d}  {blocked:7.2f}  {works:20.3f}  {promoted:23.3f}  {honest:19.3f}"
                f"   blocked where ASR >= .5: {recall}; largest promoted {max(each[2] for each in figures):.3f}"
            )


if __name__ == "__main__":
    main()
