"""Reader of strict JSON: UTF-8, every key once, finite numbers, text that can be written again.

Everything that strangers or other programs hand in is read here: adapter files, the flag file, request bodies, rows
of `ratchet predict`. Two readers of a repeated key may take different values, and NaN or a lone surrogate breaks
whoever writes the value again.
"""

import json
import math
from typing import Any


def parse_strictly(text: bytes, *, nan_is_null: bool = False) -> Any:
    """Parse JSON in UTF-8 (RFC 8259) that repeats no key and holds only finite numbers and whole characters.

    With `nan_is_null` NaN and Infinity are null, as exports of tables mean them. Raises ValueError with a reason that
    quotes nothing of the input; RecursionError for what is nested too deeply.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    read = _finite_or_none if nan_is_null else _finite
    result = json.loads(decoded, parse_constant=read, parse_float=read, object_pairs_hook=_once)
    # Only an escape can bring a lone surrogate, and most texts have none: the second pass is for the few.
    if "\\u" in decoded:
        try:
            json.dumps(result, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text holds a lone surrogate") from None
    return result


def _finite(number: str) -> float:
    result = float(number)
    if not math.isfinite(result):
        raise ValueError("a number is not finite")
    return result


def _finite_or_none(number: str) -> float | None:
    result = float(number)
    return result if math.isfinite(result) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a key occurs twice")
    return result
