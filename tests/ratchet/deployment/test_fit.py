"""A plan or an artifact fits a target, or every reason and cure is named."""

from dataclasses import replace

import pytest

from ratchet.candidate import Candidate
from ratchet.deployment.facts import AdapterFacts, facts_of_plan
from ratchet.deployment.fit import Accept, choose_targets, decide_target_fit
from ratchet.errors import RatchetError
from ratchet.spec import Label, Spec, Target
from ratchet.stores.targets import built_in_targets

GOOD = AdapterFacts("a", "causal", "lora", "gemma-2b-it", 3, 1000, 8, ("q_proj", "v_proj"))
TWO = (Label("x", stakes="high"), Label("y"))


@pytest.mark.parametrize(
    ("facts", "accept", "said"),
    [
        (GOOD, "proven", "fits workers_ai"),
        (replace(GOOD, rank=9), "proven", "rank 9 is above 8 (proven). Set rank = 8 or less"),
        (replace(GOOD, rank=32), "documented", "fits workers_ai"),
        (replace(GOOD, rank=33), "documented", "rank 33 is above 32"),
        (replace(GOOD, adapter_bytes=300_000_001), "proven", "adapter bytes 300000001 is above 300000000"),
        (replace(GOOD, target_modules=("k_proj", "q_proj")), "proven", "target modules k_proj not taken"),
        (replace(GOOD, target_modules=("k_proj",)), "documented", "unknown there: labels, target_modules"),
        (replace(GOOD, method="dora"), "proven", "method dora not taken"),
        (replace(GOOD, family="encoder"), "proven", "family encoder is not served"),
        (replace(GOOD, heads=True), "proven", "trained whole"),
    ],
)
def test_what_fits_workers_ai_and_what_does_not(facts: AdapterFacts, accept: Accept, said: str) -> None:
    """Documented and proven limits are told apart, and an unknown one is named, never guessed."""
    found = decide_target_fit(built_in_targets()["workers_ai"], facts, accept)
    assert said in found.reason
    assert found.passed == ("does not fit" not in found.reason)


def test_a_default_plan_fits_the_gateway() -> None:
    """Sizes come from shapes alone."""
    facts = facts_of_plan(Candidate(), Spec("a", TWO))
    assert facts.adapter_bytes > 1_000_000
    assert decide_target_fit(built_in_targets()["in_process"], facts, "proven").passed


@pytest.mark.parametrize(
    ("names", "said"),
    [(("vlm",), "Did you mean 'vllm'?"), (("workers_ai",), "no log-probabilities"), (("workers_ai", "vllm"), "")],
)
def test_unknown_targets_and_stakes_without_probabilities_are_refused(names: tuple[str, ...], said: str) -> None:
    """A second target that gives probabilities is the cure."""
    spec = Spec("a", TWO, target=tuple(Target(name) for name in names))
    if not said:
        assert len(choose_targets(spec, built_in_targets())) == 2
        return
    with pytest.raises(RatchetError, match=r"target|label") as caught:
        choose_targets(spec, built_in_targets())
    assert said in str(caught.value)
