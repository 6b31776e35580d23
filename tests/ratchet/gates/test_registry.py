"""Only what is known not to be a failure lets a cycle go on."""

from pathlib import Path

import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.registry import (
    ASSETS,
    AUDIT_GATES,
    DATA_GATES,
    GATES,
    MODEL_GATES,
    REGISTRY,
    STAGES,
    TARGET_GATES,
    Gate,
)

PARTS = (DATA_GATES, TARGET_GATES, MODEL_GATES, AUDIT_GATES)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("outcome", "passed"),
    [("passed", True), ("warned", True), ("inconclusive", True), ("failed", False), ("PASSED", False)],
)
def test_a_failed_or_unknown_outcome_blocks(outcome: str, passed: bool) -> None:
    """A word that no gate says is no pass."""
    assert Verdict(outcome, "why").passed is passed  # type: ignore[arg-type]


def test_every_gate_is_named_once() -> None:
    """Gates of the data, of the deployment targets, of the model and of the gates themselves."""
    assert len(set(GATES)) == len(GATES) == sum(map(len, PARTS))


def test_the_stages_follow_from_the_rows() -> None:
    """Each asset in its order, and after it the gates that run there."""
    assert [stage for stage in STAGES if stage in ASSETS] == list(ASSETS)
    assert sorted(STAGES) == sorted(ASSETS + GATES)
    for gate in REGISTRY:
        assert STAGES.index(gate.name) > STAGES.index(gate.stage)


def test_a_row_with_an_unknown_stage_is_refused() -> None:
    """The sentence names the assets that there are."""
    with pytest.raises(ValueError, match="a cycle has production_logs"):
        Gate("spelling", "corrections", "rows")


def test_every_gate_has_its_rule_its_check_and_its_line_in_the_docs() -> None:
    """A module of its name on both sides, and its name where the cycle is described."""
    for name in GATES:
        assert (ROOT / "ratchet" / "gates" / f"{name}.py").is_file()
        assert (ROOT / "checks" / f"{name}.py").is_file()
        for page in ("README.md", "docs/explanation/weekly_cycle.md"):
            assert name in (ROOT / page).read_text(), f"{page} does not mention {name}"
