"""A rollback is asked for until it is done: after runs that changed nothing, that failed, and without a warehouse."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.job_resources import configure
from orchestration.promotion import PromotionConfig, promotion, promotion_sensor
from orchestration.promotion_attempts import next_attempt
from orchestration.run_attempts import CODE_TAG, GivenUp, code_version
from orchestration.sensor_requests import ask_each
from orchestration.shadow_deployment import shadow_deployment_sensor
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts, write_pairs
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.rollout.advance import weigh
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.status import describe_classifier

pytestmark = pytest.mark.slow  # real steps of a cycle, or one process after another

A, B = "a" * 64, "b" * 64
WEEK = date(2026, 1, 5)
SAID = {"actor": "test", "why": "test", "week": "2026-01-05"}
NAMES = ("other", "small")
KEY = "small:head:rollback:0"
FAILED, CANCELED, SUCCESS = (
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
    dg.DagsterRunStatus.SUCCESS,
)
HOLDER = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two classifiers, in both of which a quarter of the users get an adapter that fails on every request."""
    home = Home(tmp_path / "home")
    said = {**SAID, "ts": datetime.now(UTC).isoformat()}  # before the deadline of the comparison
    for name in NAMES:
        small = SmallClassifier(home, name, requests=60)
        small.write(settings="[promotion]\nmin_labels = 20\nmin_requests = 50\n")
        small.write_week(WEEK)
        for action, adapter, percent in (("promote", A, 0), ("shadow", B, 0), ("step", B, 25)):
            receipts = {} if percent else keep_receipts(home, name, str(WEEK), adapter)
            record(home, name, action=action, adapter=adapter, percent=percent, receipts=receipts, **said)
        labels = list(WORDS)
        rows = [(f"{WEEK}-{n:04d}", labels[n % 3], labels[(n + 1) % 3]) for n in range(60)]
        write_pairs(home, name, (A, B), 3, rows, error="out of memory")
        weigh(home, name)  # what landed before is in the warehouse
    return home


def tick(home: Home, instance: dg.DagsterInstance) -> dict[str, dg.RunRequest]:
    """The requests of one tick, by classifier."""
    with dg.build_sensor_context(instance=instance) as context:
        result = promotion_sensor(context, home=home)
    assert isinstance(result, dg.SensorResult)
    return {request.tags["ratchet/classifier"]: request for request in result.run_requests or []}


def end_run(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, decision: str = KEY, code: str | None = None
) -> None:
    """A run of a decision that has ended so, by the code that runs now or another."""
    config = configure(Home(Path("home")), weigh_and_move=PromotionConfig(classifier="small"))
    run = instance.create_run_for_job(
        promotion,
        run_config=config.to_config_dict(),
        tags={"ratchet/decision": decision, CODE_TAG: code or code_version()},
        status=dg.DagsterRunStatus.STARTED,
    )
    if status is FAILED:
        instance.report_run_failed(run)
    elif status is CANCELED:
        instance.report_run_canceled(run)
    else:
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, promotion.name)
        instance.report_dagster_event(event, run.run_id)


def test_a_rollback_is_asked_for_again_after_a_run_that_found_none(home: Home, instance: dg.DagsterInstance) -> None:
    """The evidence was missing while the run weighed; with it, the next run has another key, and rolls back."""
    pairs, aside = home.pairs("small"), home.root / "aside"
    first = tick(home, instance)["small"]
    shutil.move(pairs, aside)
    assert promotion.execute_in_process(instance=instance, run_config=first.run_config, tags=first.tags).success
    assert Ledger(home).state("small").challenger == B
    shutil.move(aside, pairs)
    second = tick(home, instance)["small"]
    assert (str(first.run_key)[-10:], str(second.run_key)[-10:]) == (":attempt-1", ":attempt-2")
    assert tick(home, instance)["small"].run_key == second.run_key, "a doubled tick names the same run"
    assert promotion.execute_in_process(instance=instance, run_config=second.run_config, tags=second.tags).success
    assert Ledger(home).state("small").challenger is None


@pytest.mark.parametrize(
    ("ended", "action", "later_s", "expected"),
    [
        ((), "rollback", 0, 1),
        ((SUCCESS,), "rollback", 0, 2),
        ((CANCELED, CANCELED, CANCELED), "rollback", 0, 4),
        ((FAILED, FAILED), "step", 0, 3),
        ((FAILED, FAILED, FAILED), "step", 3600, "failed 3 times"),
        ((FAILED, FAILED, FAILED), "rollback", 0, "tried again every 10 minutes"),
        ((FAILED, FAILED, FAILED), "rollback", 601, 4),
        ((FAILED, FAILED, FAILED), "reject", 601, 4),
        ((FAILED, FAILED, FAILED), "rollback", -86400, 4),
        ((FAILED, FAILED, FAILED), "step", 86401, 4),
        ((FAILED, FAILED, FAILED), "step", -86401, 4),
        ((FAILED, FAILED, FAILED), "hold", 3600, "failed 3 times"),
        ((SUCCESS,), "hold", 0, 1),
    ],
)
def test_no_key_is_used_twice_and_a_rollback_is_never_given_up(
    instance: dg.DagsterInstance,
    ended: tuple[dg.DagsterRunStatus, ...],
    action: str,
    later_s: float,
    expected: int | str,
) -> None:
    """Whatever became of earlier runs, also where the clock was set back; a step that failed thrice is given up for a
    day."""
    for status in ended:
        end_run(instance, status)
    found = next_attempt(instance, KEY, action, time.time() + later_s)
    assert found == expected if isinstance(expected, int) else expected in str(found)


def test_a_step_that_was_given_up_is_tried_again_by_new_code_and_said_meanwhile(
    home: Home, instance: dg.DagsterInstance
) -> None:
    """Status and doctor show what is given up, until the sensor asks again."""
    for _ in range(3):
        end_run(instance, FAILED, code="an older version")
    assert next_attempt(instance, KEY, "step", time.time()) == 4
    for _ in range(3):
        end_run(instance, FAILED)
    found = next_attempt(instance, KEY, "step", time.time())
    assert isinstance(found, GivenUp)
    for answer, shown in ((found, 1), ("nothing moves", 0)):
        ask_each(home, ["small"], lambda name, answer=answer: answer, "promotion")  # type: ignore[misc]
        row = describe_classifier(home, "small", datetime.now(UTC))
        assert [(what, "failed 3 times" in reason) for what, reason in row["given_up"].items()] == [
            ("promotion", True)
        ][:shown]
        doctor = [each for each in examine_classifiers(home, {}) if each.what == "promotion of small"]
        assert [each.state for each in doctor] == ["warn"][:shown]


def test_old_failures_of_a_rebuild_do_not_count_after_a_success(home: Home, instance: dg.DagsterInstance) -> None:
    """Three failures in a row stop the requests; three since ever do not."""
    shutil.rmtree(home.pairs("small"))
    home.warehouse("small").unlink()
    for status in (FAILED, FAILED, SUCCESS, FAILED):
        end_run(instance, status, "small:rebuild")
    assert str(tick(home, instance)["small"].run_key) == "small:rebuild:5"
    for _ in range(2):
        end_run(instance, FAILED, "small:rebuild")
    assert "small" not in tick(home, instance)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Somebody has the warehouse open in a DuckDB shell."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.kill()


@contextmanager
def folder(path: Path) -> Iterator[None]:
    """A folder lies where the warehouse was."""
    path.unlink()
    path.mkdir()
    yield


@contextmanager
def quarantine_folder(path: Path) -> Iterator[None]:
    """The quarantine cannot be read, for a reason of the operating system."""
    Home(path.parent.parent).quarantine(path.parent.name).mkdir()
    yield


UNUSABLE: dict[str, Callable[[Path], object]] = {"held": held, "folder": folder, "quarantine": quarantine_folder}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_rollback_waits_for_no_warehouse(home: Home, instance: dg.DagsterInstance, case: str) -> None:
    """One that another process holds, or that cannot be opened: both classifiers are rolled back, by tick and run."""
    started = time.monotonic()
    with UNUSABLE[case](home.warehouse("other")):  # type: ignore[attr-defined]
        found = tick(home, instance)
        assert set(found) == set(NAMES)
        assert ":rollback:" in str(found["other"].run_key)
        request = found["other"]
        assert promotion.execute_in_process(instance=instance, run_config=request.run_config, tags=request.tags).success
    assert Ledger(home).state("other").challenger is None
    assert time.monotonic() - started < 30, "a tick of Dagster's daemon ends after a minute"


def test_a_rollout_without_a_warehouse_holds_and_says_why(home: Home, instance: dg.DagsterInstance) -> None:
    """Where no guardrail is broken without labels, nothing moves until the warehouse can be used."""
    shutil.rmtree(home.pairs("other"))
    rows = [(f"{WEEK}-{n:04d}", list(WORDS)[n % 3], list(WORDS)[n % 3]) for n in range(60)]
    write_pairs(home, "other", (A, B), 3, rows)
    with held(home.warehouse("other")):
        assert set(tick(home, instance)) == {"small"}
        found = weigh(home, "other", may_rebuild=False)
    assert "corrections cannot be counted now" in found.decision.sentence
    assert "is held by process" in found.decision.sentence


@pytest.mark.parametrize("content", [b"[]", None])
def test_a_broken_file_of_one_classifier_leaves_the_others_their_shadows(
    home: Home, instance: dg.DagsterInstance, content: bytes | None
) -> None:
    """Notes of a cycle that are damaged, or a folder: the tick names it, and goes on with the next classifier."""
    notes = home.receipts(Cycle("other", WEEK)) / "cycle.json"
    notes.parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        notes.mkdir()
    else:
        notes.write_bytes(content)
    with dg.build_sensor_context(instance=instance) as context:
        result = shadow_deployment_sensor(context, home=home)
    assert isinstance(result, dg.SensorResult)
    said = str(result.skip_reason)
    assert "cycle.json" in said
    assert "small: bbbbbbbbbbbb is being compared" in said


def test_no_rollback_is_entered_to_an_adapter_that_is_damaged(home: Home, instance: dg.DagsterInstance) -> None:
    """Live fails, and the one before it is gone: the run fails with what can be done, and nobody loses an answer."""
    said = {**SAID, "ts": datetime.now(UTC).isoformat()}
    record(home, "small", action="promote", adapter=B, receipts={}, **said)
    rows = [(f"{WEEK}-{n:04d}", list(WORDS)[n % 3], list(WORDS)[n % 3]) for n in range(60)]
    write_pairs(home, "small", (A, B), 4, rows, error="out of memory")
    request = tick(home, instance)["small"]
    assert ":rollback:" in str(request.run_key)
    with pytest.raises(RatchetError, match=f"no earlier adapter to return to. Passed over as damaged: {A[:12]}"):
        promotion.execute_in_process(instance=instance, run_config=request.run_config, tags=request.tags)
    assert Ledger(home).state("small").live == B
