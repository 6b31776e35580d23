"""Past cycles of a classifier: the weeks that ran, the candidates that they made, and the stage that stopped them.

Add here questions about past cycles; which candidate may be live is decided in `ratchet/workflows/rollout/nominate.py`.
"""

import json
from datetime import datetime
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.names import NAME
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts


def run_weeks(home: Home, name: str) -> list[str]:
    """List the weeks that ran, with any outcome, oldest first."""
    return sorted(
        path.parent.name for path in home.reports(name).glob("*/run_results.json") if NAME.fullmatch(path.parent.name)
    )


def read_run(home: Home, cycle: Cycle) -> dict[str, Any] | None:
    """Read `run_results.json` of a cycle's newest run; None when it never ran."""
    path = home.report(cycle) / "run_results.json"
    return json.loads(path.read_bytes()) if path.is_file() else None


def try_run(home: Home, cycle: Cycle) -> dict[str, Any] | None:
    """Read `run_results.json` as `read_run` does; None, too, for a file that is damaged or holds something else."""
    try:
        run = read_run(home, cycle)
        if run is not None:
            datetime.fromisoformat(run["metadata"]["generated_at"])
            [stage["status"] for stage in run["results"]]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return run


def newest_run_s(home: Home, name: str) -> float | None:
    """Return the time of the newest run of any week, in seconds since 1970; None before the first. Reads one file."""
    paths = [home.reports(name) / week / "run_results.json" for week in run_weeks(home, name)]
    newest = max(paths, key=lambda path: path.stat().st_mtime_ns, default=None)
    if newest is None:
        return None
    return datetime.fromisoformat(json.loads(newest.read_bytes())["metadata"]["generated_at"]).timestamp()


def candidates(home: Home, name: str) -> list[tuple[Cycle, str]]:
    """Return every cycle that made a candidate, newest first, with the candidate's digest."""
    receipts = Receipts(home)
    cycles = [Cycle(name, parse_week(week)) for week in receipts.weeks(name)]
    return [(cycle, made) for cycle in cycles if (made := receipts.noted(cycle).get("adapter"))]


def rest_seconds(home: Home, name: str, families: set[str]) -> float | None:
    """Return the seconds of all stages but the training, in the newest reported week with candidates of `families`."""
    for week in reversed(run_weeks(home, name)):
        cycle = Cycle(name, parse_week(week))
        path, run = home.report(cycle) / "eval_report.json", read_run(home, cycle)
        if run is None or not path.is_file():
            continue
        taken = {stage["unique_id"]: stage["execution_time"] for stage in run["results"]}
        judged = any(stage["unique_id"] == "eval_report" and stage["status"] == "pass" for stage in run["results"])
        if judged and {each["family"] for each in json.loads(path.read_bytes())["candidates"]} == families:
            return float(sum(taken.values()) - taken.get("adapter", 0.0))
    return None


def blocking_stage(home: Home, cycle: Cycle) -> RatchetError | None:
    """Return the error that stopped a cycle's newest run: of its check (`BlockedError`) or its stage, or None."""
    for stage in (read_run(home, cycle) or {"results": []})["results"]:
        if stage["status"] == "blocked":
            return BlockedError(
                f"{cycle.classifier} {cycle.week} was blocked by {stage['unique_id']}: {stage['message']}",
                "Fix the data, the labels or the limit that it names, then run the cycle again.",
                code="blocked",
                details={"check": stage["unique_id"]},
            )
        if stage["status"] == "error":
            return RatchetError(
                f"{cycle.classifier} {cycle.week} stopped at {stage['unique_id']}: {stage['message']}",
                f"Run 'ratchet cycle {cycle.classifier} --week {cycle.week}' again.",
                code="stage_failed",
                details={"stage": stage["unique_id"]},
            )
    return None
