"""`ratchet review --export` and `--import`: a batch as a file, and its answers back.

Add here what is printed of them; the steps are `ratchet/workflows/review/export_batch.py` and `import_answers.py`.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.cli.output import emit, emit_json, printable

if TYPE_CHECKING:
    from ratchet.storage.home import Home

_SHOWN_REFUSED = 50


def export_to_file(home: "Home", name: str, path: Path, size: int, predictions: bool, json: bool) -> int:
    """Write a batch into a file, and print what to do with it."""
    from ratchet.workflows.review.export_batch import export_batch

    found = export_batch(home, name, path, size=size, predictions=predictions)
    if json:
        emit_json({"classifier": name, **vars(found)})
        return 0
    seen = "; their labels train, and never evaluate, since predictions are shown" if predictions else ""
    emit(f"{found.requests} request(s) written to {printable(found.file)}{seen}")
    if path.suffix.lower() == ".json":
        emit(f"next: import it as tasks into a project of Label Studio, label them there and export them as JSON, then:"
             f" ratchet review {name} --import EXPORT.json")  # fmt: skip
    else:
        emit(f"next: answer in the columns label or answer, then: ratchet review {name} --import"
             f" {printable(found.file)}")  # fmt: skip
    return 0


def import_from_file(home: "Home", name: str, path: Path, json: bool) -> int:
    """Take the answers of a file, and print what became of each row; return the exit code."""
    from ratchet.review.given_answer import OUTCOMES
    from ratchet.workflows.review.import_answers import import_answers

    found = import_answers(home, name, path)
    code = 3 if found.refused else 0
    if json:
        rows = [row.as_json() for row in found.rows]
        emit_json({"classifier": name, "file": found.file, "counts": found.counts, "rows": rows})
        return code
    for outcome, number in found.counts.items():
        emit(f"{number:>6} {outcome}: {OUTCOMES[outcome]}")
    for row in found.refused[:_SHOWN_REFUSED]:
        emit(printable(f"{row.place}: {row.request_id[:60] or '-'}: {row.outcome}: {row.why[:200]}"))
    left = Counter(row.outcome for row in found.refused[_SHOWN_REFUSED:])
    if left:
        listed = ", ".join(f"{number} {outcome}" for outcome, number in left.items())
        emit(f"and {listed}; --json lists every row")
    if not found.rows:
        emit("the file holds no row")
    return code
