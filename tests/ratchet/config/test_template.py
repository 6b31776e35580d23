"""Tests of the file that `ratchet init` writes."""

from pathlib import Path

import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.policy import Limits
from ratchet.config.template import write_template
from ratchet.config.window import Window
from ratchet.core.errors import RatchetError
from ratchet.storage.specs import load_spec


def test_the_template_passes_as_it_is(tmp_path: Path) -> None:
    """Labels in the given order, quotes and umlauts included; a LoRA and a probe; every value it shows is the
    default."""
    labels = ["refund", 'he said "no"', "zurück", "a\\b"]
    path = tmp_path / "tickets" / "classifier.toml"
    path.parent.mkdir()
    path.write_text(write_template("tickets", labels), encoding="utf-8")
    spec = load_spec(path)
    assert list(spec.labels) == labels
    assert spec.candidate == (Candidate(), Candidate(method="probe"))
    assert (spec.window, spec.limits) == (Window(), Limits())
    assert "max_null_share = 0.2" in path.read_text(encoding="utf-8")


def test_labels_that_no_specification_may_have_are_refused() -> None:
    """Before anything is written."""
    with pytest.raises(RatchetError, match="are too few"):
        write_template("tickets", ["only"])
