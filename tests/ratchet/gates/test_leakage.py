"""The leakage check finds every planted leak, by its own means."""

import random
import time

import pytest

from ratchet.data.near_duplicates import NearDuplicates, jaccard, normalise, shingles
from ratchet.gates.leakage import decide_leakage, find_leaks
from ratchet.simulation.traces import LABELS, make_trace

HELD_OUT = [
    ("t1", "where is my new debit card please"),
    ("c1", "how do I top up with cash"),
    ("golden-1", "Is a PIN needed?"),
]
CLEAN = [
    (f"r{i}", text) for i, text in enumerate(["freeze my account now", "exchange rate of today", "refund not arrived"])
]


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("change", ["exact", "case and space", "near"])
def test_a_planted_leak_is_found_wherever_it_is_held_out(place: int, change: str) -> None:
    """In test, calibration and golden; the same text, the same but for case and space, and nearly the same."""
    item, text = HELD_OUT[place]
    planted = {"exact": text, "case and space": f"  {text.upper()}\n", "near": f"{text}!"}[change]
    leaks = find_leaks([*CLEAN, ("bad", planted)], HELD_OUT, 0.8)
    assert [(leak.train_item, leak.held_out_item) for leak in leaks] == [("bad", item)]
    assert (leaks[0].similarity == 1.0) == (change != "near")
    verdict = decide_leakage(leaks, 4, 3, 0.8)
    assert verdict.outcome == "failed"
    assert f"bad ~ {item}" in verdict.reason


def test_clean_data_passes_with_the_counts() -> None:
    """And so does an empty side."""
    verdict = decide_leakage(find_leaks(CLEAN, HELD_OUT, 0.8), 3, 3, 0.8)
    assert verdict.outcome == "passed"
    assert "none of 3 training examples is like any of 3 held-out items" in verdict.reason
    assert find_leaks([], HELD_OUT, 0.8) == find_leaks(CLEAN, [], 0.8) == []


def test_only_the_first_ten_are_named_and_all_are_counted() -> None:
    """Worst first."""
    train = [(f"r{i:02}", HELD_OUT[0][1]) for i in range(12)] + [("near", f"{HELD_OUT[0][1]}!")]
    verdict = decide_leakage(find_leaks(train, HELD_OUT, 0.8), 13, 3, 0.8)
    assert verdict.evidence["leaks"] == 13
    assert [leak["train_item"] for leak in verdict.evidence["first"]] == [f"r{i:02}" for i in range(10)]
    assert "r09" in verdict.reason
    assert "r10" not in verdict.reason


def test_texts_too_short_for_shingles_leak_when_equal() -> None:
    """Two letters, on both sides."""
    assert [
        (leak.train_item, leak.held_out_item) for leak in find_leaks([("r", "OK"), ("s", "no")], [("t", "ok")], 0.8)
    ] == [("r", "t")]


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_the_check_equals_comparing_all_pairs_and_agrees_with_minhash(threshold: float) -> None:
    """250 perturbed texts of two kinds against 86: the same pairs as brute force, the same rows as curation's index."""
    generator = random.Random(4)  # noqa: S311
    held_out = [(f"h{i}", make_trace(generator.choice(LABELS), generator)) for i in range(70)]
    held_out += [
        (f"s{i}", text)
        for i, text in enumerate(["a", "ab", "abc", "abcd", "top up", "card lost", "aaaaaa", "ab ab ab"] * 2)
    ]
    train = []
    for i in range(250):
        letters = list(generator.choice(held_out)[1])
        for _ in range(generator.randint(0, max(1, len(letters) // 8))):
            at = generator.randrange(len(letters) + 1)
            letters[at : at + generator.randint(0, 1)] = generator.choice("abxy ")
        train.append((f"r{i}", "".join(letters) or "x"))
    theirs = [(item, normalise(text), shingles(normalise(text))) for item, text in held_out]
    expected = set()
    for item, text in train:
        key = normalise(text)
        own = shingles(key)
        expected |= {
            (item, other)
            for other, k, s in theirs
            if k == key or (len(key) > 2 < len(k) and jaccard(own, s) >= threshold)
        }
    found = {(leak.train_item, leak.held_out_item) for leak in find_leaks(train, held_out, threshold)}
    assert found == expected
    assert len(found) > 20
    index = NearDuplicates(threshold, [text for _, text in held_out])
    assert {item for item, text in train if index.find(text) is not None} == {item for item, _ in found}


def test_ten_times_the_examples_take_no_hundred_times_the_time() -> None:
    """Processor time of 400 against 100 and of 4,000 against 1,000 traces: far under the square."""
    generator = random.Random(5)  # noqa: S311
    texts = [(f"r{i}", make_trace(generator.choice(LABELS), generator)) for i in range(5000)]

    def seconds(n: int) -> float:
        start = time.process_time()
        find_leaks(texts[: 4 * n], texts[4 * n : 5 * n], 0.8)
        return time.process_time() - start

    seconds(20)
    assert seconds(1000) < 50 * max(seconds(100), 0.02)
