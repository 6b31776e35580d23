"""Segments say by their name what they hold: damage on the disk is seen before a row of it is believed."""

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.records import KINDS, Terms
from ratchet.ingest import loader as loading
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import RowSchema, is_intact, is_sealed, publish_segment

SPEC = Spec("tickets", (Label("refund"), Label("other")))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
COLUMNS = {column.name: column.sql for column in KINDS["production_logs"].columns}


def log(number: int) -> dict[str, object]:
    """A row of the log as a gateway lands it; its time is written as a client might write it."""
    row = {
        "request_id": f"r{number}",
        "ts": f"2026-02-0{1 + number % 9}T10:00:00Z",
        "text": f"where is {number}",
        "label": "other",
    }
    return {
        **dict.fromkeys(COLUMNS),
        **row,
        "confidence": 1,
        "adapter": "a" * 64,
        "latency_ms": 2.5,
        "saw_prediction": False,
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a classifier's landing folder."""
    found = Home(tmp_path / "home")
    found.landing("tickets", "production_logs").mkdir(parents=True)
    return found


def seal(home: Home, first: int) -> Path:
    """Nine rows as a gateway seals them."""
    return publish_segment(
        home.landing("tickets", "production_logs"), RowSchema("logs", COLUMNS), [log(first + n) for n in range(9)]
    )


def turn(path: Path, place: int, bit: int) -> None:
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1 << bit
    path.write_bytes(content)


def test_every_turned_bit_and_every_cut_is_seen(home: Home) -> None:
    """F08: 2,000 places, drawn by a seed; the sound file is sound, and one of another name promises nothing."""
    segment, draw = seal(home, 0), random.Random(3)  # noqa: S311 - test data, guards nothing
    sound = segment.read_bytes()
    assert is_sealed(segment.name)
    assert is_intact(segment)
    for _ in range(2000):
        place, bit = draw.randrange(len(sound)), draw.randrange(8)
        turn(segment, place, bit)
        assert not is_intact(segment), (place, bit)
        segment.write_bytes(sound)
    for length in range(len(sound)):
        segment.write_bytes(sound[:length])
        assert not is_intact(segment), length
    assert not is_sealed("export.parquet")
    assert not is_intact(segment.with_name("gone"))


def test_a_damaged_segment_is_set_aside_and_the_others_are_taken(home: Home) -> None:
    """F08: no row of it is believed; the report says why, and the file stays where it is."""
    segment = seal(home, 0)
    other = seal(home, 100)
    turn(segment, len(segment.read_bytes()) // 2, 3)
    intakes = Landing(home, open_warehouse(home, "tickets")).take(SPEC, now=NOW)
    assert {intake.file: (intake.accepted, intake.rejected) for intake in intakes} == {
        segment.name: (0, 1),
        other.name: (9, 0),
    }
    (report,) = home.rejected("tickets").glob("*.jsonl")
    assert "was damaged on disk" in report.read_text()
    assert segment.exists()


def test_a_landing_that_believes_damaged_segments_is_caught(
    home: Home, tmp_path: Path, plant: Callable[..., ModuleType]
) -> None:
    """The planted bug takes a row whose label was changed on the disk; the real one takes none."""
    mutant = plant(loading, "if is_sealed(path.name) and not is_intact(path, content.sha256):", "if False:")
    segment = seal(home, 0)
    table = pq.read_table(segment)
    labels = pa.array(["refund"] * len(table))
    pq.write_table(table.set_column(table.schema.get_field_index("label"), "label", labels), segment)
    for loader, accepted in ((mutant.Loader, 9), (loading.Loader, 0)):
        own = Home(Path(shutil.copytree(home.root / "tickets", tmp_path / f"{accepted}" / "tickets")).parent)
        with open_warehouse(own, "tickets").connect() as connection:
            found = loader.of(connection, own, "tickets").load_new("production_logs", Terms.of(SPEC, NOW))
        assert [intake.accepted for intake in found] == [accepted]
