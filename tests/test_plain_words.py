"""Docstrings and sentences for users keep to the words of CONTRIBUTING.md, section "Words"."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("assets", "benchmarks", "checks", "gateway", "orchestration", "ratchet", "resources")
FIRST_WORDS = frozenset(
    {
        "all", "also", "and", "as", "be", "because", "everything", "he", "how", "if", "in", "it", "its", "nobody",
        "nothing", "of", "so", "something", "somebody", "that", "their", "there", "these", "they", "this", "to", "what",
        "when", "where", "whether", "which", "who", "whoever", "whom", "whose", "why", "with", "without",
    }
)  # fmt: skip
"""A docstring begins with a noun or a verb: with none of these."""
PHRASES = {
    r"\b(?:is|are|was|were|be) no (?!longer\b|more\b)\w+": "is not a, has no",
    r"\bmend(?:s|ed|ing)?\b": "fix",
    r"\bcures?\b": "hint, fix",
    r"\b(?:take|takes|taken|took|taking) back\b": "roll back",
    r"\bvisitors?\b": "simulated users",
    r"\bceremony\b": "promote by hand",
    r"\brefusals?\b": "request error",
    r"\bballast\b": "reserved space",
    r"\b(?:said|told|heard)\b": "message, result, answer",
}
"""Words of before, each with the field's own."""
IDENTIFIERS = frozenset({"said", "told", "heard", "asked"})


def sources() -> list[Path]:
    """Every module of the product and of the benchmarks."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring: of modules, classes and functions, and of attributes."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        for statement in body if isinstance(body, list) else ():
            value = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield statement.lineno, value.value


def prose(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of comments and of strings that hold a sentence; names in backticks are left out."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in {tokenize.COMMENT, tokenize.STRING} and " " in token.string:
            yield token.start[0], re.sub(r"`[^`]*`", "", token.string)


def findings(path: Path, source: str) -> list[str]:
    """Every place of a module that does not keep to the words."""
    tree, name = ast.parse(source), path.relative_to(ROOT)
    found = []
    for line, text in docstrings(tree):
        first = re.match(r"\W*([A-Za-z]+)", text)
        if first and first[1].lower() in FIRST_WORDS and not text.lstrip().startswith("`"):
            found.append(f"{name}:{line}: begins with {first[1]!r}")
    for line, text in prose(source):
        for pattern, better in PHRASES.items():
            if hit := re.search(pattern, text, re.IGNORECASE):
                found.append(f"{name}:{line}: {hit[0]!r}; better: {better}")
    for node in ast.walk(tree):
        names = [getattr(node, field, None) for field in ("id", "arg", "name")]
        found += [f"{name}:{node.lineno}: the name {word!r}" for word in names if word in IDENTIFIERS]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_keeps_to_the_words(package: str) -> None:
    """No docstring that begins with a question word, and none of the words of before."""
    found = [
        each for path in sources() if path.is_relative_to(ROOT / package) for each in findings(path, path.read_text())
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        '"""What the lower layers make of a text."""',
        'def f():\n    """Whether it fits."""',
        'X = 1\n"""Who asks."""',
        'raise ValueError("x is no file")',
        "x = 1  # told to the user",
        "said = 1",
        "def f(asked): ...",
    ],
)
def test_a_planted_fault_is_found(source: str) -> None:
    """Each kind of fault, planted."""
    assert findings(ROOT / "ratchet" / "x.py", source)


@pytest.mark.parametrize(
    "source", ['"""Cache of the lower layers."""', 'raise ValueError("x is not a file; it is no longer there")']
)
def test_plain_words_pass(source: str) -> None:
    """A noun first, and a sentence in plain words."""
    assert not findings(ROOT / "ratchet" / "x.py", source)


def test_one_class_name_has_one_meaning() -> None:
    """No two modules of the product define a class of one name."""
    places: dict[str, list[str]] = {}
    for path in sources():
        if path.is_relative_to(ROOT / "benchmarks"):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in places.items() if len(found) > 1} == {}
