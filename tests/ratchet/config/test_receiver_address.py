"""Secrets of receivers come from the environment, and are named by their variable alone."""

import pytest

from ratchet.config.receiver_address import fill_address, holds_secret
from ratchet.core.errors import RatchetError


def test_variables_are_replaced_wherever_they_stand() -> None:
    """Part of an address, or all of it."""
    environment = {"TOKEN": "a/b", "WHOLE": "json://host"}
    assert fill_address("slack://${TOKEN}/#ops", environment) == "slack://a/b/#ops"
    assert fill_address("${WHOLE}", environment) == "json://host"


@pytest.mark.parametrize(
    ("address", "message"),
    [("slack://${TOKEN}", "variable TOKEN is not set"), ("slack://${A B}", "no valid name"), ("${EMPTY}", "EMPTY")],
)
def test_a_missing_variable_is_named(address: str, message: str) -> None:
    """An empty one counts as missing; no value is shown."""
    with pytest.raises(RatchetError, match=message):
        fill_address(address, {"EMPTY": "", "OTHER": "CANARY"})


@pytest.mark.parametrize(
    ("address", "holds"),
    [
        ("json://127.0.0.1:8000/hook", False),
        ("slack://${TOKEN}/#ops", False),
        ("mailto://user:${PASSWORD}@host", False),
        ("slack://T1/B2/C3/#ops", True),
        ("mailto://user:word@host", True),
        ("jsons://user:word@host", True),
        ("json://host/?token=abc", True),
    ],
)
def test_a_secret_that_stands_in_an_address_is_seen(address: str, holds: bool) -> None:
    """`ratchet doctor` then looks at the rights of the file."""
    assert holds_secret(address) is holds
