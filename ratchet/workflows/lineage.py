"""Lineage of a classifier's cycles as OpenLineage events, from our own records: the run log, the manifest, the files.

Add here another input or output of a run. Nothing is sent anywhere: `ratchet lineage` prints or writes the events.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.ingest.manifest import ManifestEntry, read_manifest
from ratchet.storage.home import Home
from ratchet.storage.locks.process_locks import is_locked
from ratchet.storage.run_history import run_weeks, try_run
from ratchet.storage.run_log import PASSED, STARTED, RunLine, RunLog, judge_run

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_RUNS = uuid.UUID("6f2c1b1e-0f57-5d0c-9b8f-6f6d1c1f5b11")
"""Name space of run ids that are not UUIDs themselves."""
KINDS = ("production_logs", "corrections", "labelled_examples")


def list_events(
    home: Home, name: str, since: date | None = None, namespace: str = "ratchet"
) -> Iterator[dict[str, Any]]:
    """Yield START and COMPLETE, FAIL or ABORT of every run of the weeks from `since` on, in the order of the runs.

    A run that is still at work has only its START.
    """
    first = str(since or "")
    lines = [line for line in [*_before_the_log(home, name), *RunLog(home).read(name)] if line.week >= first]
    landed = read_manifest(home.manifest(name))
    for number, line in enumerate(lines):
        if line.state != STARTED:
            yield _event(home, name, line, "COMPLETE" if line.state == PASSED else "FAIL", namespace, landed)
            continue
        yield _event(home, name, line, "START", namespace, landed)
        later = [each for each in lines[number + 1 :] if each.run == line.run]
        if not later and (lines[number + 1 :] or not is_locked(home.cycle_lock(name))):
            yield _event(home, name, line, "ABORT", namespace, landed)


def _before_the_log(home: Home, name: str) -> Iterator[RunLine]:
    """Yield the runs of an earlier version, which kept only the newest run of each week."""
    known = {line.week for line in RunLog(home).read(name)}
    for week in run_weeks(home, name):
        run = None if week in known else try_run(home, Cycle(name, parse_week(week)))
        if run is None:
            continue
        results = [_Stage(each) for each in run["results"]]
        state, stage, message = judge_run(results)
        end, run_id = datetime.fromisoformat(run["metadata"]["generated_at"]), str(run["metadata"].get("invocation_id"))
        begin = end - timedelta(seconds=sum(each.seconds for each in results))
        yield RunLine(begin.isoformat(), run_id, week, STARTED)
        if state:
            yield RunLine(end.isoformat(), run_id, week, state, stage, message)


class _Stage:
    """A stage of `run_results.json`, as the run log judges it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.unique_id, self.status = str(document["unique_id"]), str(document["status"])
        self.message, self.seconds = str(document.get("message", "")), float(document.get("execution_time", 0))


def _event(
    home: Home, name: str, line: RunLine, kind: str, namespace: str, landed: Sequence[ManifestEntry]
) -> dict[str, Any]:
    cycle = Cycle(name, parse_week(line.week))
    nominal = {"nominalStartTime": f"{cycle.week}T00:00:00Z", "nominalEndTime": f"{cycle.end:%Y-%m-%dT%H:%M:%SZ}"}
    facets = {"nominalTime": _facet("1-0-1", "NominalTimeRunFacet", **nominal)}
    if line.stage and kind == "FAIL":
        message = f"{line.state} by {line.stage}: {line.message}" if line.state == "blocked" else line.message
        error = {"message": message, "programmingLanguage": "Python"}
        facets["errorMessage"] = _facet("1-0-1", "ErrorMessageRunFacet", **error)
    job = {"processingType": "BATCH", "integration": "RATCHET", "jobType": "CYCLE"}
    ended = kind in {"COMPLETE", "FAIL"}
    return {
        "eventType": kind,
        "eventTime": line.ts,
        "run": {"runId": _run_id(line.run), "facets": facets},
        "job": {
            "namespace": namespace,
            "name": f"{name}.weekly_cycle",
            "facets": {"jobType": _facet("2-0-4", "JobTypeJobFacet", **job)},
        },
        "inputs": list(_inputs(home, name, line, landed)) if ended else [],
        "outputs": list(_outputs(home, cycle, line)) if ended else [],
        "producer": _producer(),
        "schemaURL": SPEC,
    }


def _inputs(home: Home, name: str, line: RunLine, landed: Sequence[ManifestEntry]) -> Iterator[dict[str, Any]]:
    """Yield the landing folders as they were, and the golden set; a version is a digest of their content."""
    seen = landed[: int(line.facts.get("landed", 0))]
    for kind in KINDS:
        digests = [entry.sha256 for entry in seen if entry.kind == kind]
        if digests:
            mark = hashlib.sha256(json.dumps(digests).encode()).hexdigest()
            yield _dataset(str(home.landing(name, kind)), mark)
    if golden := line.facts.get("golden"):
        yield _dataset(str(home.golden(name)), str(golden))


def _outputs(home: Home, cycle: Cycle, line: RunLine) -> Iterator[dict[str, Any]]:
    """Yield the adapter and the report, where the run made them."""
    if adapter := line.facts.get("adapter"):
        yield _dataset(str(home.adapters(cycle.classifier) / str(adapter)), str(adapter))
    if report := line.facts.get("report"):
        yield _dataset(str(home.report(cycle) / "eval_report.json"), str(report))


def _dataset(path: str, digest: str) -> dict[str, Any]:
    facet = _facet("1-0-1", "DatasetVersionDatasetFacet", datasetVersion=digest)
    return {"namespace": "file", "name": path, "facets": {"version": facet}}


def _facet(release: str, name: str, **content: str) -> dict[str, str]:
    return {"_producer": _producer(), "_schemaURL": f"{_FACETS}/{release}/{name}.json#/$defs/{name}", **content}


def _producer() -> str:
    return f"urn:ratchet:{version('ratchet')}"


def _run_id(run: str) -> str:
    try:
        return str(uuid.UUID(run))
    except ValueError:
        return str(uuid.uuid5(_RUNS, run))
