"""Random defects in JSON documents, in their values and in their bytes.

For tests of whatever reads untrusted documents. Add a mutation to `_WAYS`, and a value or bytes that parsers may fail
on to `_ODD` or `_PIECES`.
"""

import json
import random
from collections.abc import Callable
from typing import Any

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**64), 10**400, 0.5, -0.0, 1e308, 1e-320, "", "a", "(a+)+$",
    "../../etc", "\x00",
    "\ud800", "\u202e", "é" * 100, "a" * 5_000, "NaN", [], [[]], [[[[[[]]]]]], {}, {"": {}}, {"__class__": "x"}, ["a",
    "a"],
    [0, 2**62],
    "F16", "F64", "BF16", "CAUSAL_LM", "/", "./x", "org/name@main", "__metadata__", "dora", "full", "probe", "causal",
)  # fmt: skip
_PIECES = (
    b"NaN", b"Infinity", b"1e999", b"-", b"\\ud800", b"\xff", b"\x00", b"[" * 2_000, b"{\"a\":" * 2_000, b",", b":",
    b"\"", b"}",
    b"]", b"9" * 5_000, b"0x1", b"\xef\xbb\xbf", b"\\u0000", b"//", b" " * 100, b"true", b"null", b"{}", b"[]",
)  # fmt: skip


def mutate(original: bytes, draw: random.Random) -> bytes:
    """Mutate a JSON document: one to three defects in its values or its bytes."""
    mutant = original
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        mutant = draw.choice(_WAYS)(mutant, draw)
    return mutant


def _text(document: Any) -> bytes:
    return json.dumps(document).encode()


def _change_value(document: bytes, draw: random.Random) -> bytes:
    """Replace a value by an odd one, remove it, repeat it, or rename its key."""
    try:
        whole = json.loads(document)
    except (ValueError, RecursionError):
        return break_letters(document, draw)
    # the way down ends at random, so that whole lists and objects are changed, too
    inside, place = [whole], None
    while isinstance(inside[-1], dict | list) and inside[-1] and (len(inside) == 1 or draw.random() < 0.6):
        holder = inside[-1]
        place = draw.choice(list(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
        inside.append(holder[place])
    if len(inside) < 2:
        return _text(draw.choice(_ODD))
    holder = inside[-2]
    match draw.randrange(5):
        case 0:
            del holder[place]
        case 1 if isinstance(holder, list):
            holder.append(inside[-1])
        case 1:
            holder[draw.choice((*(each for each in _ODD if isinstance(each, str)), f"{place}x"))] = inside[-1]
        case 2 if isinstance(inside[-1], int):
            holder[place] = inside[-1] + draw.choice((-1, 1, 4, 2**32))
        case _:
            holder[place] = draw.choice(_ODD)
    return _text(whole)


def break_letters(document: bytes, draw: random.Random) -> bytes:
    """Remove, repeat, flip or insert some bytes."""
    start, end = sorted(draw.randrange(len(document) + 1) for _ in range(2))
    end = min(end, start + draw.choice((1, 4, 64, 10_000)))
    match draw.randrange(5):
        case 0:
            return document[:start] + document[end:]
        case 1:
            return document[:end] + document[start:end] + document[end:]
        case 2:
            return document[:start] + draw.choice(_PIECES) + document[start:]
        case 3:
            return document[:start] + draw.choice(_PIECES) + document[end:]
        case _:
            return (
                document[:start]
                + bytes(byte ^ 1 << draw.randrange(8) for byte in document[start : start + 1])
                + document[start + 1 :]
            )


_WAYS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_change_value, _change_value, break_letters)
