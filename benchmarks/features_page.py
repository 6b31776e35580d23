"""Writer of docs/reference/features.md: what users of such a platform expect, and the tests that show each of it.

Run `python -m benchmarks.features_page` (`make reference`). A test says what it shows, as literals:

    @pytest.mark.feature(17)

Add a feature with the next number below, and its mark on a test; a feature without a test is an error.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.settings_page import ROOT

PAGE = "docs/reference/features.md"
FEATURES = {
    1: ("A first result from one command", "`make demo`"),
    2: ("Help at once", "`ratchet --help` imports nothing heavy"),
    3: ("Help that a newcomer can use", "a sentence, an example and the exit codes of every command"),
    4: ("Typing errors are met with the nearest word", "commands, classifiers, labels, weeks, settings, topics"),
    5: ("Errors say what, where and how to fix it", "one sentence and a hint; with `--json` one document"),
    6: ("Exit codes", "0 done, 1 error, 2 blocked, 3 rows rejected, 64 usage"),
    7: ("Data and talk apart", "data on standard output, all else on standard error; `--json` parses alone"),
    8: ("Progress", "a spinner at a terminal, lines and signs of life elsewhere"),
    9: ("Completion", "classifiers, weeks, digests, topics in the shell"),
    10: ("Dry run and confirmation", "`cycle --plan`; `promote` asks, or needs `--yes`"),
    11: ("Resumable", "the same week again reuses what was made, and says so"),
    12: ("Status on one screen", "`ratchet status`"),
    13: ("Doctor", "`ratchet doctor` names what is wrong, and how to fix it"),
    14: ("A report that stands alone", "one file that asks for nothing, prints, and follows dark and light"),
    15: ("Numbers of pages are those of the files", "each carries the key of its JSON"),
    16: ("Reliability diagram", "before and after calibration, with intervals and counts"),
    17: ("Confusion matrix", "a cell opens its texts, redacted"),
    18: ("Loss curves", "the kept epoch is marked"),
    19: ("Comparison with live", "difference, interval and margin; the verdict comes first"),
    20: ("Deep links", "stable anchors"),
    21: ("Index of reports", "append-only; its time does not grow with the history"),
    22: ("Rollout page", "state, steps, guardrails, roll back"),
    23: ("No data is not good", "a word of its own"),
    24: ("Figures in Dagster", "tables and few named plots"),
    25: ("Readable checks", "a sentence with numbers and limits"),
    26: ("Review by keys", "digits and letters, skip, undo, resumed after a kill"),
    27: ("Blind by default", "predictions are hidden until one answered"),
    28: ("Model card", "as the Hub reads it, without an empty section"),
    29: ("PEFT layout", "plain PEFT loads an adapter with equal logits"),
    30: ("Drop-in HTTP", "the routes of TEI and vLLM"),
    31: ("OpenAPI", "descriptions, examples, bounds; fuzzed from the document"),
    32: ("Names of metrics", "as Prometheus asks; more users make no more series"),
    33: ("Health", "`/healthz`, and `/readyz` with reasons"),
    34: ("Traces", "off by default; a span with the flag's evaluation and no text"),
    35: ("Flag file", "valid by flagd's schema"),
    36: ("Lineage", "OpenLineage events from our own records"),
    37: ("Artifacts of each run", "`run_results.json`, also after a failure"),
    38: ("Notebook", "reads a home and draws its plots"),
    39: ("Docs are true", "outputs of the pages are compared with those of the commands"),
    40: ("Shape of the docs", "tutorial, how-to, reference, explanation; links and anchors are checked"),
    41: ("Support matrix", "[what was tested with what](support_matrix.md), from the tests"),
    42: ("Docs for programs", "`ratchet docs TOPIC`, `/llms.txt`"),
    43: ("No telemetry", "no command looks up a name unless it is asked to"),
    44: ("What happened to a row", "`ratchet why REQUEST_ID`"),
}
BENCHES = {
    1: "python -m benchmarks.first_look demo",
    2: "python -m benchmarks.first_look help",
    14: "python -m benchmarks.first_look report",
    26: "make bench-review",
}
"""Commands that measure the features that are a matter of seconds; a timing is never a test."""
OPEN: dict[int, str] = {}
"""Features without a test, and what is missing; a line goes when the test comes."""
_INTRO = """# Features

What users of such a platform expect, what Ratchet has for it, and the tests that show it. `make reference` writes this
page from the marks of the tests; a test fails when it is out of date, or when a feature has no test and the page does
not say so. Seconds are measured by the command that is named, on the machine where it matters.

| number | feature | here | shown by | measured by |
|---|---|---|---|---|
"""


def read_marks(folder: Path) -> dict[int, list[str]]:
    """Return the tests of each number; raises ValueError for a mark of an unknown number."""
    found: dict[int, list[str]] = {number: [] for number in FEATURES}
    for path in sorted(folder.rglob("test_*.py")):
        for number, name in _marks(path.read_text(encoding="utf-8")):
            where = f"{path.relative_to(folder.parent).as_posix()}::{name}"
            if number not in found:
                raise ValueError(f"{where}: feature {number!r} is unknown; {Path(__file__).name} has the numbers.")
            found[number].append(where)
    return found


def _marks(source: str) -> Iterator[tuple[object, str]]:
    if "mark.feature" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.feature":
                    yield from ((ast.literal_eval(number), node.name) for number in mark.args)


def render(marks: dict[int, list[str]]) -> str:
    """Return the page."""
    rows = []
    for number, (feature, here) in FEATURES.items():
        tests = "<br>".join(f"`{test}`" for test in marks[number]) or f"**no test**: {OPEN.get(number, 'unknown')}"
        bench = f"`{BENCHES[number]}`" if number in BENCHES else ""
        rows.append(f"| {number} | {feature} | {here} | {tests} | {bench} |")
    return _INTRO + "\n".join(rows) + "\n"


def main() -> int:
    """Write the page; 1 where a feature has no test and is not known to have none."""
    marks = read_marks(ROOT / "tests")
    (ROOT / PAGE).write_text(render(marks), encoding="utf-8")
    missing = [number for number, tests in marks.items() if not tests]
    print(f"{PAGE}: {len(FEATURES)} features" + (f"; without a test: {missing}" if missing else ""))
    return 1 if set(missing) - set(OPEN) else 0


if __name__ == "__main__":
    sys.exit(main())
