"""The next step after a cycle: never past a shadow, and never a model that its own baseline beats."""

from dataclasses import replace
from typing import Any

import pytest

from ratchet.rollout.state import RolloutState
from ratchet.workflows.next_step import choose_next_step

LIVE, NEW = "a" * 64, "b" * 64
NOTHING = RolloutState()
QUIET = RolloutState(live=LIVE)
SHADOWING, WATCHED = replace(QUIET, challenger=NEW), replace(QUIET, watched_by=NEW)


def report(probe: float = 0.5, tfidf: float = 0.5, method: str = "lora") -> dict[str, Any]:
    """The figures that count, of a candidate with a macro-F1 of 0.861."""
    baselines = {"majority": 0.1, "base_model": 0.2, "tfidf_logreg": tfidf, "linear_probe": probe}
    return {
        "metrics": {"test": {"macro_f1": 0.861}},
        "candidate": {"method": method},
        "baselines": {name: {"macro_f1": score} for name, score in baselines.items()},
    }


STEPS: dict[str, tuple[RolloutState, dict[str, Any], str, str]] = {
    "the first": (NOTHING, report(), "ratchet promote small --why TEXT", ""),
    "something is live": (QUIET, report(), "ratchet shadow small", ""),
    "a baseline is better, but something is live": (QUIET, report(probe=0.9), "ratchet shadow small", ""),
    "another one shadows": (
        SHADOWING, report(), "ratchet advance small, then ratchet shadow small", "bbbbbbbbbbbb is being compared",
    ),
    "a new live is watched": (
        WATCHED, report(), "ratchet advance small, then ratchet shadow small", "aaaaaaaaaaaa is being compared",
    ),
    "the first is worse than its probe": (
        NOTHING, report(probe=0.905, tfidf=0.95),
        'keep one [[candidate]] with method = "probe" in classifier.toml, then ratchet cycle small --week 2026-01-05',
        "a simpler model is better: linear_probe 0.905 against 0.861 of this candidate",
    ),
    "the first is worse than TF-IDF": (
        NOTHING, report(tfidf=0.905), "ratchet sweep small --week 2026-01-05, then another [[candidate]]",
        "a simpler model, which cannot be served, is better: tfidf_logreg 0.905 against 0.861",
    ),
    "as good is not better": (NOTHING, report(probe=0.861, tfidf=0.861), "ratchet promote small", ""),
    "the first is the probe itself": (NOTHING, report(probe=0.87, method="probe"), "ratchet promote small", ""),
}  # fmt: skip


@pytest.mark.parametrize("state", [NOTHING, QUIET, SHADOWING])
def test_a_cycle_whose_files_changed_while_it_ran_runs_again(state: RolloutState) -> None:
    """Whatever is live."""
    broken = "classifier.toml changed while its cycle ran"
    found = choose_next_step("small", "2026-01-05", state, report(), broken)
    assert found.command == "ratchet cycle small --week 2026-01-05"
    assert found.why == f"this candidate may not become live: {broken}"


@pytest.mark.parametrize("case", STEPS)
def test_the_next_step_follows_from_what_is_live_and_from_the_report(case: str) -> None:
    """By the table."""
    state, document, command, why = STEPS[case]
    found = choose_next_step("small", "2026-01-05", state, document)
    assert found.command.startswith(command)
    assert found.why.startswith(why)
    assert bool(found.why) is bool(why)
