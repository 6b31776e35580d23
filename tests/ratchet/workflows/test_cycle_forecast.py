"""Tests of what is said of a cycle in advance."""

import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.policy import Limits
from ratchet.training.cost_estimate import PastTraining, estimate_training
from ratchet.workflows.cycle_forecast import describe_golden_power, estimate_rest, estimate_trainings

SPLITS = {"train": 1000, "calibration": 100, "test": 200, "golden": 100}


def seconds(candidate: Candidate, train: int = 1000) -> float:
    """Without anything that was trained before."""
    return estimate_training(candidate, train, 100).seconds


def test_more_examples_and_more_epochs_take_longer() -> None:
    """The estimate grows with both."""
    lora = Candidate(epochs=4)
    assert seconds(lora) < seconds(lora, 2000) < seconds(lora, 4000)
    assert seconds(lora) < seconds(Candidate(epochs=8))


def test_a_method_is_counted_at_its_own_speed() -> None:
    """What is slow by nature is not forecast at the speed of an encoder's LoRA."""
    causal = {"family": "causal", "epochs": 4}
    by_method = [
        Candidate(method="probe"),
        Candidate(),
        Candidate(method="full", learning_rate=5e-5),
        Candidate(**causal, layers="top:10"),
        Candidate(**causal),
        Candidate(**causal, method="full", learning_rate=5e-5),
        Candidate(**causal, method="dpo"),
    ]
    found = [seconds(candidate) for candidate in by_method]
    assert found == sorted(found)
    assert found[-2] > 20 * found[1]
    assert seconds(Candidate(**causal, method="qlora", trainer="sft")) > seconds(Candidate(**causal, method="qlora"))


def test_every_candidate_that_a_specification_may_name_has_a_speed() -> None:
    """A method that was added without one would stop every plan."""
    causal = [
        Candidate("causal", method=m, trainer=t, learning_rate=5e-5)
        for m in ("lora", "dora", "qlora", "full")
        for t in ("ratchet", "sft")
    ]
    encoder = [Candidate(method=method, learning_rate=5e-5) for method in ("lora", "dora", "full", "probe")]
    for found in estimate_trainings([*causal, *encoder, Candidate("causal", method="dpo")], SPLITS):
        assert found.seconds > 0
        assert found.source == "measured"


def test_what_the_same_kind_took_before_is_scaled_by_examples_and_epochs() -> None:
    """A rate or a seed changes no time; another rank does, and then the measured speeds say it."""
    before = [
        PastTraining(Candidate(rank=8), examples=500, epochs=2, seconds=40.0),
        PastTraining(Candidate(rank=8), examples=500, epochs=2, seconds=4000.0),
    ]
    found = estimate_training(Candidate(rank=8, epochs=3, seed=7, learning_rate=1e-4), 1000, 100, before)
    assert (found.seconds, found.source) == (pytest.approx(40.0 * 2 * 1.5), "own")
    assert estimate_training(Candidate(rank=16), 1000, 100, before).source == "measured"
    passed = PastTraining(Candidate("causal", method="dpo", epochs=2), examples=1000, epochs=3, seconds=30.0)
    assert estimate_training(Candidate("causal", method="dpo", epochs=2), 1000, 100, [passed]).seconds == pytest.approx(
        30.0
    )


def test_another_base_is_said_to_be_one() -> None:
    """The speeds were measured on the default bases."""
    assert estimate_training(Candidate("causal", base="Gemma-3-270M"), 1000, 100).source == "measured on another base"


def test_the_rest_is_what_it_was_or_as_long_as_the_slowest_family_needs() -> None:
    """Judging a causal winner takes minutes, an encoder seconds."""
    encoder, causal = Candidate(), Candidate("causal")
    assert (
        estimate_rest([encoder], SPLITS) < estimate_rest([encoder, causal], SPLITS) == estimate_rest([causal], SPLITS)
    )
    assert 60 < estimate_rest([causal], SPLITS, past_s=60.0) < 90
    assert estimate_rest([], SPLITS) > 0  # a plan in which nothing fits its target


def test_a_small_golden_set_is_told_so() -> None:
    """343 items show 5 points where a tenth of the answers differ, 342 do not; a class needs nine lost items."""
    assert "Large enough " in describe_golden_power({"a": 200, "b": 143}, Limits())["sentence"]
    small = describe_golden_power({"a": 200, "b": 142}, Limits())["sentence"]
    assert small.startswith("Too small to detect a 5 % overall loss, or one inside a single class (1 of 2). This ")
    assert small.endswith(" can show 6 points where one answer in ten differs; for 5 it lacks 1 item.")
    power = describe_golden_power({"a": 10, "b": 400}, Limits())
    assert (power["weak"], power["by_class"]["b"]) == (["a"], 9 / 400)
    assert "inside a single class (1 of 2)" in power["sentence"]


def test_a_class_without_golden_items_excludes_nothing() -> None:
    """No data is not good."""
    assert describe_golden_power({"a": 100, "b": 0}, Limits())["by_class"]["b"] == 1.0
