"""Report files of a cycle: `eval_report.json`, `eval_report.html` and `run_results.json`, each whole or not at all.

Add here files of a report's folder. The document is built in `ratchet/evaluation/eval_report.py`, the page in
`ratchet/evaluation/report/`, the index of all weeks in `report_index.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_bytes
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_atomically, write_json
from ratchet.core.names import DIGEST
from ratchet.evaluation.report.page import render_report
from ratchet.storage.home import Home
from ratchet.storage.report_index import ReportIndex
from ratchet.storage.run_log import RunLog

STATUSES = ("pass", "fail", "blocked", "skipped", "error")
RUN_RESULTS_SCHEMA = 1
TEST_ERRORS, BLOCKED_ROWS = "test_errors.json", "blocked_rows.json"
"""Files beside a report: the texts behind its confusion matrix, and the rows that made a gate fail; all redacted."""


@dataclass(frozen=True)
class StageResult:
    """Result of one stage of a cycle. `execution_time` in seconds; `artifacts` are paths or digests of its outputs."""

    unique_id: str
    status: str
    execution_time: float
    message: str = ""
    artifacts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status {self.status!r} of stage {self.unique_id!r} is not one of {', '.join(STATUSES)}")


class Reports:
    """The reports of all classifiers of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def write(
        self, cycle: Cycle, document: Mapping[str, Any], errors: Sequence[Mapping[str, Any]] | None = None
    ) -> Path:
        """Store the document and its page and put the week into the index; returns the path of the page.

        `errors` are the wrong answers of the test split, for the pages behind the cells of the confusion matrix.

        The page is drawn before anything is written. It holds the SHA-256 of the JSON file, so that a page left by a
        kill between the two can be recognised. Raises ValueError for NaN, infinity and values that are not JSON.
        """
        content = _as_file(document)
        page = render_report(json.loads(content), digest=digest_bytes(content))
        folder = self.home.report(cycle)
        self._keep_earlier(folder, str(document["adapter"]))
        if errors is not None:
            write_json(folder / TEST_ERRORS, {"adapter": document["adapter"], "rows": [*errors]})
        write_atomically(folder / "eval_report.json", content)
        write_atomically(folder / "eval_report.html", page.encode())
        ReportIndex(self.home, cycle.classifier).put(cycle.week, document)
        return folder / "eval_report.html"

    def _keep_earlier(self, folder: Path, adapter: str) -> None:
        """Keep the report of another adapter of this week in a folder of its own: it may be live, or in a rollout."""
        try:
            earlier = str(json.loads((folder / "eval_report.json").read_bytes())["adapter"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        if earlier == adapter or not DIGEST.fullmatch(earlier):
            return
        for name in ("eval_report.json", "eval_report.html"):
            if (folder / name).is_file():
                write_atomically(folder / earlier[:16] / name, (folder / name).read_bytes())

    def read(self, cycle: Cycle) -> dict[str, Any]:
        """Read the document of `cycle`; raises `RatchetError` when there is none."""
        path = self.home.report(cycle) / "eval_report.json"
        if not path.is_file():
            known = ", ".join(self.weeks(cycle.classifier)) or "none"
            raise RatchetError(
                f"no report of {cycle.classifier} for the week {cycle.week} (has: {known}).",
                f"Make it with 'ratchet cycle {cycle.classifier} --week {cycle.week}'.",
                code="no_report",
            )
        result: dict[str, Any] = json.loads(path.read_bytes())
        return result

    def digest(self, cycle: Cycle) -> str:
        """Return the SHA-256 of the report as its cycle wrote it; '' where there is none.

        The verdict that a later run of the week put before it, since it was stopped, does not count.
        """
        path = self.home.report(cycle) / "eval_report.json"
        if not path.is_file():
            return ""
        content = path.read_bytes()
        try:
            document = json.loads(content)
        except ValueError:
            return digest_bytes(content)
        if isinstance(document, dict) and document.get("former_verdict"):
            document["verdict"] = document.pop("former_verdict")
            content = _as_file(document)
        return digest_bytes(content)

    def write_blocked_rows(self, cycle: Cycle, gate: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Store the rows that made a gate fail in the newest run of this week, for the page that says so."""
        write_json(self.home.report(cycle) / BLOCKED_ROWS, {"gate": gate, "rows": [*rows]})

    def weeks(self, name: str) -> list[str]:
        """List the weeks that have a report, oldest first."""
        return sorted(path.parent.name for path in self.home.reports(name).glob("*/eval_report.json"))

    def record(
        self, cycle: Cycle, results: Sequence[StageResult], invocation_id: str, *, now: datetime | None = None
    ) -> Path:
        """Replace the cycle's `run_results.json` by the results so far; call it before a failure is raised.

        Where the run stopped before it made a report of its own, the verdict of an earlier one is replaced, too.
        """
        path = self.home.report(cycle) / "run_results.json"
        metadata = {
            "schema_version": RUN_RESULTS_SCHEMA,
            "ratchet_version": version("ratchet"),
            "generated_at": (now or datetime.now(UTC)).isoformat(),
            "invocation_id": invocation_id,
        }
        write_json(path, {"metadata": metadata, "results": [asdict(result) for result in results]})
        self._supersede(cycle, results)
        RunLog(self.home).note(cycle, results, invocation_id, now)
        return path

    def _supersede(self, cycle: Cycle, results: Sequence[StageResult]) -> None:
        """Let report, page and index of an earlier run of this week say that the newest run was stopped."""
        stopped = next((result for result in results if result.status in {"blocked", "error"}), None)
        made = any(result.unique_id == "eval_report" and result.status == "pass" for result in results)
        if stopped is None or made or str(cycle.week) not in self.weeks(cycle.classifier):
            return
        try:
            document = self.read(cycle)
        except ValueError:
            return  # it is damaged, and says so itself where it is read
        word = "blocked by" if stopped.status == "blocked" else "stopped at"
        sentence = f"The newest run of this week was {word} {stopped.unique_id}: {stopped.message}"
        verdict = {"word": "blocked", "sentence": f"{sentence.rstrip('.')}. All figures are of an earlier run."}
        if document.get("verdict") != verdict:
            former = document.get("former_verdict", document.get("verdict"))
            self.write(cycle, {**document, "verdict": verdict, "former_verdict": former})


def _as_file(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
