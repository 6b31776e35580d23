"""Writer of docs/reference/errors.md: the code of every error, with a sentence that carries it and its hint.

Run `python -m benchmarks.errors_page` (`make reference`). A new code is found automatically, where it is raised.
"""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks.settings_page import ROOT

PAGE = "docs/reference/errors.md"
_PACKAGES = ("ratchet", "gateway", "orchestration")
_INTRO = """# Errors

The code of every error, as `--json` and the gateway give it in `error.code`, with sentences that carry it; `…` stands
for what was found. `make reference` writes this page from the code; a test fails when it is out of date. Exit codes are
in [commands](commands.md#exit-codes).
"""


def find_errors() -> dict[str, list[tuple[str, str]]]:
    """Return the sentences and hints of each code, without doubles, in the order of the modules."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for package in _PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "testing" in path.relative_to(ROOT).parts:
                continue
            for code, words in _errors(path):
                if words not in found[code]:
                    found[code].append(words)
    return dict(sorted(found.items()))


def _errors(path: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name, arguments = ast.unparse(node.func), list(node.args)
        code = next((keyword.value for keyword in node.keywords if keyword.arg == "code"), None)
        if name == "RequestError" and len(arguments) > 2:
            code, arguments = arguments[1], arguments[2:]
        if not name.endswith("Error") or not isinstance(code, ast.Constant) or not isinstance(code.value, str):
            continue
        yield code.value, (_text(arguments[0]) if arguments else "", _text(arguments[1]) if len(arguments) > 1 else "")


def _text(node: ast.expr) -> str:
    """Return the words of a string or an f-string; what is filled in is `…`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return "…"


def render() -> str:
    """Return the page."""
    lines = [_INTRO.rstrip()]
    for code, errors in find_errors().items():
        lines += ["", f"## {code}", ""]
        for message, hint in errors:
            sentence = " ".join(f"{message} {hint}".split()).replace("`", "'")
            lines.append(f"- `{sentence}`" if sentence.strip("… ") else "- (the sentence is made where it happens)")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page."""
    (ROOT / PAGE).write_text(render(), encoding="utf-8")
    print(f"{PAGE}: {len(find_errors())} codes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
