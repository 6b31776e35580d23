"""Strict JSON: every key once, finite numbers, letters that can be written again."""

import json
from typing import Any

from ratchet.core.digests import canonical_json


def parse_strictly(text: bytes) -> Any:
    """JSON in UTF-8 that says each thing once, in numbers that are finite and letters that can be written again.

    Raises ValueError, or RecursionError for what is nested too deeply.
    """
    result = json.loads(text.decode(), parse_constant=_no_constant, object_pairs_hook=_once)
    canonical_json(result).encode()  # finds 1e999 and lone surrogates
    return result


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key is there twice")
    return result
