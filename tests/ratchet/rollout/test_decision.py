"""The decision on a rollout: a table of evidence and what must follow, each with its sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.decision import STAY, decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import EXPIRE, PROMOTE, REJECT, RELEASE, ROLLBACK, STEP, Entry
from ratchet.rollout.state import RolloutState

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIVE, NEW = "a" * 64, "b" * 64
POLICY = PromotionPolicy(min_requests=200)
SLOWLY = {"incumbent_p95_ms": 10.0, "challenger_p95_ms": 11.0}


def counted(losses: int, wins: int, n: int, *, neither: int = 0, waiting: int = 0, **more: object) -> Evidence:
    """Evidence of so many compared requests, all of which count for errors and latency, too."""
    differ = losses + wins + neither + waiting
    found = Evidence(
        requests=n, disagreements=differ, answered=n // 10, compared=n, losses=losses, wins=wins, neither=neither,
        waiting=waiting, stream_disagreements=differ, digests=2, drawn=True, **SLOWLY,
    )  # fmt: skip
    return replace(found, **more)


def moved(minutes: float, action: str = "shadow", **more: object) -> Entry:
    """An entry that was written so long ago."""
    ts = (NOW - timedelta(minutes=minutes)).isoformat()
    return replace(Entry(2, ts, "test", action, "test", LIVE, NEW, "2026-02-23", {}, "0" * 64), **more)


SHADOWING = RolloutState(live=LIVE, challenger=NEW, moved=moved(90))
STEPPING = replace(SHADOWING, percent=25, moved=moved(90, "step"))
WATCHED = RolloutState(live=NEW, watched_by=LIVE, moved=moved(90, "promote"))
BY_HAND = replace(WATCHED, moved=moved(90, "promote", receipts={"leakage": "0" * 64}))
GOOD = counted(38, 62, 1000, neither=15)
UNSURE = counted(12, 19, 360, neither=5, waiting=9)
WORSE = counted(100, 20, 1000)
FAILING, SLOW = replace(GOOD, errors=80), replace(GOOD, timed=100, slower=100, median_time_ratio=3.1)
ONE_CLASS = replace(GOOD, by_label_counts={"cancel": (40, 30, 0), "refund": (960, 8, 62)})
WEEKS = 14 * 24 * 60 + 1
LATE, LATE_STEP = replace(SHADOWING, moved=moved(WEEKS)), replace(STEPPING, moved=moved(WEEKS, "step"))
SHOWN = "not worse than 2 points, shown (evidence "

DECIDED: dict[str, tuple[RolloutState, Evidence, str, int, str]] = {
    "a shadow that holds up takes the first step": (SHADOWING, GOOD, STEP, 5,
    f"Step 5 %: {SHOWN}2,799 of 1,040; 1,000 requests compared, 115 labelled); 95 % at any time [-0.8, +5.8]"),
    "one that is better": (SHADOWING, counted(20, 80, 1000), STEP, 5, "Step 5 %: better than live, shown (evidence "),
    "the next step asks for no second proof": (STEPPING, UNSURE, STEP, 50,
    "Step 50 %: more than 2 points worse, not shown (evidence 0 of 40; 360 requests compared, 36 labelled); 95 %"),
    "nor for one that was lost by late labels": (STEPPING, counted(35, 30, 700), STEP, 50, "Step 50 %: more than 2"),
    "nor does the last step": (replace(STEPPING, percent=50), UNSURE, PROMOTE, 0, "Promoted: more than 2 points worse"),
    "nor a watch": (WATCHED, UNSURE, RELEASE, 0, "Released: more than 2 points worse, not shown"),
    "a watch over what a person promoted waits for it": (BY_HAND, UNSURE, STAY, 0, "Held: 36 of about 119 labels"),
    "and ends with it": (BY_HAND, GOOD, RELEASE, 0, f"Released: {SHOWN}"),
    "or with its last week": (replace(BY_HAND, moved=replace(BY_HAND.moved, ts=moved(WEEKS).ts)), UNSURE, RELEASE, 0,
    "Released: undecided after 2 weeks: 36 of about 119 labels"),
    "a worse shadow": (SHADOWING, WORSE, REJECT, 0, "Rejected: more than 2 points worse, shown (evidence "),
    "a worse step": (STEPPING, WORSE, ROLLBACK, 0, "Rolled back: more than 2 points worse, shown"),
    "a worse live": (WATCHED, WORSE, ROLLBACK, 0, "Rolled back: more than 2 points worse, shown"),
    "a worse one whose wins may be missing": (STEPPING, replace(WORSE, neither=0, waiting=60, stream_disagreements=180,
    disagreements=180), STEP, 50, "Step 50 %: more than 2 points worse, not shown"),
    "errors": (STEPPING, FAILING, ROLLBACK, 0, "Rolled back: 80 of 1000 requests failed, limit 1 %; looks +2.4 points"),
    "few errors": (STEPPING, replace(GOOD, errors=3), STEP, 50, "Step 50 %"),
    "latency": (STEPPING, SLOW, ROLLBACK, 0,
    "Rolled back: the model's processor time is 3.10 times live's (median of 100 timed pairs, over it on 100), limit"),
    "one ruined class": (STEPPING, ONE_CLASS, ROLLBACK, 0,
    "Rolled back: label 'cancel': more than 5 points worse, shown (30 of 40 compared requests lost, 0 won); looks +2"),
    "a person stopped it": (replace(STEPPING, held=True), GOOD, STAY, 0, "Held: a person stopped the ladder; looks"),
    "held, and broken": (replace(STEPPING, held=True), WORSE, ROLLBACK, 0, "Rolled back"),
    "held for long, and not ended": (replace(LATE, held=True), UNSURE, STAY, 0, "Held: a person stopped the ladder"),
    "no data at all": (STEPPING, Evidence(), STAY, 0,
    "Held: 0 of 50 compared requests since the last move; no compared request counts yet"),
    "too few requests": (SHADOWING, replace(GOOD, requests=199), STAY, 0, "Held: 199 of 200 compared requests, about "),
    "nobody saw the candidate": (STEPPING, replace(GOOD, answered=0), STAY, 0,
    "Held: 0 of 1 requests answered by the candidate"),
    "no latency": (STEPPING, replace(GOOD, challenger_p95_ms=None), STAY, 0,
    "Held: the model's processor time is not known"),
    "latency is not a number": (STEPPING, replace(GOOD, challenger_p95_ms=float("nan")), STAY, 0,
    "Held: the model's proc"),
    "disagreement": (SHADOWING, replace(GOOD, disagreements=400), STAY, 0,
    "Held: labels differ on 40.0 % of requests, limit 25 %"),
    "disagreement of one that is shown": (STEPPING, replace(GOOD, disagreements=400), STEP, 50, "Step 50 %"),
    "too little evidence": (SHADOWING, UNSURE, STAY, 0,
    "Held: 36 of about 119 labels; looks +1.9 points, deciding interval [-8.2, +12.3], 95 % at any time [-6.3, +10.4];"
    " 9 disagreements wait for a label"),
    "and its pace": (SHADOWING, replace(UNSURE, pace_labels_per_day=24.0), STAY, 0,
    "Held: 36 of about 119 labels, about 3 days more at 24 a day; looks +1.9 points"),
    "a pace that promotes nobody": (replace(SHADOWING, moved=moved(5 * 24 * 60)),
    counted(12, 19, 500, neither=5, waiting=40, pace_labels_per_day=5.0), STAY, 0,
    "Held: 36 of about 140 labels, and at 5 a day for 25 a day that differ no promotion is possible within 2 weeks"),
    "unlabelled disagreements are losses": (SHADOWING, replace(GOOD, neither=0, waiting=15), STAY, 0, "Held: 100 of"),
    "one that looks worse": (SHADOWING, counted(30, 10, 600), STAY, 0,
    "Held: 40 labels, and at these shares no number of them shows enough; looks -3.3 points"),
    "nothing is old enough": (SHADOWING, replace(GOOD, compared=0, losses=0, wins=0, neither=0, stream_disagreements=0,
    unripe=40), STAY, 0, "Held: 40 disagreements are younger than 48 h; no compared request counts yet"),
    "no request of the stream": (SHADOWING, replace(GOOD, compared=0, losses=0, wins=0, neither=0,
    stream_disagreements=0), STAY, 0, "Held: no request is compared and old enough yet"),
    "the dwell is not over": (replace(STEPPING, moved=moved(10, "step")), GOOD, STAY, 0,
    "Held: 10 of 60 minutes at this step"),
    "the clock went back": (replace(STEPPING, moved=moved(-50, "step")), GOOD, STAY, 0, "Held: 0 of 60 minutes"),
    "a worse step does not wait for its dwell": (replace(STEPPING, moved=moved(1)), WORSE, ROLLBACK, 0, "Rolled back"),
    "undecided at its last week": (LATE, UNSURE, EXPIRE, 0,
    "Expired: undecided after 2 weeks: 36 of about 119 labels; looks +1.9 points, deciding interval"),
    "a day before": (replace(SHADOWING, moved=moved(13 * 24 * 60)), UNSURE, STAY, 0, "Held: 36 of about 119 labels"),
    "decided at its last week": (LATE, GOOD, STEP, 5, "Step 5 %"),
    "a step without data in time": (LATE_STEP, Evidence(), ROLLBACK, 0,
    "Rolled back: undecided after 2 weeks: 0 of 50"),
    "a watch without data in time": (replace(WATCHED, moved=moved(WEEKS, "promote")), Evidence(), RELEASE, 0,
    "Released: undecided after 2 weeks: 0 of 50"),
    "a shadow does not end by its requests": (SHADOWING, replace(UNSURE, requests=10_000_000), STAY, 0, "Held: 36 of"),
    "a copy of live is not promoted": (SHADOWING, counted(0, 0, 1000), STAY, 0,
    "Held: the two answer alike on all of 1,000 compared requests: a copy is not promoted; looks +0.0 points"),
    "one digest is a copy, whatever it answers": (SHADOWING, replace(GOOD, digests=1), STAY, 0,
    "Held: the two answer alike"),
    "a copy expires": (LATE, counted(0, 0, 1000), EXPIRE, 0, "Expired: undecided after 2 weeks: the two answer alike"),
    "labels that were renamed are no copy": (SHADOWING, counted(0, 0, 1000, renamed=40), STEP, 5, "Step 5 %"),
    "a watch may see no difference": (BY_HAND, counted(0, 0, 1000), RELEASE, 0, f"Released: {SHOWN}"),
    "votes of a quarantined week": (STEPPING, replace(GOOD, quarantined=40), STAY, 0,
    "Held: 40 labelled requests are of a quarantined week, and count only once it is released"),
    "what is left of the evidence can still break": (STEPPING, replace(WORSE, quarantined=40), ROLLBACK, 0,
    "Rolled back: more than 2"),
    "labels of errors alone": (SHADOWING, replace(UNSURE, drawn=False, one_sided=140, confirming=2), STAY, 0,
    "Held: labelled requests are not like the others: 2 of 140 blind labels confirm what"),
    "they hold nothing that is shown": (SHADOWING, replace(GOOD, one_sided=140), STEP, 5, "Step 5 %"),
    "labelled requests that are not like the others": (SHADOWING, replace(GOOD, drawn=False, selection_p=0.0004,
    labelled_share_of_differences=0.21), STAY, 0,
    "Held: labelled requests are not like the others (answers differ on 21 %, of all on 11.5 %); looks +2.4"),
    "a remark where we drew them": (SHADOWING, replace(GOOD, selection_p=0.0004, labelled_share_of_differences=0.21),
    STEP, 5, f"Step 5 %: {SHOWN}2,799 of 1,040; 1,000 requests compared, 115 labelled)"),
    "labels that the list no longer has": (SHADOWING, replace(GOOD, relabelled=12), STAY, 0,
    "Held: 12 compared requests were answered with labels that the list no longer has, and no rule says what they"),
    "work that was dropped under load": (SHADOWING, replace(UNSURE, dropped=8), STAY, 0,
    "Held: 36 of about 119 labels; looks +1.9 points, deciding interval [-8.2, +12.3], 95 % at any time [-6.3, +10.4];"
    " 1 disagreement waits for a label; 8 second answers were dropped under load, and count as losses"),
    "one person's votes": (SHADOWING, replace(GOOD, by_person={"ann": (8, 60), "bob": (30, 2)}), STAY, 0,
    "Held: without the votes of ann it looks -2.8 points, worse than the margin of 2 points; looks +2.4 points"),
    "votes of two people": (SHADOWING, replace(GOOD, by_person={"ann": (20, 32), "bob": (18, 30)}), STEP, 5, "Step 5"),
    "one person's votes, once shown": (STEPPING, replace(GOOD, by_person={"ann": (8, 60)}), STEP, 50, "Step 50 %"),
    "nothing is compared": (RolloutState(live=LIVE, moved=moved(1)), GOOD, STAY, 0,
    "Held: nothing is compared with live."),
}  # fmt: skip


@pytest.mark.parametrize("case", DECIDED)
def test_evidence_leads_to_one_action_and_one_sentence(case: str) -> None:
    """By the table; the evidence is that of the whole comparison and of its newest step alike."""
    state, evidence, action, percent, sentence = DECIDED[case]
    found = decide(state, POLICY, evidence, evidence, NOW)
    assert (found.action, found.percent) == (action, percent), found.sentence
    assert found.sentence.startswith(sentence), found.sentence


def test_labelled_requests_that_are_unlike_those_we_drew_are_a_remark() -> None:
    """Before the first step, and no more once it was taken."""
    odd = replace(GOOD, selection_p=0.0004, labelled_share_of_differences=0.21)
    remark = "; a remark: labelled requests are not like the others (answers differ on 21 %, of all on 11.5 %)"
    assert decide(SHADOWING, POLICY, odd, odd, NOW).sentence.endswith(remark)
    assert "a remark" not in decide(STEPPING, POLICY, odd, odd, NOW).sentence
    assert "a remark" not in decide(SHADOWING, POLICY, GOOD, GOOD, NOW).sentence


def test_each_step_needs_requests_of_its_own() -> None:
    """What was seen before the last move says nothing about errors and latency after it."""
    found = decide(STEPPING, POLICY, GOOD, replace(UNSURE, requests=49, disagreements=4, answered=9, compared=0,
                   losses=0, wins=0, neither=0, waiting=0, stream_disagreements=0), NOW)  # fmt: skip
    assert (found.action, found.sentence.partition(";")[0]) == (
        STAY,
        "Held: 49 of 50 compared requests since the last move, about 1 hour more at 784 a day",
    )


def test_what_came_since_the_last_move_alone_rolls_back() -> None:
    """A candidate that was good for long and is bad since: its past gives it no credit."""
    whole = counted(100, 300, 4000)
    found = decide(STEPPING, POLICY, whole, WORSE, NOW)
    assert (found.action, found.adapter) == (ROLLBACK, LIVE)
    assert found.sentence.startswith("Rolled back: more than 2 points worse, shown (evidence ")
    assert decide(STEPPING, POLICY, whole, whole, NOW).action == STEP


def test_what_is_taken_away_and_what_answers_then_are_named() -> None:
    """The ledger's from and to."""
    back, over = decide(STEPPING, POLICY, WORSE, WORSE, NOW), decide(WATCHED, POLICY, WORSE, WORSE, NOW)
    assert [(each.adapter, each.gone) for each in (back, over)] == [(LIVE, NEW)] * 2
    onward = decide(replace(STEPPING, percent=50), POLICY, GOOD, GOOD, NOW)
    assert (onward.adapter, onward.gone) == (NEW, LIVE)


def test_the_figures_hold_what_was_shown() -> None:
    """The signed entry keeps evidence and limits, so that anybody derives the step again."""
    proof = decide(SHADOWING, POLICY, GOOD, GOOD, NOW).figures["proof"]
    assert proof["not_worse"] >= proof["limit"] == pytest.approx(1040)
    assert proof["worse"] < proof["limit_back"] == pytest.approx(40)
    assert (proof["margin"], proof["compared"], proof["deciding"][0] > -0.02) == (0.02, 1000, True)


WORDS: dict[str, tuple[RolloutState, Evidence, str]] = {
    "Shadowing": (replace(SHADOWING, moved=moved(10)), GOOD, "Shadowing"),
    "Step 25 %": (replace(STEPPING, moved=moved(10)), GOOD, "Step 25 %"),
    "Held: not enough evidence": (SHADOWING, UNSURE, "Held: not enough evidence"),
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


def test_an_entry_names_no_person() -> None:
    """The ledger keeps its evidence for ever: people are numbers there, and their counts suffice to leave one out."""
    evidence = replace(GOOD, by_person={"bob": (30, 2), "ann": (8, 60)})
    assert evidence.as_json()["by_person"] == {"1": [8, 60], "2": [30, 2]}
