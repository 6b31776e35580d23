"""Formatting of figures: the key of a figure in the document, its rounding, and the text that a reader sees.

Every number of the page goes through `format_figure`, and names its place by a key, so that anyone (a test does) can
compare the page with `eval_report.json`. Add roundings here; the figures of the page are chosen in the templates.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from ratchet.core.pages.visible import make_visible

NO_DATA = "no data"
HEADLINE = 90
"""Most characters of a heading that says a verdict."""
_MINUS = "\N{MINUS SIGN}"


def make_headline(sentence: str) -> str:
    """Return the beginning of a verdict's sentence, at most `HEADLINE` characters: its first sentence where that fits,
    else cut between words. "Blocked by x: Fails: y" loses the second word of the two that say the same."""
    plain = re.sub(r"^(Blocked by \w+: )(?:Fails|Warns): ", r"\1", " ".join(sentence.split()))
    first = re.match(r".+?[.?](?=\s|$)", plain)
    if first and len(first[0]) <= HEADLINE:
        return first[0]
    if len(plain) <= HEADLINE:
        return plain
    head = plain[: HEADLINE - 1]
    whole = head[: head.rfind(" ")] if " " in head[HEADLINE // 2 :] else head
    return f"{whole.rstrip(',;:')}…"


def format_figure(value: Any, rounding: str) -> str:
    """Format `value` for the page; None is "no data", never a zero.

    Roundings: `0` whole number, `3` decimals, `+3` signed, `%1` share as per cent, `s1` seconds, `~3` significant
    digits, `text`, `text80` cut to 80 characters, `count` length of a list, `day` date of a time.

    Raises ValueError for NaN and infinity (JSON has neither) and for an unknown rounding.
    """
    if value is None:
        return NO_DATA
    if rounding == "count":
        return _number(len(value), ",.0f")
    if rounding == "day":
        return make_visible(str(value)[:10])
    if rounding.startswith("text"):
        return make_visible(value if isinstance(value, str) else str(value), int(rounding[4:] or 0))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return make_visible(str(value), 80)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"a figure is {value}, which no report may show")
    if not (parts := re.fullmatch(r"([+%s~]?)(\d)", rounding, re.ASCII)):
        raise ValueError(f"rounding {rounding!r} is not one of 0, 3, +3, %1, s1, ~3, count, day, text")
    sign, digits = parts.groups()
    if sign == "%":
        return f"{_number(value * 100, f',.{digits}f')}\N{NO-BREAK SPACE}%"
    if sign == "s":
        return f"{_number(value, f',.{digits}f')}\N{NO-BREAK SPACE}s"
    if sign == "~":
        return _number(value, f".{digits}g")
    return _number(value, f"{sign},.{digits}f")


def _number(value: float, pattern: str) -> str:
    text = format(value, pattern)
    if not text.strip("+-0.,"):  # a value rounded to zero has no sign
        text = text.lstrip("+-")
    return text.replace("-", _MINUS)


def join_key(*parts: str | int) -> str:
    """Return the key of a place in the document: `metrics.test.macro_f1`. Dots and non-ASCII in a part become %XX."""
    return ".".join(quote(str(part), safe="", errors="surrogatepass").replace(".", "%2E") for part in parts)


def look_up(document: Any, key: str) -> Any:
    """Return the value at `key`; None where there is none. Inverse of `join_key`."""
    value = document
    for part in key.split(".") if key else ():
        name = unquote(part, errors="surrogatepass")
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, Sequence) and not isinstance(value, str) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def sum_up(found: Any) -> float | None:
    """Return a number, or the sum of all numbers in a list or table; None for None."""
    if found is None:
        return None
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, list):
        return float(sum(sum_up(item) or 0 for item in found))
    return float(found)


def divide(part: Any, whole: Any) -> float | None:
    """Return `part` as a share of the sum of `whole`; None where either is missing or the whole is zero."""
    over, under = sum_up(part), sum_up(whole)
    return None if over is None or not under else over / under


def make_slug(name: str) -> str:
    """Return a stable anchor of `name`: the name itself if it has only lower-case letters, digits, `_` and `-`.

    Other names lose all other characters and get a short digest, so that two names never share an anchor.
    """
    if re.fullmatch(r"[a-z0-9_-]{1,60}", name):
        return name
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{plain}.{digest}".lstrip(".")
