"""Whatever lies in a landing folder: a rollback is still decided, a cycle still starts, and no other waits for it."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.feedback import new_feedback_sensor
from orchestration.promotion import promotion_sensor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts, write_pairs
from ratchet.workflows.rollout.advance import weigh
from ratchet.workflows.rollout.reconcile import record

A, B = "a" * 64, "b" * 64
WEEK = date(2026, 1, 5)
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
NAMES = ("other", "small")
SETTINGS = "[window]\nearly_after_corrections = 150\n[promotion]\nmin_labels = 20\nmin_requests = 50\n"


def nested(small: SmallClassifier) -> None:
    """200 structs in each other, in both folders."""
    kind, value = pa.int32(), 1
    for _ in range(200):
        kind, value = pa.struct([("a", kind)]), {"a": value}
    for landing in ("production_logs", "corrections"):
        pq.write_table(
            pa.table({"deep": pa.array([value], kind)}), small.home.landing(small.name, landing) / "a.parquet"
        )


def wide(small: SmallClassifier) -> None:
    """2,000 columns."""
    pq.write_table(
        pa.table({f"c{n}": [n] for n in range(2000)}),
        small.home.landing(small.name, "production_logs") / "a.parquet",
    )


def truncated(small: SmallClassifier) -> None:
    """Half a Parquet file."""
    (small.home.landing(small.name, "corrections") / "a.parquet").write_bytes(b"PAR1" + b"x" * 100)


def manifest(small: SmallClassifier) -> None:
    """The list of landed files is damaged."""
    small.home.manifest(small.name).write_text("{\n{\n")


def specification(small: SmallClassifier) -> None:
    """A typo in classifier.toml."""
    small.home.spec(small.name).write_text("[")


def pipe(small: SmallClassifier) -> None:
    """A thing that is not a file."""
    os.mkfifo(small.home.landing(small.name, "corrections") / "a.jsonl")


BAD: dict[str, Callable[[SmallClassifier], None]] = {
    "nested": nested, "wide": wide, "truncated": truncated, "manifest": manifest, "specification": specification,
    "pipe": pipe,
}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two classifiers, in both of which half of the users get an adapter that is wrong on every request."""
    home = Home(tmp_path / "home")
    for name in NAMES:
        small = SmallClassifier(home, name, requests=120)
        small.write(
            settings="[window]\nearly_after_corrections = 150\n[promotion]\nmin_labels = 20\nmin_requests = 50\n"
        )
        small.write_week(WEEK)
        for action, adapter, percent in (("promote", A, 0), ("shadow", B, 0), ("step", B, 25)):
            receipts = {} if percent else keep_receipts(home, name, str(WEEK), adapter)
            record(home, name, action=action, adapter=adapter, percent=percent, receipts=receipts, **SAID)
        labels = list(WORDS)
        rows = [(f"{WEEK}-{n:04d}", labels[n % 3], labels[(n + 1) % 3]) for n in range(120)]
        write_pairs(home, name, (A, B), 3, rows)
        weigh(home, name)  # what landed before is in the warehouse
    return home


def requested(result: object) -> set[str]:
    """The classifiers for which a sensor asks for a run."""
    assert isinstance(result, dg.SensorResult)
    return {request.tags["ratchet/classifier"] for request in result.run_requests or []}


@pytest.mark.parametrize("case", BAD)
def test_a_rollback_is_decided_whatever_lies_in_a_landing_folder(
    home: Home, instance: dg.DagsterInstance, case: str
) -> None:
    """By the sensor for both classifiers, and by `ratchet advance`; the remark names what was not loaded."""
    BAD[case](SmallClassifier(home, "other"))
    with dg.build_sensor_context(instance=instance) as context:
        assert requested(promotion_sensor(context, home=home)) == set(NAMES)
    weighed = weigh(home, "other")
    assert weighed.decision.action == "rollback"
    if case == "specification":
        assert "New rows were not loaded" in weighed.decision.sentence


@pytest.mark.parametrize("case", [case for case in BAD if case != "specification"])
def test_a_cycle_starts_whatever_lies_in_a_landing_folder(home: Home, instance: dg.DagsterInstance, case: str) -> None:
    """Corrections that were loaded are enough for both."""
    BAD[case](SmallClassifier(home, "other"))
    with dg.build_sensor_context(instance=instance) as context:
        result = new_feedback_sensor(context, home=home, specs=Specs(home), receipts=Receipts(home))
    assert requested(result) == set(NAMES)


def test_a_sensor_finishes_a_move_where_nothing_is_compared_any_more(home: Home, instance: dg.DagsterInstance) -> None:
    """A rollback that was killed between ledger and flag ends the comparison; the next tick writes its flag."""
    Ledger(home).append("small", action="rollback", adapter=A, previous_adapter=B, receipts={}, **SAID)
    assert Flags(home).read().rollouts["small"].candidate == B
    with dg.build_sensor_context(instance=instance) as context:
        promotion_sensor(context, home=home)
    assert Flags(home).read().rollouts["small"].candidate is None
