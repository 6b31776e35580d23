"""The same content has the same name; any other content another."""

import hashlib
from pathlib import Path

import pytest

from ratchet.core.digests import canonical_json, digest_bytes, digest_file, digest_json


def test_the_order_of_keys_does_not_matter_and_everything_else_does() -> None:
    """Values, order in lists, and types."""
    assert digest_json({"b": 1, "a": [1, 2]}) == digest_json({"a": [1, 2], "b": 1})
    assert (
        len({digest_json(v) for v in ({"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": [1, 2]}, {"a": [2, 1]}, {"a": None}, {})})
        == 7
    )


def test_text_is_kept_as_it_is() -> None:
    """No escapes, no spaces."""
    assert canonical_json({"é": ["ß", True]}) == '{"é":["ß",true]}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_has_no_name(value: float) -> None:
    """NaN and infinities."""
    with pytest.raises(ValueError, match="JSON compliant"):
        digest_json([value])


def test_a_file_is_named_by_its_bytes(tmp_path: Path) -> None:
    """Also one larger than a block."""
    content = b"0123456789" * 100_000
    (tmp_path / "f").write_bytes(content)
    assert digest_file(tmp_path / "f") == digest_bytes(content) == hashlib.sha256(content).hexdigest()
