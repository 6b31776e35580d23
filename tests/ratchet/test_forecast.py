"""Tests of what is said of a cycle in advance."""

from ratchet.candidate import Candidate
from ratchet.forecast import describe_golden_power, estimate_seconds
from ratchet.policy import Limits


def test_more_examples_and_more_epochs_take_longer() -> None:
    """The estimate grows with both, and candidates are trained one after the other."""
    lora, probe = Candidate(epochs=4), Candidate(method="probe")
    assert estimate_seconds([lora], 1000, 200) < estimate_seconds([lora], 2000, 200) < estimate_seconds([lora], 4000, 200)
    assert estimate_seconds([lora], 1000, 200) < estimate_seconds([Candidate(epochs=8)], 1000, 200)
    assert estimate_seconds([probe], 1000, 200) < estimate_seconds([lora], 1000, 200)
    assert estimate_seconds([lora, lora], 1000, 200) > estimate_seconds([lora], 1000, 200)


def test_a_small_golden_set_is_told_so() -> None:
    """59 items exclude a loss of 5 %, 58 do not; no class of ten does."""
    assert " can tell " in describe_golden_power({"a": 30, "b": 29}, Limits())["sentence"]
    assert " cannot tell " in describe_golden_power({"a": 29, "b": 29}, Limits())["sentence"]
    power = describe_golden_power({"a": 10, "b": 300}, Limits())
    assert power["weak"] == ["a"]
    assert "within 1 of 2 classes" in power["sentence"]


def test_a_class_without_golden_items_excludes_nothing() -> None:
    """No data is not good."""
    assert describe_golden_power({"a": 100, "b": 0}, Limits())["by_class"]["b"] == 1.0
