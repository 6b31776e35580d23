"""Files of one week, each read once for as long as its time and size stay the same.

Add here another file that a week's row is made of. Which figures are taken from it is `week_metrics.py`. A file that
cannot be read is a fact of its week, with its reason, and never an error.
"""

import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import read_receipt

_WEEK = re.compile(r"\d{4}-\d{2}-\d{2}")
_REPORT, _RUN, _NOTES = "eval_report.json", "run_results.json", "cycle.json"
GATES_READ = ("label_agreement", "label_distribution", "label_noise", "text_drift")
"""Gates whose evidence holds figures of the data: a week that they block has no report."""
_KEPT_AT_MOST = 4000
"""Most files whose content is kept in memory: 52 weeks of ten classifiers."""
_kept: dict[tuple[Path, str], tuple[tuple[int, int], Any]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class WeekFiles:
    """Documents of one week: report, run, notes of the stages, evidence of gates; empty where there is none."""

    week: str
    report: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    noted: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    """Names of files that cannot be read."""


def list_weeks(home: Home, name: str) -> list[str]:
    """List the weeks that have a run, a report or a receipt, oldest first; what is not a week's folder is left out."""
    found = set()
    for folder in (home.reports(name), home.classifier(name) / "receipts"):
        try:
            found |= {path.name for path in folder.iterdir() if _is_week(name, path)}
        except OSError:
            continue
    return sorted(found)


def read_week(home: Home, name: str, week: str, slim: Callable[[Any], Any]) -> WeekFiles:
    """Read the files of a week; `slim` takes of the report what is kept in memory."""
    cycle, damaged = Cycle(name, parse_week(week)), list[str]()
    folder, receipts = home.report(cycle), home.receipts(cycle)

    def read(path: Path, load: Callable[[Path], Any]) -> Any:
        try:
            return _read_once(path, load)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, RatchetError):
            damaged.append(path.name)
            return {}

    report = read(folder / _REPORT, lambda path: slim(_load(path)))
    run, noted = read(folder / _RUN, _load_run), read(receipts / _NOTES, _load)
    evidence = {gate: read(receipts / f"{gate}.json", _load_evidence) for gate in GATES_READ}
    return WeekFiles(week, report, run, noted, evidence, tuple(damaged))


def _read_once(path: Path, load: Callable[[Path], Any]) -> Any:
    facts = path.stat()
    stamp, key = (facts.st_mtime_ns, facts.st_size), (path, path.name)
    with _lock:
        kept = _kept.get(key)
    if kept is not None and kept[0] == stamp:
        return kept[1]
    content = load(path)
    with _lock:
        while len(_kept) >= _KEPT_AT_MOST:
            del _kept[next(iter(_kept))]
        _kept[key] = (stamp, content)
    return content


def _load(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_bytes())
    if not isinstance(document, dict):
        raise TypeError(f"{path.name} does not hold an object")
    return document


def _load_run(path: Path) -> dict[str, Any]:
    document = _load(path)
    str(document["metadata"]["generated_at"])
    [(str(each["unique_id"]), each["status"], float(each["execution_time"])) for each in document["results"]]
    return document


def _load_evidence(path: Path) -> dict[str, Any]:
    return dict(read_receipt(path).verdict.evidence)


def _is_week(name: str, path: Path) -> bool:
    """Return True for the folder of a week with anything in it that a cycle writes."""
    try:
        if not _WEEK.fullmatch(path.name) or str(Cycle(name, parse_week(path.name)).week) != path.name:
            return False
        return path.is_dir() and any(each.suffix == ".json" and each.name[0] != "." for each in path.iterdir())
    except (OSError, RatchetError):
        return False
