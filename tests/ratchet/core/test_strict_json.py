"""JSON is read in one way: what two readers could take for two values is refused, without a word of what it held."""

import json
from collections.abc import Callable
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.core import strict_json
from ratchet.core.strict_json import parse_strictly

Plant = Callable[..., ModuleType]
SECRET = "hunter2"  # noqa: S105 - a word to look for
REFUSED = {
    "not UTF-8": (b'"' + SECRET.encode() + b'\xff"', "not UTF-8"),
    "UTF-16": (json.dumps({"a": SECRET}).encode("utf-16"), "not UTF-8"),
    "a key twice": (b'{"hunter2": 1, "hunter2": 2}', "a key occurs twice"),
    "a key twice, deep inside": (b'[{"a": [{"hunter2": 1, "hunter2": 1}]}]', "a key occurs twice"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "a key occurs twice"),
    "NaN": (b'{"a": NaN}', "not finite"),
    "Infinity": (b"[-Infinity]", "not finite"),
    "1e999": (b'{"a": 1e999}', "not finite"),
    "a lone surrogate": (b'["\\ud800"]', "lone surrogate"),
    "a lone surrogate as key": (b'{"\\udfff": 1}', "lone surrogate"),
    "nothing": (b"", "Expecting value"),
    "two values": (b"{} {}", "Extra data"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "BOM"),
    "a long integer": (b"1" * 5000, "integer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_with_its_reason(case: str) -> None:
    """The reason quotes nothing."""
    text, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason) as caught:
        parse_strictly(text)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("case", "old", "new"),
    [
        ("a key twice", ", object_pairs_hook=_once", ""),
        ("NaN", "parse_constant=read, ", ""),
        ("1e999", "parse_float=read, ", ""),
        ("a lone surrogate", 'if "\\\\u" in decoded:', "if False:"),
    ],
)
def test_a_reader_that_is_not_strict_is_noticed(case: str, old: str, new: str, plant: Plant) -> None:
    """Each part of the reader, left out, lets its case pass."""
    plant(strict_json, old, new).parse_strictly(REFUSED[case][0])


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
def test_a_table_means_nothing_by_a_number_that_is_none(number: bytes) -> None:
    """Where rows of tables are read, what is not finite is null; all else stays strict."""
    assert parse_strictly(b'{"n": ' + number + b', "text": "NaN"}', nan_is_null=True) == {"n": None, "text": "NaN"}
    with pytest.raises(ValueError, match="twice"):
        parse_strictly(b'{"n": 1, "n": ' + number + b"}", nan_is_null=True)


def test_what_is_nested_too_deeply_ends_the_reading() -> None:
    """As Python's own error, which callers name."""
    with pytest.raises(RecursionError):
        parse_strictly(b"[" * 100_000)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_every_other_value_is_read_as_it_was_written(value: object) -> None:
    """Escaped and not."""
    for ascii_only in (True, False):
        assert parse_strictly(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
