"""Log of the runs of a classifier's cycles, `runs.jsonl`: one line when a run begins, one when its outcome is known.

`run_results.json` is replaced when its week runs again, so that only this log knows every run. Alerts and lineage are
made from it; it decides nothing. Add here another fact of a run that must outlast it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_bytes
from ratchet.core.files import append_line, read_if_there, whole_lines
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home

STARTED, PASSED, BLOCKED, ERROR = "started", "passed", "blocked", "error"
NOT_REACHED = "not reached"


@dataclass(frozen=True)
class RunLine:
    """One line: the run, its week, its state, and the stage and sentence that stopped it."""

    ts: str
    run: str
    week: str
    state: str
    stage: str = ""
    message: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Digests of what it read and made; only in a line with an outcome."""

    @property
    def ended(self) -> bool:
        """True for a line with an outcome."""
        return self.state != STARTED


@dataclass(frozen=True)
class RunLog:
    """The run logs of a home, one for each classifier."""

    home: Home
    disk: FileSystem = DISK

    def note(self, cycle: Cycle, results: Iterable[Any], run: str, now: datetime | None = None) -> None:
        """Note the state that the results so far give a run (`StageResult` each); nothing where it is noted already."""
        state, stage, message = judge_run(results)
        known = [line for line in self.read(cycle.classifier) if line.run == run]
        if known and (not state or known[-1].state == state or known[-1].state in {BLOCKED, ERROR}):
            return
        at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
        if not known:
            self._append(cycle.classifier, RunLine(at, run, str(cycle.week), STARTED))
        if state:
            facts = self._facts(cycle)
            self._append(cycle.classifier, RunLine(at, run, str(cycle.week), state, stage, message, facts))

    def read(self, classifier: str) -> list[RunLine]:
        """Read every line, oldest first; one that cannot be read, as after a crash, is left out."""
        found = []
        for line in whole_lines(read_if_there(self.home.runs(classifier), self.disk) or b""):
            try:
                document = json.loads(line)
                texts = {each.name: str(document[each.name]) for each in fields(RunLine) if each.name != "facts"}
                found.append(RunLine(**texts, facts=dict(document["facts"])))
            except (ValueError, KeyError, TypeError, RecursionError):
                continue
        return found

    def _append(self, classifier: str, line: RunLine) -> None:
        append_line(self.home.runs(classifier), json.dumps(asdict(line), ensure_ascii=False), self.disk)

    def _facts(self, cycle: Cycle) -> dict[str, Any]:
        """Return what is known of a run's inputs and outputs, by the files of its week and classifier."""
        notes = _read_json(self.home.receipts(cycle) / "cycle.json")
        facts = {"adapter": notes.get("adapter"), "golden": _digest(self.home.golden(cycle.classifier))}
        facts["report"] = _digest(self.home.report(cycle) / "eval_report.json")
        facts["landed"] = len(whole_lines(read_if_there(self.home.manifest(cycle.classifier)) or b""))
        return {key: value for key, value in facts.items() if value}


def judge_run(results: Iterable[Any]) -> tuple[str, str, str]:
    """Return state, stage and sentence of a run by its stages; an empty state while it is unfinished."""
    results = list(results)
    for wanted in (BLOCKED, ERROR):
        for result in results:
            if result.status == wanted:
                return wanted, result.unique_id, result.message
    unfinished = any(each.status == "skipped" and each.message == NOT_REACHED for each in results)
    return ("" if unfinished or not results else PASSED), "", ""


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _digest(path: Path) -> str:
    try:
        return digest_bytes(path.read_bytes())
    except OSError:
        return ""
