"""Failpoints do nothing unless asked, and only under names that are listed and used."""

import re
from pathlib import Path

import pytest

from ratchet.failpoints import NAMES, VARIABLE, failpoint

PACKAGE = Path(__file__).parents[2] / "ratchet"


def test_unset_a_failpoint_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when another one is wanted."""
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint(NAMES[0])
    monkeypatch.setenv(VARIABLE, f"{NAMES[1]}:kill")
    failpoint(NAMES[0])


def test_a_name_that_is_not_listed_is_an_error_as_soon_as_failpoints_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo is found by the first crash test."""
    monkeypatch.setenv(VARIABLE, "landing.after_lunch:kill")
    with pytest.raises(ValueError, match="is not listed"):
        failpoint("landing.after_lunch")


def test_every_listed_name_is_called_somewhere_and_every_call_is_listed() -> None:
    """The list is what tests enumerate: neither dead names nor hidden lines."""
    calls = set()
    for path in PACKAGE.rglob("*.py"):
        calls |= set(re.findall(r'\bfailpoint\("([^"]+)"\)', path.read_text(encoding="utf-8")))
    assert calls == set(NAMES)
