"""Documents to draw, and a reader of a page's figures, which looks at the page and never at our templates."""

import re
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any
from urllib.parse import unquote

import html5lib
import pytest

from ratchet.testing.report_example import make_example

OPEN_KEYS = {
    "confusions",
    "classes",
    "dropped",
    "quarantined",
    "redactions",
    "per_class",
    "thresholds",
    "baselines",
    "checks",
    "timings_s",
    "versions",
    "digests",
}
"""Objects of the document whose keys are names that users or data choose."""


@pytest.fixture(scope="session")
def usual() -> dict[str, Any]:
    """A cycle with a live adapter and seven labels."""
    return make_example()


@pytest.fixture(scope="session")
def first() -> dict[str, Any]:
    """A first cycle: nothing is live."""
    return make_example(live=False, seed=1)


@pytest.fixture(scope="session")
def many() -> dict[str, Any]:
    """Thirty labels, every cell of the matrix as likely as not to be filled."""
    return make_example([f"label_{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(30)], n=900, seed=2)


@pytest.fixture(scope="session")
def rename() -> Callable[[dict[str, Any], Callable[[int], str]], dict[str, Any]]:
    """Replace each distinct string of a document, and each name among its keys, by `new(i)`; splits keep their
    names."""

    def walk(document: dict[str, Any], new: Callable[[int], str]) -> dict[str, Any]:
        numbers: dict[str, int] = {}

        def name(text: str) -> str:
            return new(numbers.setdefault(text, len(numbers)))

        def visit(value: Any, key: str = "") -> Any:
            if isinstance(value, dict):
                return {(name(k) if key in OPEN_KEYS else k): visit(v, k) for k, v in value.items()}
            if isinstance(value, list):
                return [visit(item, key) for item in value]
            return name(value) if isinstance(value, str) and key != "split" else value

        for label in document["labels"]:
            name(label)
        return visit(deepcopy(document))  # type: ignore[no-any-return]

    return walk


@pytest.fixture(scope="session")
def find_lies() -> Callable[[Iterable[dict[str, str]], dict[str, Any]], list[str]]:
    """The figures of a page that are not equal to the document at their own rounding. Own reading, own arithmetic."""

    def at(document: Any, key: str) -> Any:
        for part in key.split("."):
            if document is None:
                return None
            document = document[int(part)] if isinstance(document, list) else document.get(unquote(part))
        return document

    def total(value: Any) -> float:
        return float(sum(value.values() if isinstance(value, dict) else value))

    def true_of(row: dict[str, str], document: dict[str, Any]) -> bool:
        value, text, rounding = at(document, row["key"]), row["text"], row["round"]
        if value is None:
            return text == "no data"
        if rounding == "count":
            return text == str(len(value))
        if rounding == "day":
            return text == value[:10]
        if rounding.startswith("text"):
            shown = text.removesuffix("…") if rounding != "text" and len(text) <= int(rounding[4:]) + 1 else text
            plain = re.sub(r"[^ -~]", "", str(value))
            return plain.startswith(shown) if shown != text else plain == shown or "\\" in shown
        if row.get("of"):
            value /= total(at(document, row["of"]))
        if "%" in rounding:
            value, text = value * 100, text.removesuffix("\u00a0%")
        text = text.removesuffix("\u00a0s") if rounding.startswith("s") else text
        decimals = int(rounding[-1])
        shown_decimals = len(text.partition(".")[2])
        number = float(text.replace(",", "").replace("\u2212", "-"))
        return shown_decimals == decimals and abs(number - value) <= 0.5000001 * 10**-decimals

    return lambda rows, document: [f"{row}" for row in rows if not true_of(row, document)]


@pytest.fixture(scope="session")
def read_figures() -> Callable[[str], list[dict[str, str]]]:
    """The figures of a page as a parser sees them: key, rounding, text and, for shares, of what."""

    def read(html: str) -> list[dict[str, str]]:
        found = []
        for element in html5lib.parse(html, namespaceHTMLElements=False).iter():
            if "data-key" in element.keys():  # noqa: SIM118 (an element's own `in` looks at its children)
                text = "".join(element.itertext())
                row = {"key": element.get("data-key"), "round": element.get("data-round"), "text": text}
                found.append({**row, "of": element.get("data-of") or ""})
        return found

    return read
