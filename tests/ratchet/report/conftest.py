"""Documents to draw, and two readers of a page: of its figures and of its danger. Both look at the page, never at our templates."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import product
from typing import Any
from urllib.parse import unquote

import html5lib
import pytest

from ratchet.report.example import make_example

OPEN_KEYS = {
    "confusions",
    "classes",
    "dropped",
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

BREAKOUTS = ("", '">', "'>", "</title>", "</style>", "</script>", "-->", "</bdi></td></table>", "]]></svg>", "\u202e\x00")
BASES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<link rel=stylesheet href=//evil.test/x>",
    "<style>@import '//evil.test/x'</style>",
    "<form action=javascript:alert(1)><button>x",
    "<math><mtext><img src=x onerror=alert(1)>",
    '" onmouseover=alert(1) x="',
    "' autofocus onfocus=alert(1) x='",
    "{{ 7*7 }}{% raw %}<b>",
    "<base href=//evil.test>",
    "<object data=javascript:alert(1)>",
    "&lt;script&gt;&#60;script&#62;alert(1)",
    "<template><script>alert(1)</script>",
)
PAYLOADS = [breakout + base for breakout, base in product(BREAKOUTS, BASES)]


@pytest.fixture(scope="session")
def payloads() -> list[str]:
    """170 ways to break out of HTML, each different."""
    return PAYLOADS


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
    """Replace each distinct string of a document, and each name among its keys, by `new(i)`; splits keep their names."""

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
def find_dangers() -> Callable[[str], list[str]]:
    """What of a page could run or fetch: scripts, handlers, addresses outside the page."""

    def find(html: str) -> list[str]:
        found = []
        for element in html5lib.parse(html, namespaceHTMLElements=False).iter():
            tag = str(element.tag).rpartition("}")[2]
            if tag in ("script", "iframe", "object", "embed", "base", "form", "template", "math", "img", "foreignObject"):
                found.append(f"<{tag}>")
            for attribute, value in element.items():
                local = str(attribute).rpartition("}")[2].lower()
                if (
                    local.startswith("on")
                    or "javascript:" in re.sub(r"\s", "", value.lower())
                    or local in ("src", "srcdoc", "action")
                ):
                    found.append(f"<{tag} {local}={value[:60]!r}>")
                if local == "href" and not value.startswith("#") and value != "data:,":
                    found.append(f"<{tag} href={value[:60]!r}>")
                if local == "style" and not re.fullmatch(r"(--s|width|left|order):-?[0-9.]+%?(;width:[0-9.]+%)?", value):
                    found.append(f"<{tag} style={value[:60]!r}>")
        return found

    return find


@pytest.fixture(scope="session")
def count_elements() -> Callable[[str], Counter[str]]:
    """How many elements of each kind a browser would build."""
    return lambda html: Counter(str(e.tag) for e in html5lib.parse(html, namespaceHTMLElements=False).iter())


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
