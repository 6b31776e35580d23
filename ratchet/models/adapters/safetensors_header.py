"""Header of a safetensors file, checked against the expected tensors before any weight is read.

Add here what a header may state. The expected names and shapes come from `peft_format.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.strict_json import parse_strictly
from ratchet.models.adapters.format import bad_adapter, show


@dataclass(frozen=True)
class Header:
    """Text of the header of a file of weights, and the number of bytes that follow it."""

    text: bytes
    data_bytes: int


def check_header(header: Header, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Raise `RatchetError` unless a header names exactly the `expected` tensors, all float32, and fits its file.

    No weight is read: a header that passes tells how much memory the weights need, and that all of them are there.
    """
    try:
        content = parse_strictly(header.text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not _are_notes(content.pop("__metadata__", {})):
        raise bad_adapter("adapter weights are not a safetensors file.")
    if missing := sorted(set(expected) - set(content)):
        raise bad_adapter(f"adapter weights lack {len(missing)} tensors, first {missing[0]}.")
    if extra := sorted(set(content) - set(expected)):
        raise bad_adapter(f"adapter weights hold {len(extra)} unexpected tensors, first {show(extra[0][:50])}.")
    places = []
    for name, shape in expected.items():
        entry = content[name]
        if not isinstance(entry, dict) or entry.get("dtype") != "F32" or not _same(entry.get("shape"), list(shape)):
            raise bad_adapter(f"tensor {name} is {_describe(entry)}, expected float32 {list(shape)}.")
        place = entry.get("data_offsets")
        if set(entry) != {"dtype", "shape", "data_offsets"} or not isinstance(place, list) or len(place) != 2:
            raise bad_adapter(f"tensor {name} has no offsets, or has other keys than dtype, shape and data_offsets.")
        places.append((place, 4 * math.prod(shape), name))
    _check_places(places, header.data_bytes)


def _check_places(places: list[tuple[list[Any], int, str]], data_bytes: int) -> None:
    """Raise `RatchetError` unless tensors of these offsets and sizes follow each other and fill `data_bytes`."""
    if bad := next((name for place, _, name in places if not all(type(end) is int for end in place)), None):
        raise bad_adapter(f"tensor {bad} has offsets that are not a pair of integers.")
    end = 0
    for place, size, name in sorted(places):
        if place != [end, end + size]:
            raise bad_adapter(f"tensor {name} overlaps another, leaves a gap or does not have the size of its shape.")
        end += size
    if end != data_bytes:
        raise bad_adapter(f"adapter weights cannot be read: {data_bytes} bytes of numbers where {end} should be.")


def _are_notes(found: object) -> bool:
    return isinstance(found, dict) and all(isinstance(note, str) for note in found.values())


def _same(found: object, shape: list[int]) -> bool:
    return isinstance(found, list) and found == shape and all(type(size) is int for size in found)


def _describe(found: object) -> str:
    """Describe a tensor's entry in a header, for a message."""
    if not isinstance(found, dict):
        return show(found)
    shape = found.get("shape")
    sizes = ", ".join(map(show, shape[:8])) if isinstance(shape, list) else show(shape)
    return f"{show(found.get('dtype'))} [{sizes}]"
