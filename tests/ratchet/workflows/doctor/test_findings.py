"""Tests of how figures of a machine are judged."""

import pytest

from ratchet.workflows.doctor.findings import (
    Finding,
    judge_disk,
    judge_memory,
    judge_packages,
    judge_python,
    read_pins,
)


def test_each_figure_has_an_ok_a_warning_and_a_failure() -> None:
    """Two limits for disk and memory, one for Python."""
    assert [judge_disk(int(gb * 1e9)).state for gb in (0.1, 1, 10)] == ["fail", "warn", "ok"]
    assert [judge_memory(int(gb * 1e9)).state for gb in (0.5, 2, 10)] == ["fail", "warn", "ok"]
    assert [judge_python(version).state for version in ((3, 10), (3, 11), (3, 13))] == ["fail", "ok", "ok"]


def test_packages_are_compared_with_their_pins() -> None:
    """Missing fails, another version warns with the command that mends it, a local part is no difference."""
    pins = read_pins("# torch is exact\ntorch==2.13.0\ngreat_expectations==1.24.1  # tried\npeft==0.21.2\n")
    found = judge_packages({"torch": "2.13.0+cpu", "great-expectations": "1.0", "peft": None, "typer": "9"}, pins)
    assert [finding.state for finding in found] == ["ok", "warn", "fail", "ok"]
    assert "great-expectations==1.24.1" in found[1].cure


def test_no_bad_finding_is_without_a_cure() -> None:
    """The type refuses it."""
    with pytest.raises(ValueError, match="without a hint"):
        Finding("disk", "fail", "full")
