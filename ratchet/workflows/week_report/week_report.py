"""One week of a classifier from the files that its cycle wrote: its report, its run, its verdict and its neighbours.

Opens no warehouse and makes nothing. Add here another file of a week that its page shows; advice for a week that was
blocked is `next_steps.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_bytes
from ratchet.core.errors import RatchetError, UsageError
from ratchet.storage.home import Home
from ratchet.storage.reports import BLOCKED_ROWS, TEST_ERRORS
from ratchet.workflows.history.week_files import list_weeks, read_week
from ratchet.workflows.history.week_metrics import slim_report
from ratchet.workflows.history.week_verdict import WeekVerdict, judge_week

_LARGEST = 64 * 2**20
LABEL_GATES = frozenset(
    {"row_quality", "label_agreement", "colluding_annotators", "label_distribution", "golden_agreement"}
)
"""Gates whose failure says that the week's own rows or labels are wrong: what its test split measures means little."""


@dataclass(frozen=True)
class WeekReport:
    """One week, ready to be shown."""

    classifier: str
    week: str
    verdict: WeekVerdict
    document: Mapping[str, Any] | None
    """The report, without the texts of golden items; None where the week ended before it was made."""
    digest: str
    """SHA-256 of `eval_report.json`, empty without one."""
    run: Mapping[str, Any]
    """The content of `run_results.json`, empty where there is none."""
    sentence: str
    """The whole reason of the stage that stopped the run; empty where none did."""
    blocked_rows: Sequence[Mapping[str, Any]]
    """The rows that made the gate fail: `request_id`, redacted `text`, `served`, and `labels`."""
    previous: str
    following: str
    """The weeks before and after it that ran; empty at the ends."""

    @property
    def doubtful(self) -> bool:
        """True where the labels of the week are what failed, so that its test figures mean little."""
        return self.verdict.word == "blocked" and self.verdict.gate in LABEL_GATES

    @property
    def has_own_report(self) -> bool:
        """True where the report is of the newest run."""
        return self.document is not None and not self.verdict.earlier


def load_week_report(home: Home, name: str, week: str) -> WeekReport:
    """Return one week of a classifier; raises `RatchetError` for a classifier or week that is not there."""
    home.need_served(name)
    weeks = list_weeks(home, name)
    try:
        cycle = Cycle(name, parse_week(week))
    except UsageError as error:
        raise RatchetError(error.message, error.hint, code="no_week") from None
    if str(cycle.week) != week or week not in weeks:
        known = f"has: {', '.join(weeks[-3:])}" if weeks else "no week ran yet"
        raise RatchetError(f"{name} has no week {str(week)[:20]} ({known}).", code="no_week")
    files = read_week(home, name, week, slim_report)
    document, digest = _read_document(home.report(cycle) / "eval_report.json")
    verdict, at = judge_week(files), weeks.index(week)
    stopped = (each for each in files.run.get("results", ()) if each["status"] in {"blocked", "error"})
    stage: Mapping[str, Any] = next(stopped, {})
    kept = _read(home.report(cycle) / BLOCKED_ROWS)
    return WeekReport(
        name, week, verdict, document, digest, files.run, str(stage.get("message", "")),
        _rows_of(kept) if kept.get("gate") == verdict.gate else (),
        weeks[at - 1] if at else "", weeks[at + 1] if at + 1 < len(weeks) else "",
    )  # fmt: skip


def load_test_errors(home: Home, name: str, week: str) -> Sequence[Mapping[str, Any]]:
    """Return the wrong answers of the test split of a week's report; none where they were not kept.

    The file is believed only beside the report of the same adapter: it is written first.
    """
    folder = home.report(Cycle(name, parse_week(week)))
    kept, (document, _) = _read(folder / TEST_ERRORS), _read_document(folder / "eval_report.json")
    return _rows_of(kept) if document and kept.get("adapter") == document.get("adapter") else ()


def _rows_of(kept: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    rows = kept.get("rows")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else ()


def _read(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _read_document(path: Path) -> tuple[dict[str, Any] | None, str]:
    """Return a report without the texts of golden items, which reports of earlier versions hold, and its digest."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST)
        document = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return None, ""
    if not isinstance(document, dict):
        return None, ""
    golden, errors = document.get("golden"), document.get("worst_errors")
    lost = golden.get("lost") if isinstance(golden, dict) else None
    for row in (*(lost or ()), *(each for each in errors or () if each.get("split") == "golden")):
        row["text"] = ""
    return document, digest_bytes(content)
