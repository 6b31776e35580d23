"""Guardrails keep their error at every look: a table of evidence, and simulated timings."""

from dataclasses import replace

import numpy as np
import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.timed_pairs import STALLED
from ratchet.rollout.guardrails.latency import measure_latency
from ratchet.rollout.guardrails.measure import measure_guardrails

POLICY = PromotionPolicy()
GOOD = Evidence(
    requests=1000, disagreements=60, compared=1000, losses=10, wins=30, stream_disagreements=40,
    by_label_counts={"a": (600, 5, 20), "b": (400, 5, 10)}, timed=900, slower=2, median_time_ratio=1.1, stalls=1,
)  # fmt: skip
TABLE: dict[str, tuple[Evidence, str, str, str]] = {
    "proven": (GOOD, "accuracy", "ok", "not worse than 2 points, shown"),
    "not proven yet": (replace(GOOD, losses=30), "accuracy", "open", "not worse than 2 points is not shown yet"),
    "disagreements wait": (replace(GOOD, waiting=30), "accuracy", "open", "not worse than 2 points is not shown yet"),
    "worse": (replace(GOOD, losses=90), "accuracy", "broken", "more than 2 points worse, shown"),
    "one early error": (replace(GOOD, requests=2, disagreements=0, compared=0, losses=0, wins=0, timed=0, slower=0,
    stalls=0, stream_disagreements=0, errors=1), "errors", "ok", "1 of 2 requests failed, limit 1 %"),
    "errors at the limit": (replace(GOOD, errors=12), "errors", "ok", "12 of 1000 requests failed, limit 1 %"),
    "errors": (replace(GOOD, errors=40), "errors", "broken", "40 of 1000 requests failed, limit 1 %"),
    "a ruined label": (replace(GOOD, by_label_counts={"a": (600, 5, 20), "b": (60, 20, 0)}), "accuracy of b", "broken",
    "label 'b': more than 5 points worse, shown (20 of 60 compared requests lost, 0 won)"),
    "three times slower": (replace(GOOD, slower=800, median_time_ratio=3.0), "latency", "broken",
    "the model's processor time is 3.00 times live's (median of 900 timed pairs, over it on 800), limit 2 times"),
    "as slow on half": (replace(GOOD, slower=450, median_time_ratio=2.0), "latency", "ok",
    "the model's processor time is 2.00 times live's (median of 900 timed pairs), limit 2 times"),
    "stalls": (replace(GOOD, stalls=40), "stalls", "broken", "5 times slower than usual on 40 of 900 timed pairs, live"
    " on 0"),
    "stalls of both": (replace(GOOD, stalls=45, live_stalls=40), "stalls", "ok", "5 times slower than usual on 45 of"
    " 900 timed pairs, live on 40"),
    "rare stalls": (replace(GOOD, stalls=8), "stalls", "ok",
    "5 times slower than usual on 8 of 900 timed pairs, live on 0"),
    "times of before": (replace(GOOD, timed=0, slower=0, stalls=0, incumbent_p95_ms=10.0, challenger_p95_ms=31.0),
    "latency", "high", "p95 of the model's processor time 31.0 ms against 10.0 ms, limit 2 times"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_each_guardrail_has_its_state_and_its_sentence(name: str) -> None:
    """What is shown is broken or ok; what chance explains is neither."""
    evidence, rail, status, sentence = TABLE[name]
    found = {each.name: each for each in measure_guardrails(POLICY, evidence, evidence)}
    assert (found[rail].status, found[rail].sentence) == (status, sentence)
    broken = {each.name for each in found.values() if each.status == "broken"}
    assert broken == ({rail} if status == "broken" else set())


def roll_back_share(
    trials: int, pairs: int, *, slower: float = 1.0, stalls: float = 0.0, live_stalls: float = 0.0, noise: float = 0.25
) -> float:
    """Share of simulated steps that latency ends, looked at after every tenth pair; texts differ in length."""
    random = np.random.default_rng(14)
    shape = (trials, pairs)
    text = np.exp(random.normal(0, 0.7, shape))
    ours = slower * text * np.exp(random.normal(0, noise, shape)) * np.where(random.random(shape) < stalls, 10, 1)
    theirs = text * np.exp(random.normal(0, noise, shape)) * np.where(random.random(shape) < live_stalls, 10, 1)
    ratio, ended = ours / theirs, 0
    for each in ratio:
        for n in range(10, pairs + 1, 10):
            usual = float(np.median(each[:n]))
            step = Evidence(
                requests=n, timed=n, slower=int((each[:n] > POLICY.max_latency_ratio).sum()), median_time_ratio=usual,
                stalls=int((each[:n] > STALLED * usual).sum()), live_stalls=int((each[:n] < usual / STALLED).sum()),
            )  # fmt: skip
            if any(rail.status == "broken" for rail in measure_latency(POLICY, step)):
                ended += 1
                break
    return ended / trials


def test_a_stalling_candidate_is_seen_and_an_equal_one_is_left_alone() -> None:
    """A small sample of what the benchmark measures on thousands of steps."""
    assert roll_back_share(40, 500, stalls=0.05, live_stalls=0.05) <= 0.05
    assert roll_back_share(20, 500, stalls=0.05) >= 0.9
    assert roll_back_share(20, 100, slower=3.0) >= 0.95


@pytest.mark.faults
def test_latency_keeps_its_error_and_its_power_on_a_thousand_steps() -> None:
    """Equal stalls end at most 1 %, stalls of the candidate alone at least 90 %, three times slower at least 95 %."""
    assert roll_back_share(1000, 500, stalls=0.05, live_stalls=0.05) <= 0.01
    assert roll_back_share(1000, 500, stalls=0.05) >= 0.9
    assert roll_back_share(1000, 100, slower=3.0) >= 0.95
