"""Only what is known not to be a failure lets a cycle go on."""

import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.registry import DATA_GATES, GATES, MODEL_GATES, TARGET_GATES


@pytest.mark.parametrize(
    ("outcome", "passed"), [("passed", True), ("inconclusive", True), ("failed", False), ("PASSED", False)]
)
def test_a_failed_or_unknown_outcome_blocks(outcome: str, passed: bool) -> None:
    """A word that no gate says is no pass."""
    assert Verdict(outcome, "why").passed is passed  # type: ignore[arg-type]


def test_every_gate_is_named_once() -> None:
    """Gates of the data, of the deployment targets and of the model."""
    assert len(set(GATES)) == len(GATES) == len(DATA_GATES) + len(TARGET_GATES) + len(MODEL_GATES)
