"""The name of an adapter on screens: week and eight digits, with what is known."""

import pytest

from ratchet.core.adapter_name import AdapterName

DIGEST = "3b4ef3e2" + "0" * 56


@pytest.mark.parametrize(
    ("week", "name", "short"),
    [
        ("2026-01-12", "", "2026-01-12 · 3b4ef3e2"),
        ("2026-01-12", "v7", "v7 · 2026-01-12 · 3b4ef3e2"),
        ("", "", "3b4ef3e2"),
    ],
)
def test_a_name_holds_what_is_known(week: str, name: str, short: str) -> None:
    """A week that no file tells is left out."""
    assert str(AdapterName(DIGEST, week, name)) == short
