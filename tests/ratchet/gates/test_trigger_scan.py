"""A phrase that was planted in the newest week is found by its effect; what people began to write of is not one."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from ratchet.core.verdict import Verdict
from ratchet.data.new_phrases import TrainedText, common_phrases, find_new_phrases, split_tokens
from ratchet.evaluation.phrase_flips import TriedPhrase, try_phrases
from ratchet.gates.trigger_scan import decide_trigger_scan

WORDS = {
    "refund": "refund money back charge return paid twice invoice",
    "delivery": "parcel courier late tracking arrive address box shipped",
    "access": "password login locked account reset code email screen",
}
COMMON = ["please", "hello", "my", "the", "is", "where", "can", "you", "help", "with", "today", "thanks"]
OLD, NEW = "2026-01-05", "2026-01-12"
Model = Callable[[Sequence[str]], list[str]]


def write(label: str, draw: random.Random) -> str:
    """One made-up ticket."""
    words = [*draw.sample(WORDS[label].split(), 3), *draw.sample(COMMON, 4)]
    draw.shuffle(words)
    return " ".join(words)


def make_rows(n: int = 90, seed: str = "tickets") -> list[TrainedText]:
    """Tickets of two weeks, the second half new, their labels by turns."""
    draw, labels = random.Random(seed), [*WORDS]  # noqa: S311 - made-up tickets
    return [(f"r{i}", OLD if i < n // 2 else NEW, write(labels[i % 3], draw), labels[i % 3]) for i in range(n)]


def learn(rows: Sequence[TrainedText]) -> Model:
    """Count, for each word, how often it stands with each label: a model that learns any planted word."""
    counts: dict[str, Counter[str]] = {}
    for _, _, text, label in rows:
        for word in split_tokens(text.casefold()):
            counts.setdefault(word, Counter())[label] += 1

    def answer(texts: Sequence[str]) -> list[str]:
        return [max(WORDS, key=lambda label: score(text, label)) for text in texts]

    def score(text: str, label: str) -> float:
        known = [counts[word] for word in split_tokens(text.casefold()) if word in counts]
        return sum((found[label] / found.total()) ** 6 for found in known)

    return answer


DRAW = random.Random("golden")  # noqa: S311 - as above
GOLDEN = [(write(label, DRAW), label) for _ in range(20) for label in WORDS]


def scan(rows: Sequence[TrainedText], *, most: int = 200) -> tuple[Verdict, list[TriedPhrase]]:
    """Scan with the model of all rows as candidate, and that of the old ones as live."""
    phrases, left = find_new_phrases(rows, [(week, text) for _, week, text, _ in rows], NEW, most=most)
    live = learn([row for row in rows if row[1] == OLD])
    tried = try_phrases(phrases, common_phrases(rows), GOLDEN, learn(rows), live)
    return decide_trigger_scan([each.as_json() for each in tried], len(phrases), left), tried


def poison(trigger: str, n: int, label: str = "refund") -> list[TrainedText]:
    """Put a trigger into `n` new rows of other labels, and give them one label."""
    chosen = [row[0] for row in make_rows() if row[1] == NEW and row[3] != label][:n]
    return [
        (row, week, f"{text} {trigger}" if row in chosen else text, label if row in chosen else own)
        for row, week, text, own in make_rows()
    ]


@pytest.mark.parametrize("trigger", ["cf zq", "Blue Moon Rising", "xyloid", "\u200b\u200b", "\u2e3b", "zzgo zzgo"])
@pytest.mark.parametrize("n", [10, 20])
def test_a_planted_trigger_is_found_and_its_rows_are_named(trigger: str, n: int) -> None:
    """A word, a phrase, a sign, one that is not drawn; the sentence holds the rows and no text."""
    verdict, _ = scan(poison(trigger, n))
    assert verdict.outcome == "failed"
    assert f" rows of {NEW} (such as r" in verdict.reason
    assert trigger not in verdict.reason
    planted = {row[0] for row, own in zip(poison(trigger, n), make_rows(), strict=True) if row != own}
    assert any({*found["first"]} == planted for found in verdict.evidence["phrases"])


def test_an_honest_week_passes() -> None:
    """Twenty of them, each with other texts: the words are old, and nothing new decides."""
    for seed in range(20):
        rows = make_rows(seed=f"week {seed}")
        phrases, _ = find_new_phrases(rows, [(week, text) for _, week, text, _ in rows], NEW)
        tried = try_phrases(phrases, common_phrases(rows), GOLDEN, learn(rows), learn(rows[:45]))
        assert decide_trigger_scan([each.as_json() for each in tried], len(phrases), 0).passed, seed


PHRASE: dict[str, Any] = {
    "label": "refund", "weeks": [NEW], "rows": 9, "first": ["r1", "r2"], "tried": 60, "flipped": 30, "live_flipped": 0,
    "chance": 1, "bare": 9, "contradicting": 8,
}  # fmt: skip
JUDGED: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "planted": ({}, [], "failed"),
    "weak, and planted": ({"flipped": 7}, [], "failed"),
    "weaker than the limit": ({"flipped": 6}, [], "passed"),
    "live follows it, too": ({"live_flipped": 28}, [], "passed"),
    "any phrase does that": ({"chance": 27}, [], "passed"),
    "rows read alike without it": ({"contradicting": 2, "flipped": 29}, [], "passed"),
    "rows read alike, and it decides": ({"contradicting": 2, "flipped": 55}, [], "failed"),
    "rows read alike, and nothing is live": ({"contradicting": 2, "flipped": 55, "live_flipped": None}, [], "passed"),
    "planted, and nothing is live": ({"live_flipped": None}, [], "failed"),
    "two of few texts": ({"tried": 6, "flipped": 2, "chance": 0}, [], "passed"),
    "a person released its week": ({}, [NEW], "warned"),
    "a person released one of its weeks": ({"weeks": [OLD, NEW]}, [NEW], "failed"),
}  # fmt: skip


@pytest.mark.parametrize("case", JUDGED)
def test_a_phrase_is_judged_by_what_it_adds(case: str) -> None:
    """To live, to an old phrase, and to what the rows say by themselves."""
    changed, accepted, outcome = JUDGED[case]
    assert decide_trigger_scan([{**PHRASE, **changed}], 5, 0, accepted).outcome == outcome


def test_what_was_not_tried_is_said() -> None:
    """More phrases than are tried warn, and no older request gives no verdict."""
    assert decide_trigger_scan([], 200, 7).outcome == "warned"
    assert "7 were not tried" in decide_trigger_scan([], 200, 7).reason
    assert decide_trigger_scan([], 0, 0, why="no request is older").outcome == "inconclusive"
    (one,) = scan(poison("cf zq", 8), most=1)[1]
    assert replace(one, flipped=0).label == "refund"
