"""What the page says of a state: only what the signed entries and figures of this very state say."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

import ratchet.rollout.page.current_figures
import ratchet.rollout.page.view
from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.page.current_figures import find_figures
from ratchet.rollout.page.history import HISTORY_AT_MOST, write_time
from ratchet.rollout.state import state_after

FIRST, SECOND = "a1" * 32, "b2" * 32
ORDER = ("done", "now", "rolled back", "ahead")
STEPPING = (("promote", FIRST, 0), ("shadow", SECOND, 0), ("step", SECOND, 5), ("step", SECOND, 25))
BROKEN = Evidence(
    requests=1000, errors=200, labelled=500, only_incumbent=90, incumbent_p95_ms=1.0, challenger_p95_ms=1.0
)


def test_a_decision_on_the_newest_entry_is_shown(write_entries, remember, view):
    """Sentence, figures and counts are those of the decision."""
    entries = write_entries(STEPPING, stream={"drawn": True})
    found = view(entries, remember(entries))
    assert found.sentence.startswith("Held: 0 of 60 minutes at this step; looks +2.0 points")
    assert [(tile.name, tile.value) for tile in found.tiles][:2] == [
        ("accuracy", "+2.0\xa0pp"),
        ("disagreement", "6.0\xa0%"),
    ]
    assert found.budget == "this year 0.1 of 5 % spent"
    assert ("Requests that both answered", "1,000", "500") in [
        (row.name, row.counted, row.least) for row in found.counts
    ]


def test_a_decision_on_another_entry_is_not_shown(write_entries, remember, view, plant):
    """Figures of 5 % say nothing of 25 %; a view that took them is noticed."""
    entries = write_entries(STEPPING)
    old = remember(entries[:-1], BROKEN)
    found = view(entries, old)
    assert (found.state, found.sentence, {tile.value for tile in found.tiles}) == ("Step 25 %", "reason 4", {"no data"})
    assert found.weighed == "Evaluated again within a minute; no figures yet."
    mutant = plant(ratchet.rollout.page.current_figures, "newest <= remembered.sequence <= state.head.sequence", "True")
    state, policy = state_after(entries), PromotionPolicy()
    assert find_figures(policy, state, old).decision is None
    assert mutant.find_figures(policy, state, old).guardrails == old.guardrails


@pytest.mark.parametrize("move", ["hold", "kill", "policy"])
def test_an_entry_that_moves_nothing_leaves_the_figures(move, write_entries, remember, view):
    """A hold does not empty the tiles; the sentence is that of the newest entry."""
    entries = write_entries((*STEPPING, (move, FIRST, 0)), policy={"schema": 1})
    found = view(entries, remember(entries[:-1]))
    assert "no data" not in {tile.value for tile in found.tiles if tile.name in {"accuracy", "disagreement"}}
    assert "reason 5" in found.sentence


def test_a_rung_that_never_happened_is_not_done(write_entries, view):
    """An adapter that was promoted by hand took no step."""
    by_hand = view(write_entries((*STEPPING[:1], ("promote", SECOND, 0), ("release", SECOND, 0)))).rungs
    assert [rung.place for rung in by_hand] == ["skipped"] * 4 + ["done", "now"]
    jumped = view(write_entries((*STEPPING[:2], ("step", SECOND, 25)))).rungs
    assert [rung.place for rung in jumped] == ["done", "skipped", "now", "ahead", "ahead", "ahead"]


def test_a_broken_guardrail_is_the_state(write_entries, remember, view, plant):
    """Also when what follows was not carried out; the sentence then says so."""
    entries = write_entries(STEPPING)
    decision = remember(entries, BROKEN)
    found = view(entries, decision)
    assert found.state == "Guardrail failing"
    assert found.sentence.startswith("Decided, but not carried out: Rolled back: ")
    mutant = plant(ratchet.rollout.page.view, "if any(map(is_failing, found.guardrails)):", "if not found:")
    assert mutant.view_rollout("small", PromotionPolicy(), entries, decision, datetime.now(UTC)).state == "Step 25 %"


@pytest.mark.parametrize("word", ["Released", "<b>", "Step 100 %", ""])
def test_the_note_of_a_decision_cannot_name_a_state(word, write_entries, remember, view):
    """It is not signed: only that evidence is missing is taken from it."""
    entries = write_entries(STEPPING)
    assert view(entries, remember(entries, state=word)).state == "Step 25 %"


def test_after_a_rollback_the_figures_are_those_of_the_signed_entry(write_entries, remember, view):
    """Whatever is remembered since, the page shows why it was taken back, and how far it had come."""
    figures = {"whole": BROKEN.as_json(), "step": BROKEN.as_json()}
    entries = write_entries((*STEPPING, ("rollback", FIRST, 0)), evidence=figures)
    later = remember(entries)
    assert later.sentence == "Held: nothing is compared with live."
    found = view(entries, later)
    assert (found.state, found.sentence) == ("Rolled back", "reason 5")
    assert {tile.name: tile.word for tile in found.tiles}["errors"] == "failing"
    assert found.weighed.startswith("Last figures: entry 5 was decided on them")
    assert [rung.place for rung in found.rungs] == ["done", "done", "rolled back", "ahead", "ahead", "ahead"]


@pytest.mark.parametrize(
    ("moves", "at", "place"),
    [
        ((), None, ""),
        (STEPPING[:1], "Released", "now"),
        (STEPPING[:2], "Shadow", "now"),
        (STEPPING[:3], "5 %", "now"),
        ((*STEPPING[:2], ("step", SECOND, 10)), "10 %", "now"),
        ((*STEPPING, ("promote", SECOND, 0)), "100 %", "now"),
        ((*STEPPING, ("promote", SECOND, 0), ("release", SECOND, 0)), "Released", "now"),
        ((*STEPPING, ("promote", SECOND, 0), ("rollback", FIRST, 0)), "100 %", "rolled back"),
        ((*STEPPING[:2], ("reject", FIRST, 0)), "Shadow", "rolled back"),
        ((*STEPPING[:2], ("expire", FIRST, 0)), "Released", "now"),
        ((*STEPPING, ("hold", FIRST, 0)), "25 %", "now"),
    ],
)
def test_the_ladder_has_one_rung_at_most_that_is_now(moves, at, place, write_entries, view):
    """What is below is done, what is above is ahead; a step that the policy no longer lists is still a rung."""
    entries = write_entries(moves)
    if moves and moves[-1][0] == "expire":
        entries[-1] = replace(entries[-1], previous_adapter=SECOND)
    rungs = view(entries).rungs
    assert [(rung.name, rung.place) for rung in rungs if rung.place in ("now", "rolled back")] == (
        [(at, place)] if at else []
    )
    places = [rung.place for rung in rungs]
    places = ["done" if each == "skipped" else each for each in places]
    assert places == sorted(places, key=ORDER.index)


def test_the_history_is_cut_and_says_so(write_entries, view):
    """Newest first, fifty at most."""
    moves = [STEPPING[0], *(("hold" if n % 2 else "resume", FIRST, 0) for n in range(1, 61))]
    found = view(write_entries(tuple(moves)))
    assert (len(found.rows), found.older, found.rows[0].sequence) == (HISTORY_AT_MOST, 11, 61)
    assert (found.rows[0].source, found.rows[0].target) == ("", "")


@pytest.mark.parametrize(
    ("moves", "back"),
    [
        (STEPPING[:1], None),
        (STEPPING, (FIRST, SECOND, True)),
        ((STEPPING[0], ("promote", SECOND, 0)), (FIRST, SECOND, False)),
        ((STEPPING[0], ("promote", SECOND, 0), ("rollback", FIRST, 0)), None),
    ],
)
def test_what_a_rollback_would_do_is_said_before(moves, back, write_entries, view):
    """Who answers then and who goes; nothing where a rollback would be refused."""
    found = view(write_entries(moves)).back
    assert (found and (found.target, found.gone, found.of_challenger)) == (
        back and (back[0][:12], back[1][:12], back[2])
    )


@pytest.mark.parametrize(
    ("ts", "shown"),
    [
        ("2026-03-02T12:00:00+00:00", "2026-03-02 12:00 UTC"),
        ("2026-03-02T12:00:00+02:00", "2026-03-02 10:00 UTC"),
        ("yesterday", "yesterday"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_times_are_shown_in_utc(ts, shown):
    """What is no time stands as it is."""
    assert write_time(ts) == shown
