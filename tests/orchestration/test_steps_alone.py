"""Steps that a user of the UI executes alone, on a cycle that passed: what follows is void, and the reason names it."""

import shutil
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from orchestration.cli.progress import StageProgress
from orchestration.cli.run_cycle import run_cycle
from orchestration.cli.session import Session
from orchestration.definitions import build_definitions
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError
from ratchet.gates.registry import STAGES
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_public
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, write_lines
from ratchet.workflows.rollout.nominate import nominate, shadow
from ratchet.workflows.rollout.shadow import find_entrant

WEEK = date(2026, 1, 12)
pytestmark = [
    pytest.mark.xdist_group("rollouts"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*(run_id is deprecated|is currently in preview)"),
]


def relabel(home: Home) -> None:
    """Both annotators correct themselves on every fifth request, wrongly and alike; a sensor's intake takes it in."""
    words = list(WORDS)
    rows = [
        {
            "request_id": f"{WEEK}-{number:04d}", "ts": f"{WEEK + timedelta(days=8)}T10:00:00+00:00",
            "annotator": annotator, "label": words[(number + 1) % 3], "saw_prediction": False,
        }
        for number in range(0, 90, 5) for annotator in ("ann_a", "ann_b")
    ]  # fmt: skip
    write_lines(home.landing("small", "corrections") / "later.jsonl", rows)
    Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])


def change_golden(home: Home) -> None:
    """Replace an item by another one: as many as before."""
    lines = home.golden("small").read_text().splitlines(keepends=True)
    home.golden("small").write_text("".join(['{"text": "a new one, of refunds", "label": "amber"}\n', *lines[1:]]))


def change_policy(home: Home) -> None:
    """Another limit."""
    path = home.spec("small")
    path.write_text(path.read_text().replace("[promotion]", "[limits]\nmin_agreement = 0.91\n\n[promotion]"))


def nothing(home: Home) -> None:
    """Change nothing."""


MADE = ("production_logs", "corrected_labels", "training_set", "adapter", "calibration_temperature", "eval_report")
Change = Callable[[Home], None]
CASES: dict[str, tuple[Change, tuple[str, ...], str]] = {
    "labels, after new corrections": (relabel, ("corrected_labels",), "corrected_labels ran again after training_set"),
    "labels and examples, after new corrections": (
        relabel, ("corrected_labels", "training_set"), "its receipts judged different training sets",
    ),
    "examples, after new corrections": (relabel, ("training_set",), ""),
    "labels, after nothing": (nothing, ("corrected_labels",), ""),
    "labels and examples, after nothing": (nothing, ("corrected_labels", "training_set"), ""),
    "the first step": (nothing, ("production_logs",), "the newest candidate of small is live already"),
    "all data, after new corrections": (relabel, MADE[:3], "the newest candidate of small is live already"),
    "the calibration": (nothing, ("calibration_temperature",), ""),
}  # fmt: skip


def run_steps(
    home: Home, instance: dg.DagsterInstance, week: date, steps: tuple[str, ...]
) -> dg.ExecuteInProcessResult:
    """Execute steps of a week with their checks, as the UI does."""
    instance.add_dynamic_partitions("classifiers", ["small"])
    job = build_definitions(str(home.root)).resolve_job_def("weekly_cycle")
    return job.execute_in_process(
        instance=instance,
        partition_key=dg.MultiPartitionKey({"classifier": "small", "week": str(week)}),
        asset_selection=[dg.AssetKey(step) for step in steps],
        raise_on_error=False,
    )


@pytest.mark.parametrize("case", CASES)
def test_a_step_that_runs_alone_voids_what_follows(case: str, passed: Home, tmp_path: Path) -> None:
    """With its checks, as the UI runs it; the same content made again voids nothing."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    assert nominate(home, "small").cycle == Cycle("small", WEEK)
    change, steps, says = CASES[case]
    change(home)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_steps(home, instance, WEEK, steps)
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events() if event.asset_key}
    assert made == set(steps)
    if not says:
        assert nominate(home, "small").cycle == Cycle("small", WEEK)
        return
    with pytest.raises(BlockedError, match=says):
        nominate(home, "small")
    assert find_entrant(home, "small").cycle is None


@pytest.mark.parametrize(
    ("change", "file", "step"),
    [
        (change_golden, "golden.jsonl", "training_set"),
        (change_golden, "golden.jsonl", "eval_report"),
        (change_policy, "classifier.toml", "corrected_labels"),
        (change_policy, "classifier.toml", "calibration_temperature"),
    ],
)
def test_a_step_by_another_golden_set_or_policy_does_not_begin(
    change: Change, file: str, step: str, passed: Home, tmp_path: Path
) -> None:
    """It says in one sentence which file changed, and makes nothing; changed back, the candidate is as before."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    changed = {path: path.read_bytes() for path in (home.golden("small"), home.spec("small"))}
    change(home)
    with dg.DagsterInstance.ephemeral() as instance:
        result = run_steps(home, instance, WEEK, (step,))
    assert not result.get_asset_materialization_events()
    (failure,) = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    assert failure is not None
    assert failure.cause is not None
    assert f"{file} changed while the cycle of {WEEK} ran, so it stops before {step}." in failure.cause.message
    with pytest.raises(BlockedError, match=f"{file} changed since its cycle ran"):
        nominate(home, "small")
    for path, content in changed.items():
        path.write_bytes(content)
    assert nominate(home, "small").cycle == Cycle("small", WEEK)


def test_age_bars_entering_alone_and_a_description_nothing(passed: Home, tmp_path: Path) -> None:
    """Of a cycle that ran: after thirty days its candidate may not enter, one that has entered goes on; what no gate
    reads may change, and rows may come, before and after."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    path = home.spec("small")
    path.write_text(
        f'description = "another one"\n{path.read_text().replace("dwell_minutes = 30", "dwell_minutes = 31")}'
    )
    relabel(home)
    nominee = nominate(home, "small")
    later = datetime.now(UTC) + timedelta(days=31)
    with pytest.raises(
        BlockedError, match=r"is 31 days old, and receipts count for 30 days \(\[receipts\] max_age_days"
    ):
        nominate(home, "small", now=later)
    entry = shadow(home, nominee)
    assert entry.gate_key == gate_public(home)
    assert nominate(home, "small", nominee.adapter, now=later).adapter == nominee.adapter


class ChangingProgress(StageProgress):
    """Progress of a cycle that changes a file of its home as soon as a stage has ended."""

    def __init__(self, session: Session, stage: str, change: Callable[[], None]) -> None:
        super().__init__(session, sys.stderr)
        self._place, self._change = stage, change

    def end(self, stage: str, word: str, detail: str = "") -> None:
        """Change the file after the stage, before the next one begins."""
        if stage == self._place:
            self._change()
        super().end(stage, word, detail)


@pytest.mark.parametrize(
    ("change", "file", "place"),
    [
        (change_golden, "golden.jsonl", "production_logs"),
        (change_policy, "classifier.toml", "production_logs"),
        pytest.param(change_golden, "golden.jsonl", "adapter", marks=pytest.mark.faults),
        pytest.param(change_policy, "classifier.toml", "adapter", marks=pytest.mark.faults),
        pytest.param(change_golden, "golden.jsonl", "eval_report", marks=pytest.mark.faults),
        pytest.param(change_policy, "classifier.toml", "eval_report", marks=pytest.mark.faults),
    ],
)
def test_a_cycle_by_hand_stops_at_the_step_after_a_change(
    change: Change, file: str, place: str, passed: Home, tmp_path: Path
) -> None:
    """No further stage runs, the error is one sentence with the command that repeats the week"""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    cycle = Cycle("small", WEEK)
    with ChangingProgress(Session(home, quiet=True), place, lambda: change(home)) as progress:
        outcome = run_cycle(cycle, home, progress)
    assert outcome.error is not None
    stopped = [stage.unique_id for stage in outcome.stages if stage.status == "error"]
    assert outcome.error.message in {
        f"{file} changed while the cycle of {WEEK} ran, so it stops before {stage}." for stage in stopped
    }
    assert outcome.error.hint == f"Run it again from its first step: ratchet cycle small --week {WEEK}."
    passing = [stage.unique_id for stage in outcome.stages if stage.status == "pass"]
    assert passing == list(STAGES[: STAGES.index(place) + 1])
    assert find_entrant(home, "small").cycle is None


@pytest.mark.faults
def test_labels_made_alone_and_then_all_that_trains_do_not_enter(passed: Home, tmp_path: Path) -> None:
    """New corrections after the gates: labels without their checks, then everything after them, trained and checked."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    relabel(home)
    job = build_definitions(str(home.root)).resolve_job_def("weekly_cycle")
    skipped = {"production_logs", "corrected_labels_row_quality", "corrected_labels_label_agreement"}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("classifiers", ["small"])
        key = dg.MultiPartitionKey({"classifier": "small", "week": str(WEEK)})
        steps = [node.name for node in job.nodes if node.name not in skipped]
        assert job.execute_in_process(instance=instance, partition_key=key, op_selection=steps).success
    with pytest.raises(BlockedError, match="corrected_labels ran again after row_quality, which judged other labels"):
        nominate(home, "small")


def test_an_old_week_that_runs_again_changes_nothing_of_a_newer_one(passed: Home, tmp_path: Path) -> None:
    """After late corrections: receipts, report and tables of the newer week are byte for byte as they were, live and
    its kept receipts too, and the newer candidate is still next."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    relabel(home)

    def newer() -> dict[Path, bytes]:
        folder = home.classifier("small")
        names = [*folder.rglob(f"{WEEK}/*"), *folder.rglob(f"{WEEK}.parquet"), *home.kept_receipts("small").glob("*")]
        return {path: path.read_bytes() for path in (*names, home.ledger("small"), home.flags) if path.is_file()}

    before = newer()
    assert len(before) > 20
    with dg.DagsterInstance.ephemeral() as instance:
        run_steps(home, instance, WEEK - timedelta(days=7), MADE[:3])
    assert newer() == before
    entrant = find_entrant(home, "small").cycle
    assert entrant is not None
    assert entrant.week == str(WEEK)
