"""A plan or an artifact fits a target, or every reason and cure is named."""

from dataclasses import replace
from typing import Any

import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.deployment.adapter_facts import AdapterFacts, facts_of_plan, outline_of_plan
from ratchet.deployment.profiles import Accept, Bounds, Profile
from ratchet.gates.target_fit import decide_target_fit
from ratchet.storage.target_profiles import built_in_targets

GOOD = AdapterFacts("a", "causal", "lora", "gemma-2b-it", 3, 1000, 8, ("q_proj", "v_proj"))
TWO = (Label("x"), Label("y"))


@pytest.mark.parametrize(
    ("facts", "accept", "said"),
    [
        (GOOD, "proven", "fits workers_ai"),
        (replace(GOOD, rank=9), "proven", "rank 9 is above 8 (proven). Set rank = 8 or less"),
        (replace(GOOD, rank=32), "documented", "fits workers_ai"),
        (replace(GOOD, rank=33), "documented", "rank 33 is above 32"),
        (replace(GOOD, adapter_bytes=300_000_001), "proven", "adapter bytes 300000001 is above 299999999"),
        (replace(GOOD, target_modules=("k_proj", "q_proj")), "proven", "target modules k_proj not taken"),
        (replace(GOOD, target_modules=("k_proj",)), "documented", "unknown there: labels, target_modules"),
        (replace(GOOD, method="dora"), "proven", "method dora not taken"),
        (replace(GOOD, family="encoder"), "proven", "family encoder is not served"),
        (replace(GOOD, heads=True), "proven", "fully trained"),
        (
            replace(GOOD, base="opt-125m"),
            "proven",
            "google/gemma-3-12b-it: one of the Hub with its commit (org/name@commit), or",
        ),
    ],
)
def test_what_fits_workers_ai_and_what_does_not(facts: AdapterFacts, accept: Accept, said: str) -> None:
    """Documented and proven limits are told apart, and an unknown one is named, never guessed."""
    found = decide_target_fit(built_in_targets()["workers_ai"], facts, accept)
    assert said in found.reason
    assert found.passed == ("does not fit" not in found.reason)


@pytest.mark.parametrize("method", ["lora", "qlora", "dpo"])
def test_whatever_leaves_a_lora_is_one_to_a_target(method: Any) -> None:
    """It takes forms of weights: how they were learned cannot be told from them."""
    facts = outline_of_plan(Candidate(family="causal", method=method), Spec("a", TWO))
    edge = _edge(Bounds("its page", methods=("lora",)), Bounds())
    assert decide_target_fit(edge, facts, "documented").passed


def test_a_default_plan_fits_the_gateway() -> None:
    """Sizes come from shapes alone."""
    facts = facts_of_plan(Candidate(), Spec("a", TWO))
    assert facts.adapter_bytes > 1_000_000
    assert decide_target_fit(built_in_targets()["in_process"], facts, "proven").passed


@pytest.mark.parametrize(
    ("documented", "proven", "rank", "said"),
    [
        (8, 16, 9, "rank 9 is above 8 (documented)"),  # it worked once and is not promised
        (16, 8, 9, "rank 9 is above 8 (proven)"),
        (None, 8, 9, "rank 9 is above 8 (proven)"),
        (8, None, 9, "rank 9 is above 8 (documented)"),
        (16, 16, 16, "fits edge"),
    ],
)
def test_what_is_proven_beyond_the_documents_does_not_count(
    documented: int | None, proven: int | None, rank: int, said: str
) -> None:
    """Of two limits the narrower one holds."""
    edge = _edge(Bounds("its page", rank=documented), Bounds("tried", rank=proven))
    assert said in decide_target_fit(edge, replace(GOOD, rank=rank), "proven").reason


def test_of_two_lists_what_both_name_is_taken() -> None:
    """And lists that have nothing in common are refused where the target is described."""
    edge = _edge(Bounds("its page", methods=("lora", "full")), Bounds("tried", methods=("lora", "dora")))
    assert decide_target_fit(edge, GOOD, "proven").passed
    found = decide_target_fit(edge, replace(GOOD, method="dora"), "proven")
    assert "method dora not taken (takes lora) (documented and proven)" in found.reason
    with pytest.raises(RatchetError, match="none of it is documented"):
        _edge(Bounds("its page", methods=("lora",)), Bounds("tried", methods=("dora",)))


@pytest.mark.parametrize(
    ("target", "method", "said"),
    [
        ("onnx", "probe", "a probe cannot be merged into its base"),
        ("onnx", "lora", "fits onnx"),
        ("vllm", "full", "a fully trained model is not an adapter"),
        ("in_process", "full", "runs in_process"),
    ],
)
def test_what_is_delivered_must_be_what_is_taken(target: str, method: str, said: str) -> None:
    """An adapter beside its base, or one model."""
    profile = built_in_targets()[target]
    facts = replace(GOOD, family=profile.families[0], method=method, rank=None, target_modules=())
    assert said in decide_target_fit(profile, facts, "proven").reason


@pytest.mark.parametrize(
    ("target", "accept", "sentence"),
    [
        ("in_process", "proven", "a runs in_process."),
        ("onnx", "proven", "a fits onnx."),
        (
            "vllm",
            "documented",
            "a fits vllm by its documented limits; unknown there: adapter_bytes, target_modules, bases.",
        ),
    ],
)
def test_only_a_target_with_limits_has_unknown_ones(target: str, accept: Accept, sentence: str) -> None:
    """The gateway is ours, and ONNX Runtime has no limits."""
    profile = built_in_targets()[target]
    facts = replace(GOOD, family=profile.families[0])
    assert decide_target_fit(profile, facts, accept).reason == sentence


def test_proven_limits_alone_are_limits() -> None:
    """Whichever of the two is accepted, the target has limits, and the others of them are unknown."""
    edge = _edge(Bounds(), Bounds("tried", rank=8))
    assert (
        "fits edge by its proven limits; unknown there: adapter_bytes" in decide_target_fit(edge, GOOD, "proven").reason
    )
    assert "fits edge; unknown there: rank" in decide_target_fit(edge, GOOD, "documented").reason


def test_a_merged_model_has_no_limits_of_an_adapter() -> None:
    """Rank, layers and bytes are none of its facts."""
    with pytest.raises(RatchetError, match="takes merged models but limits rank"):
        Profile("edge", "onnx", "merged", ("encoder",), log_probabilities=True, proven=Bounds("tried", rank=8))


@pytest.mark.parametrize(
    ("outcomes", "joined"),
    [
        (("passed", "passed"), "passed"),
        (("passed", "inconclusive"), "inconclusive"),
        (("passed", "warned"), "warned"),
        (("warned", "inconclusive"), "inconclusive"),
        (("failed", "inconclusive"), "failed"),
    ],
)
def test_one_verdict_of_many_is_the_worst_of_them(outcomes: tuple[Any, ...], joined: str) -> None:
    """What is inconclusive is never called a pass."""
    assert join_verdicts([Verdict(outcome, "why") for outcome in outcomes]).outcome == joined


def _edge(documented: Bounds, proven: Bounds) -> Profile:
    return Profile(
        "edge", "other", "adapter", ("causal",), log_probabilities=False, documented=documented, proven=proven
    )
