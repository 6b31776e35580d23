"""A plan is worth training when one of its candidates can run where it must."""

from ratchet.config.candidate import Candidate
from ratchet.config.spec import Label, Spec
from ratchet.core.verdict import Verdict
from ratchet.deployment.adapter_facts import outline_of_plan
from ratchet.gates.target_fit import decide_target_fit
from ratchet.gates.target_plan import decide_plan_fit
from ratchet.storage.target_profiles import built_in_targets

SMALL, LARGE = Candidate(rank=8), Candidate(rank=64)
FITS, MISFIT = Verdict("passed", "r8 fits edge."), Verdict("failed", "r64 does not fit edge: rank 64 is above 8.")


def test_a_candidate_that_does_not_fit_is_left_out_and_named() -> None:
    """The others are trained."""
    found = decide_plan_fit([(LARGE, [FITS, MISFIT]), (SMALL, [FITS, FITS])])
    assert found.candidates == (SMALL,)
    assert found.verdict.passed
    assert "Not trained: r64 does not fit edge" in found.verdict.reason
    assert found.verdict.evidence["left_out"] == [LARGE.title]


def test_what_could_not_be_tried_is_called_no_pass() -> None:
    """And does not block."""
    found = decide_plan_fit([(LARGE, [MISFIT]), (SMALL, [FITS, Verdict("inconclusive", "edge: not tried here.")])])
    assert (found.verdict.outcome, found.verdict.passed, found.candidates) == ("inconclusive", True, (SMALL,))
    assert found.verdict.reason.startswith("No verdict: r8 fits edge. edge: not tried here. Not trained: r64")


def test_no_candidate_that_fits_blocks_with_every_reason() -> None:
    """Nothing is trained."""
    found = decide_plan_fit([(LARGE, [MISFIT]), (SMALL, [Verdict("failed", "r8 does not answer.")])])
    assert not found.verdict.passed
    assert found.candidates == ()
    assert "rank 64 is above 8. r8 does not answer." in found.verdict.reason


def test_a_plan_for_the_own_gateway_says_nothing_of_limits() -> None:
    """A plan for a target with limits names the unknown ones."""
    spec = Spec("a", (Label("x"), Label("y")))
    targets, causal = built_in_targets(), Candidate(family="causal")

    def reason(candidate: Candidate, target: str) -> str:
        verdict = decide_target_fit(targets[target], outline_of_plan(candidate, spec), "documented")
        return decide_plan_fit([(candidate, [verdict])]).verdict.reason

    assert reason(SMALL, "in_process") == f"Passes: {SMALL.title} runs in_process."
    assert "by its documented limits; unknown there: " in reason(causal, "vllm")
