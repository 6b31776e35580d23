"""A home with a year of weeks: reports, runs, receipts, ledger and traffic as cycles leave them, without training.

`python -m ratchet.testing.year_of_weeks HOME` writes one, to look at what shows weeks side by side. Add here another
thing that a week leaves behind; one cycle's real files are in `homes.py` and in the tests that run one.
"""

import argparse
import copy
import random
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.core.files import write_json
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import STAGES
from ratchet.storage.gate_history import GateHistory
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.reports import Reports, StageResult
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.report_example import make_example

FIRST = date(2025, 1, 6)


def write_year(
    home: Home, name: str = "small", *, weeks: int = 52, labels: int = 30, first: date = FIRST
) -> list[date]:
    """Write a classifier with `weeks` weeks of `labels` labels; return their Mondays.

    Every seventh week is blocked by label_agreement, every eleventh by golden_set_regression; every fifth that passed
    is promoted, every second of these rolled back.
    """
    names = tuple(f"label_{number:02d}" for number in range(labels))
    home.classifier(name).mkdir(parents=True)
    listed = "".join(f'[[label]]\nname = "{label}"\n\n' for label in names)
    home.spec(name).write_text(f'{listed}[[candidate]]\nmethod = "probe"\n')
    bases = [make_example(names, seed=seed, n=300) for seed in (1, 2)]
    mondays = [first + timedelta(weeks=number) for number in range(weeks)]
    for number, monday in enumerate(mondays):
        gate = "label_agreement" if number % 7 == 6 else "golden_set_regression" if number % 11 == 10 else ""
        adapter = write_past_week(home, Cycle(name, monday), bases[number % 2], number, blocked_by=gate)
        if number % 5 or gate:
            continue
        promote_past(home, Cycle(name, monday), adapter)
        if number and number % 2 == 0:
            roll_back_past(home, Cycle(name, monday), adapter)
    return mondays


def write_past_week(
    home: Home, cycle: Cycle, base: dict[str, Any], number: int, *, blocked_by: str = "", seconds: float = 40.0
) -> str:
    """Write the files of one cycle, stopped by a gate where one is named; return its candidate, '' without one."""
    draw = random.Random(number)  # noqa: S311 - test data, guards nothing
    ends, receipts = cycle.end + timedelta(hours=7), Receipts(home)
    adapter = digest_json([cycle.classifier, str(cycle.week)])
    agreement = 0.71 if blocked_by == "label_agreement" else round(draw.uniform(0.91, 0.99), 4)
    measured = {"doubles": 120, "agreement": agreement, "agreement_ci": [agreement - 0.05, min(1.0, agreement + 0.04)]}
    measured |= {"alpha": agreement - 0.03, "alpha_ci": [agreement - 0.09, min(1.0, agreement + 0.02)]}
    requests = 900 + 37 * number % 400
    traffic = {
        "requests": requests, "mean_confidence": round(draw.uniform(0.8, 0.9), 4), "price_per_hour": 0.1,
        "below_threshold": round(draw.uniform(0.02, 0.2), 4), "confidence_drift": round(draw.uniform(0.01, 0.1), 4),
        "reviewed": 100 + number, "waiting": draw.randrange(60),
    }  # fmt: skip
    receipts.note(cycle, traffic=traffic, agreement=measured, labels={"corrections": 2 * requests // 7})
    stages = STAGES[: STAGES.index(blocked_by) + 1] if blocked_by else STAGES
    reasons = {
        "label_agreement": f"Fails: annotators agree on {agreement:.1%} of 120 doubly labelled requests, by pairs"
        " (limit 90%, upper end of the 99 % interval 80.1%); Krippendorff's alpha 0.680.",
        "golden_set_regression": "Fails: of 231 golden items 24 that live gets right are lost and 2 gained.",
    }
    for gate, evidence in (
        ("label_agreement", {**measured, "limits": {"min_agreement": 0.9, "min_doubles": 20}}),
        ("label_distribution", {"distance": round(draw.uniform(0.01, 0.12), 4), "excess": 0.01, "limit": 0.1}),
        ("golden_set_regression", {"n": 231, "lost": []}),
    ):
        if gate not in stages:
            continue
        failed = gate == blocked_by
        verdict = Verdict("failed" if failed else "passed", reasons.get(gate, "Passes.") if failed else "Passes.",
                          evidence)  # fmt: skip
        GateHistory(home).append(receipts.write(cycle, gate, verdict, {"rows": "0" * 64}, now=ends), ends)
    if "eval_report" in stages:
        receipts.note(cycle, adapter=adapter)
        write_json(home.report(cycle) / "eval_report.json", shift_report(base, cycle, adapter, draw))
    results = [
        StageResult(stage, "blocked" if stage == blocked_by else "pass", round(seconds / len(STAGES), 3),
                    reasons.get(stage, "") if stage == blocked_by else "")
        if stage in stages else StageResult(stage, "skipped", 0.0, "not reached")
        for stage in STAGES
    ]  # fmt: skip
    Reports(home).record(cycle, results, f"run-{number:04d}", now=ends)
    return adapter if "eval_report" in stages else ""


def shift_report(base: dict[str, Any], cycle: Cycle, adapter: str, draw: random.Random) -> dict[str, Any]:
    """Return the report of another week: `base` with other figures, no two weeks alike."""
    report = copy.deepcopy(base)
    report |= {"classifier": cycle.classifier, "week": str(cycle.week), "adapter": adapter}
    for models in ("metrics", "live_metrics"):
        for split in ("test", "golden"):
            figures, move = report[models][split], draw.uniform(-0.03, 0.03)
            figures["macro_f1"] += move
            figures["macro_f1_ci"] = [end + move for end in figures["macro_f1_ci"]]
            figures["ece"], figures["nll"] = draw.uniform(0.01, 0.06), draw.uniform(0.3, 0.6)
            for label in figures["per_class"].values():
                label["f1"] = min(1.0, max(0.0, label["f1"] + draw.uniform(-0.05, 0.05)))
    return report


def promote_past(home: Home, cycle: Cycle, adapter: str, *, hours: int = 9, by: str = "test", **receipts: str) -> None:
    """Promote the adapter of a past week in the ledger; one that was rolled back needs other `receipts` than before."""
    Ledger(home).append(
        cycle.classifier,
        action="promote",
        adapter=adapter,
        week=str(cycle.week),
        actor=by,
        receipts=receipts,
        why=f"week {cycle.week} is better",
        ts=_after(cycle, hours),
    )


def roll_back_past(home: Home, cycle: Cycle, adapter: str, *, hours: int = 20, to: Sequence[str] = ()) -> None:
    """Roll the adapter of a past week back to the one that was live before it."""
    state = Ledger(home).state(cycle.classifier)
    refuge = next(iter(to), None) or state.refuge
    assert refuge is not None  # noqa: S101 - whoever plays this has promoted two
    Ledger(home).append(
        cycle.classifier,
        action="rollback",
        adapter=refuge,
        previous_adapter=adapter,
        week=str(cycle.week),
        actor="test",
        receipts={},
        why="users complained",
        ts=_after(cycle, hours),
    )


def _after(cycle: Cycle, hours: int) -> str:
    at: datetime = cycle.end + timedelta(hours=hours)
    return at.astimezone(UTC).isoformat(timespec="seconds")


def main() -> int:
    """Write the year into a new home; return the exit code."""
    parser = argparse.ArgumentParser(description="Write a home with a year of weeks, without training.")
    parser.add_argument("home", type=Path)
    parser.add_argument("--name", default="tickets")
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--labels", type=int, default=30)
    options = parser.parse_args()
    write_year(Home(options.home), options.name, weeks=options.weeks, labels=options.labels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
