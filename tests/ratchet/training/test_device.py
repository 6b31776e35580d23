"""A training has two processes on a CPU, or one where its environment says so."""

import pytest

from ratchet.core.errors import RatchetError
from ratchet.training.device import PROCESSES, read_processes


@pytest.mark.parametrize(("value", "processes"), [("", 2), ("1", 1), ("2", 2)])
def test_the_environment_sets_the_number_of_processes(
    value: str, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two without a setting."""
    monkeypatch.setenv(PROCESSES, value)
    assert read_processes() == processes


@pytest.mark.parametrize("value", ["0", "3", "two", "1.0"])
def test_any_other_number_is_one_sentence(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the values that there are."""
    monkeypatch.setenv(PROCESSES, value)
    with pytest.raises(RatchetError, match=f"RATCHET_TRAINING_PROCESSES is '{value}'") as found:
        read_processes()
    assert found.value.hint == "Set 1 or 2, or unset it for 2."
