"""Write docs/reference/support_matrix.md from the marks of the tests: every tested family, method, runtime and export.

Run `python -m benchmarks.support_matrix` (`make matrix`). A test states what it shows, as literals, a tuple for
several:

    @pytest.mark.supports(family="causal", method=("lora", "dora"), runtime="llama_cpp", export="gguf_q8_0")

`architecture="gemma"` narrows the family, `refused="cannot be exported"` (words of the error, which the test must match
itself) makes it a cross, `needs="the gguf extra"` names what the test is skipped without. The mark stands on a test
function, or in the `marks=` of one of its `pytest.param`s; anywhere else it is an error. Add a new method, runtime or
export to the lists below.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = "docs/reference/support_matrix.md"
KNOWN = {
    "family": ("encoder", "causal"),
    "method": ("lora", "dora", "qlora", "full", "dpo", "distilled", "probe"),
    "export": ("adapter", "merged", "onnx", "onnx_int8", "gguf_f16", "gguf_q8_0", "gguf_q4_0", "gguf_q4_k_m"),
    "runtime": (
        "training",
        "ratchet",
        "gateway",
        "peft",
        "transformers",
        "onnxruntime",
        "llama_cpp",
        "vllm",
        "workers_ai",
    ),
}
"""`adapter` is the trained adapter itself, `training` its training alone, `ratchet` our own predictor."""
_FREE = ("architecture", "refused", "needs")
_INTRO = """# Support matrix

Written by `make matrix` from the marks of the tests; a test fails when this page differs from them. ✓: a test shows
that it works, ✗: a test shows that it is rejected, with the words of the error below; empty: not tested. `adapter` is
the trained adapter itself; `ratchet` is our own predictor, `gateway` the same over HTTP. Tests use tiny random models
unless they state otherwise.
"""


@dataclass(frozen=True)
class Claim:
    """One combination that a test shows at work, or rejected."""

    family: str
    method: str
    export: str
    runtime: str
    architecture: str
    refused: str
    needs: str
    test: str

    @property
    def row(self) -> tuple[str, str]:
        """Family (with its architecture where one is named) and method."""
        return f"{self.family} ({self.architecture})" if self.architecture else self.family, self.method

    @property
    def column(self) -> tuple[str, str]:
        """Export and runtime."""
        return self.export, self.runtime


def read_claims(folder: Path) -> list[Claim]:
    """Return the claims of all test files below `folder`, in a fixed order; raises ValueError for an invalid mark."""
    files = sorted(folder.rglob("test_*.py"))
    return [
        claim for path in files for claim in read_file(path.read_text(), path.relative_to(folder.parent).as_posix())
    ]


def read_file(source: str, where: str) -> list[Claim]:
    """Return the claims of one test file."""
    if "mark.supports" not in source:
        return []
    tree = ast.parse(source)
    claims: list[Claim] = []
    seen = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            for mark in (found for decorator in node.decorator_list for found in _marks(decorator)):
                seen.add(mark)
                claims += _claims(mark, f"{where}::{node.name}")
    stray = [mark for mark in _marks(tree) if mark not in seen]
    if stray:
        raise ValueError(
            f"{where}:{stray[0].lineno}: mark 'supports' is not on a test function; put it on the test itself."
        )
    return claims


def render(claims: Sequence[Claim]) -> str:
    """Return the text of the page."""
    rows = sorted({claim.row for claim in claims}, key=lambda row: _order(("family", "method"), row))
    columns = sorted({claim.column for claim in claims}, key=lambda column: _order(("export", "runtime"), column))
    lines = [_INTRO]
    heads = [f"{export}<br>{runtime}" for export, runtime in columns]
    lines += [f"| family | method | {' | '.join(heads)} |", "|---|---|" + "---|" * len(columns)]
    for row in rows:
        cells = [_cell([claim for claim in claims if (claim.row, claim.column) == (row, column)]) for column in columns]
        lines.append(f"| {row[0]} | {row[1]} | {' | '.join(cells)} |")
    lines += ["", "## The tests behind it", ""]
    for row, column in product(rows, columns):
        behind = sorted({_evidence(claim) for claim in claims if (claim.row, claim.column) == (row, column)})
        if behind:
            lines += [f"**{row[0]}, {row[1]}, {column[0]} on {column[1]}**", "", *behind, ""]
    return "\n".join(lines).rstrip() + "\n"


def _marks(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.supports":
            yield node


def _claims(mark: ast.Call, test: str) -> Iterable[Claim]:
    try:
        given = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in mark.keywords}
    except ValueError:
        raise ValueError(f"{test}: mark 'supports' holds a value that is not a literal; write it out.") from None
    if mark.args or set(given) - {*KNOWN, *_FREE} or set(KNOWN) - set(given):
        raise ValueError(
            f"{test}: mark 'supports' needs {', '.join(KNOWN)}, may have {', '.join(_FREE)}, and has {sorted(given)}."
        )
    several = {key: (value,) if isinstance(value, str) else value for key, value in given.items()}
    for key, known in KNOWN.items():
        strange = sorted(set(several[key]) - set(known))
        if strange:
            raise ValueError(
                f"{test}: {key} {strange[0]!r} is unknown; known are {', '.join(known)} ({Path(__file__).name})."
            )
    words = {key: several.get(key, ("",)) for key in (*KNOWN, *_FREE)}
    return [Claim(**dict(zip(words, values, strict=True)), test=test) for values in product(*words.values())]


def _order(keys: Sequence[str], words: Sequence[str]) -> tuple[tuple[int, str], ...]:
    return tuple((KNOWN[key].index(word.split(" (")[0]), word) for key, word in zip(keys, words, strict=True))


def _cell(claims: Sequence[Claim]) -> str:
    """Return the sign of a cell; both where a part is taken and a part rejected."""
    return " ".join(
        sign for sign, refused in (("✓", False), ("✗", True)) if any(bool(c.refused) == refused for c in claims)
    )


def _evidence(claim: Claim) -> str:
    refused = f', refused: "{claim.refused}"' if claim.refused else ""
    return f"- `{claim.test}`{refused}{f' (skipped without {claim.needs})' if claim.needs else ''}"


def main() -> int:
    """Write the page; return 0."""
    claims = read_claims(ROOT / "tests")
    (ROOT / PAGE).write_text(render(claims))
    print(f"{PAGE}: {len(claims)} claims of {len({claim.test for claim in claims})} tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
