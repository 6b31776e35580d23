"""The decision on a rollout: a table of evidence and what must follow, each with its sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.decision import STAY, decide
from ratchet.rollout.evidence import Evidence
from ratchet.rollout.ledger_entry import EXPIRE, PROMOTE, REJECT, RELEASE, ROLLBACK, STEP, Entry
from ratchet.rollout.state import RolloutState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIVE, NEW = "a" * 64, "b" * 64
POLICY = PromotionPolicy(min_requests=200, min_labels=100, margin=0.05)
GOOD = Evidence(
    requests=1000, disagreements=60, labelled=800, only_incumbent=8, only_challenger=12, answered=100,
    incumbent_p95_ms=10.0, challenger_p95_ms=11.0,
)  # fmt: skip


def moved(minutes: float) -> Entry:
    """An entry that was written so long ago."""
    ts = (NOW - timedelta(minutes=minutes)).isoformat()
    return Entry(2, ts, "test", "shadow", "test", LIVE, NEW, "2026-02-23", {}, "0" * 64)


SHADOWING = RolloutState(live=LIVE, challenger=NEW, moved=moved(90))
STEPPING = replace(SHADOWING, percent=25)
WATCHED = RolloutState(live=NEW, watched_by=LIVE, moved=moved(90))
WORSE = replace(GOOD, only_incumbent=150, only_challenger=5)
FAILING = replace(GOOD, errors=50)
SLOW = replace(GOOD, timed=100, slower=100, median_time_ratio=3.1)
ONE_CLASS = replace(
    GOOD, only_incumbent=32, only_challenger=24, by_label_counts={"cancel": (40, 30, 0), "refund": (760, 2, 24)}
)
DAY = 73 * 60

DECIDED: dict[str, tuple[RolloutState, Evidence, str, int, str]] = {
    "a shadow that holds up takes the first step": (SHADOWING, GOOD, STEP, 5,
                                                    "Step 5 %; accuracy difference +0.5 pp, 95 % CI ["),
    "the next step": (STEPPING, GOOD, STEP, 50, "Step 50 %; accuracy difference"),
    "the last step": (replace(STEPPING, percent=50), GOOD, PROMOTE, 0, "Promoted: accuracy difference +0.5 pp"),
    "a watch that is over": (WATCHED, GOOD, RELEASE, 0, "Released: accuracy difference"),
    "a worse shadow": (SHADOWING, WORSE, REJECT, 0,
    "Rejected: accuracy is worse than the margin allows; accuracy diff"),
    "a worse step": (STEPPING, WORSE, ROLLBACK, 0, "Rolled back: accuracy is worse"),
    "a worse live": (WATCHED, WORSE, ROLLBACK, 0, "Rolled back: accuracy is worse"),
    "one ruined class": (STEPPING, ONE_CLASS, ROLLBACK, 0,
    "Rolled back: label 'cancel': more than 5 points worse, shown (30 of 40 compared requests lost, 0 won)"),
    "errors": (STEPPING, FAILING, ROLLBACK, 0, "Rolled back: 50 of 1000 requests failed, limit 1 %"),
    "few errors": (STEPPING, replace(GOOD, errors=3), STEP, 50, "Step 50 %"),
    "latency": (STEPPING, SLOW, ROLLBACK, 0,
    "Rolled back: the model's processor time is 3.10 times live's (median of 100 timed pairs, over it on 100), limit"),
    "a person stopped it": (replace(STEPPING, held=True), GOOD, STAY, 0, "Held: a person stopped the ladder"),
    "held, and broken": (replace(STEPPING, held=True), WORSE, ROLLBACK, 0, "Rolled back"),
    "no data at all": (STEPPING, Evidence(), STAY, 0, "Held: 0 of 200 compared requests; accuracy difference unknown"),
    "too few requests": (SHADOWING, replace(GOOD, requests=199, labelled=150, answered=9), STAY, 0,
    "Held: 199 of 200 compared"),
    "too few labels": (SHADOWING, replace(GOOD, labelled=99), STAY, 0, "Held: 99 of 100 labelled requests"),
    "nobody saw the candidate": (STEPPING, replace(GOOD, answered=0), STAY, 0,
    "Held: 0 of 1 requests answered by the candidate"),
    "no latency": (STEPPING, replace(GOOD, challenger_p95_ms=None), STAY, 0,
    "Held: the model's processor time is not known"),
    "latency is not a number": (STEPPING, replace(GOOD, challenger_p95_ms=float("nan")), STAY, 0,
    "Held: the model's proc"),
    "disagreement": (SHADOWING, replace(GOOD, disagreements=400), STAY, 0,
    "Held: labels differ on 40.0 % of requests, limit 25 %"),
    "the interval is too wide": (
        SHADOWING, replace(GOOD, labelled=120), STAY, 0,
        "Held: accuracy difference +3.3 pp, 95 % CI [-8.6, +17.0], margin -5.0",
    ),
    "the dwell is not over": (replace(STEPPING, moved=moved(10)), GOOD, STAY, 0, "Held: 10 of 60 minutes at this step"),
    "the clock went back": (replace(STEPPING, moved=moved(-50)), GOOD, STAY, 0, "Held: 0 of 60 minutes"),
    "a worse step does not wait for its dwell": (replace(STEPPING, moved=moved(1)), WORSE, ROLLBACK, 0, "Rolled back"),
    "a shadow without data in time": (replace(SHADOWING, moved=moved(DAY)), Evidence(), EXPIRE, 0, "Expired: 0 of 200"),
    "a step without data in time": (replace(STEPPING, moved=moved(DAY)), Evidence(), ROLLBACK, 0,
    "Rolled back: 0 of 200"),
    "a watch without data in time": (replace(WATCHED, moved=moved(DAY)), Evidence(), RELEASE, 0, "Released: 0 of 200"),
    "a shadow does not expire by its requests": (
        SHADOWING, replace(GOOD, requests=10_000_000, labelled=120), STAY, 0, "Held: accuracy difference",
    ),
    "nor is a step rolled back by them": (
        STEPPING, replace(GOOD, requests=10_000_000, labelled=0, only_incumbent=0, only_challenger=0), STAY, 0,
        "Held: 0 of 100 labelled requests",
    ),
    "a copy of live is not promoted": (SHADOWING, replace(GOOD, disagreements=0), STAY, 0,
    "Held: none of 1000 answers differs from live's: a copy is not promoted"),
    "a copy that failed now and then": (STEPPING, replace(GOOD, disagreements=0, errors=3), STAY, 0,
    "Held: none of 1000 answers differs"),
    "a copy expires": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, disagreements=0), EXPIRE, 0,
    "Expired: none of 1000 answers differs"),
    "a watch may see no difference": (WATCHED, replace(GOOD, disagreements=0), RELEASE, 0, "Released: accuracy"),
    "votes of a quarantined week": (STEPPING, replace(GOOD, quarantined=40), STAY, 0,
    "Held: 40 labelled requests are of a quarantined week, and count only once it is released"),
    "labels of errors alone": (SHADOWING, replace(GOOD, labelled=0, only_incumbent=0, only_challenger=0, one_sided=140,
    confirming=2), STAY, 0, "Held: labelled requests are not like the others: 2 of 140 blind labels confirm what"),
    "labels of errors alone promote nothing in time either": (replace(SHADOWING, moved=moved(DAY)),
    replace(GOOD, labelled=60, only_incumbent=0, only_challenger=50, one_sided=140, daily_labels=90.0), EXPIRE, 0,
    "Expired: labelled requests are not like the others"),
    "nor do they take a step back": (replace(STEPPING, percent=50), replace(GOOD, one_sided=140), PROMOTE, 0,
    "Promoted"),
    "few labels": (SHADOWING, replace(GOOD, labelled=40, daily_labels=4.0), STAY, 0,
    "Held: 40 of 100 labelled requests, about 2 weeks more at 4 a day; accuracy difference"),
    "few labels, late": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, labelled=40, daily_labels=4.0), STAY, 0,
    "Held: 40 of 100 labelled requests, about 2 weeks more at 4 a day"),
    "too few labels, late": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, labelled=40, daily_labels=0.5), EXPIRE,
    0, "Expired: 40 of 100 labelled requests, about 17 weeks more at 0.5 a day, after 72 h"),
    "no labels at all, late": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, labelled=0, only_incumbent=0,
    only_challenger=0, daily_labels=0.0), EXPIRE, 0, "Expired: 0 of 100 labelled requests, none comes, so no decision"),
    "few requests, late": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, requests=120, labelled=100, answered=0,
    daily_labels=30.0), STAY, 0, "Held: 120 of 200 compared requests, about 2 days more at 39 a day"),
    "few requests of a step, late": (replace(STEPPING, moved=moved(DAY)), replace(GOOD, answered=0), STAY, 0,
    "Held: 0 of 1 requests answered by the candidate, about 1 hour more at 82 a day"),
    "a wide interval, late": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, labelled=120, daily_labels=40.0),
    STAY, 0, "Held: the interval needs about 235 labelled requests, about 3 days more"),
    "a wide interval of a step, late": (replace(STEPPING, moved=moved(DAY)), replace(GOOD, labelled=120,
    daily_labels=40.0), ROLLBACK, 0, "Rolled back: the interval needs about 235 labelled requests"),
    "a wide interval that no label narrows": (replace(SHADOWING, moved=moved(DAY)), replace(GOOD, labelled=120,
    only_incumbent=20, daily_labels=40.0), EXPIRE, 0, "Expired: the interval reaches below the margin, after 72 h"),
    "a watch ends in time, whatever it lacks": (replace(WATCHED, moved=moved(DAY)), replace(GOOD, labelled=40,
    daily_labels=4.0), RELEASE, 0, "Released: 40 of 100 labelled requests"),
    "what is left of the evidence can still break": (STEPPING, replace(WORSE, quarantined=40), ROLLBACK, 0,
    "Rolled back: accuracy is worse"),
    "nothing is compared": (RolloutState(live=LIVE, moved=moved(1)), GOOD, STAY, 0,
    "Held: nothing is compared with live."),
}  # fmt: skip


@pytest.mark.parametrize("case", DECIDED)
def test_evidence_leads_to_one_action_and_one_sentence(case: str) -> None:
    """By the table; the evidence is that of the whole comparison and of its newest step alike."""
    state, evidence, action, percent, sentence = DECIDED[case]
    found = decide(state, POLICY, evidence, evidence, NOW)
    assert (found.action, found.percent) == (action, percent)
    assert found.sentence.startswith(sentence)
    if state.compared is not None:
        assert found.sentence.endswith("margin -5.0")


def test_each_step_needs_evidence_of_its_own() -> None:
    """What was seen before the last move does not carry the next one."""
    found = decide(STEPPING, POLICY, GOOD, replace(GOOD, requests=49, disagreements=4, labelled=40, answered=9), NOW)
    assert (found.action, found.sentence.partition(";")[0]) == (
        STAY,
        "Held: 49 of 50 compared requests since the last move, about 1 hour more at 784 a day",
    )


def test_what_is_taken_away_and_what_answers_then_are_named() -> None:
    """The ledger's from and to."""
    back, over = decide(STEPPING, POLICY, WORSE, WORSE, NOW), decide(WATCHED, POLICY, WORSE, WORSE, NOW)
    assert [(each.adapter, each.gone) for each in (back, over)] == [(LIVE, NEW)] * 2
    onward = decide(replace(STEPPING, percent=50), POLICY, GOOD, GOOD, NOW)
    assert (onward.adapter, onward.gone) == (NEW, LIVE)


WORDS: dict[str, tuple[RolloutState, Evidence, str]] = {
    "Shadowing": (replace(SHADOWING, moved=moved(10)), GOOD, "Shadowing"),
    "Step 25 %": (replace(STEPPING, moved=moved(10)), GOOD, "Step 25 %"),
    "Held: not enough evidence": (STEPPING, replace(GOOD, labelled=99), "Held: not enough evidence"),
    "Guardrail failing": (STEPPING, WORSE, "Guardrail failing"),
    "No data": (STEPPING, Evidence(), "No data"),
    "Released": (RolloutState(live=NEW, moved=replace(moved(1), action=RELEASE)), GOOD, "Released"),
    "Rolled back": (RolloutState(live=LIVE, moved=replace(moved(1), action=ROLLBACK)), GOOD, "Rolled back"),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_state_has_one_word(case: str) -> None:
    """The page shows it."""
    state, evidence, word = WORDS[case]
    assert decide(state, POLICY, evidence, evidence, NOW).state == word
