"""What people say is stored once: a repeat is no second row, a contradiction is kept aside, and a restart forgets
neither."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

import gateway.feedback_log
from gateway.row_log import CONFLICTS, CORRECTIONS, FEEDBACK, RowLog
from gateway.submission_caps import SubmissionCaps
from ratchet.storage.home import Home

Row = dict[str, Any]


def feedback(request_id: str, verdict: str = "wrong", source: str = "user", second: int = 0) -> Row:
    """A user's word."""
    return {
        "request_id": request_id,
        "ts": f"2026-01-05T10:00:{second:02}+00:00",
        "verdict": verdict,
        "label": None,
        "source": source,
    }


def correction(request_id: str, label: str = "green", second: int = 0) -> Row:
    """An annotator's label."""
    ts = f"2026-01-05T10:00:{second:02}+00:00"
    row = {"request_id": request_id, "ts": ts, "label": label, "annotator": "ann_a", "saw_prediction": False}
    return {**row, "answer": None}


def tell(module: Any, home: Home, kind: str, rows: list[tuple[Row, bool]], *, together: bool = False) -> list[str]:
    """What became of each row, told one after the other or all at once, by a process that begins and ends here."""
    landing = RowLog(home)
    words = module.FeedbackLog(landing, caps=SubmissionCaps(feedback_at_least=10_000))

    async def one(row: Row, timed: bool) -> str:
        try:
            await words.store("small", kind, row, timed=timed)
        except module.ContradictionError:
            return "contradiction"
        except OSError:
            return "disk"
        return "stored"

    async def run() -> list[str]:
        if together:
            return list(await asyncio.gather(*(one(row, timed) for row, timed in rows)))
        return [await one(row, timed) for row, timed in rows]

    found = asyncio.run(run())
    landing.close()
    return found


def landed(home: Home, kind: str) -> list[Row]:
    """Every row that was sealed."""
    folder = RowLog(home).target("small", kind)
    return [row for path in sorted(folder.glob("gateway-*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path / "home")


def count_after_restart(module: Any, home: Home) -> int:
    """Rows after the same hundred words came ten times each, twice, with a restart between."""
    for start in (0, 20):
        rows = [(feedback(f"r{n}", second=start + k), True) for k in range(10) for n in range(100)]
        assert set(tell(module, home, FEEDBACK, rows)) == {"stored"}
    return len(landed(home, FEEDBACK))


def count_after_rush(module: Any, home: Home) -> int:
    """Rows after two hundred words came eight times each at the same time."""
    rows = [(feedback(f"r{n}"), True) for n in range(200) for _ in range(8)]
    assert set(tell(module, home, FEEDBACK, rows, together=True)) == {"stored"}
    return len(landed(home, FEEDBACK))


def test_a_repeat_is_one_row(home: Home) -> None:
    """F07: ten times each, and again after a restart: one row for each word."""
    assert count_after_restart(gateway.feedback_log, home) == 100


def test_repeats_at_the_same_time_are_one_row(home: Home) -> None:
    """F07: eight at once: each is told that it is stored, and one row is."""
    assert count_after_rush(gateway.feedback_log, home) == 200


def test_a_journal_that_was_never_sealed_is_remembered_too(home: Home) -> None:
    """A killed process left its words in the journal only: the next one knows them."""
    tell(gateway.feedback_log, home, FEEDBACK, [(feedback("r1"), True)])
    (segment,) = home.feedback("small").glob("*.parquet")
    from ratchet.storage.journal.segments import as_line

    journal = home.journal("small", FEEDBACK)
    segment.unlink()
    (journal / "000000000007.wal").write_bytes(as_line(feedback("r1")))
    assert tell(gateway.feedback_log, home, FEEDBACK, [(feedback("r1", "right"), True)]) == ["contradiction"]


def test_a_contradiction_is_refused_and_kept_as_evidence(home: Home) -> None:
    """What was said first stands; what was said then lies in `rejected/`, once however often it comes."""
    rows = [(feedback("r1"), True), (feedback("r1", "right"), True), (feedback("r1", "right"), True)]
    assert tell(gateway.feedback_log, home, FEEDBACK, rows) == ["stored", "contradiction", "contradiction"]
    assert [row["verdict"] for row in landed(home, FEEDBACK)] == ["wrong"]
    (evidence,) = landed(home, CONFLICTS)
    assert (evidence["request_id"], evidence["kind"]) == ("r1", FEEDBACK)
    assert '"verdict":"right"' in evidence["said"]
    assert "sent something else" in evidence["reason"]


def test_other_sources_contradict_nobody(home: Home) -> None:
    """Two users may differ on one answer."""
    rows = [(feedback("r1"), True), (feedback("r1", "right", source="other"), True)]
    assert tell(gateway.feedback_log, home, FEEDBACK, rows) == ["stored", "stored"]


def test_an_annotator_may_change_their_mind_by_saying_when(home: Home) -> None:
    """Without a time a repeat is a no-op and another label a contradiction; with a later time it is a new
    correction."""
    rows = [
        (correction("r1", second=1), False),
        (correction("r1", second=2), False),
        (correction("r1", "amber", second=3), False),
        (correction("r1", "amber", second=4), True),
        (correction("r1", "amber", second=4), True),
        (correction("r1", "violet", second=4), True),
        (correction("r1", "amber", second=5), False),
    ]
    expected = ["stored", "stored", "contradiction", "stored", "stored", "contradiction", "stored"]
    assert tell(gateway.feedback_log, home, CORRECTIONS, rows) == expected
    assert [row["label"] for row in landed(home, CORRECTIONS)] == ["green", "amber"]


def test_a_withdrawal_contradicts_nothing_and_a_label_may_follow_it(home: Home) -> None:
    """Without a time; a repeat of either is a no-op, and so it is after a restart."""
    withdrawn = {**correction("r1", second=2), "label": None, "answer": "withdrawn"}
    rows = [(correction("r1"), False), (withdrawn, False), (withdrawn, False), (correction("r1", "amber"), False)]
    assert tell(gateway.feedback_log, home, CORRECTIONS, rows) == ["stored"] * 4
    assert tell(gateway.feedback_log, home, CORRECTIONS, [rows[-1], (correction("r1"), False)]) == [
        "stored", "contradiction"
    ]  # fmt: skip
    assert [row["label"] for row in landed(home, CORRECTIONS)] == ["green", None, "amber"]


def test_an_agreed_request_that_is_asked_again_is_never_taken_for_the_own_vote(home: Home) -> None:
    """The person's vote without a time is stored after the check, before and after a restart, and the choice too."""
    check = {**correction("r1", second=1), "chosen": "check", "batch": "b1", "seconds": 2.5, "note": "odd\nline"}
    assert tell(gateway.feedback_log, home, CORRECTIONS, [(check, True), (check, True)]) == ["stored"] * 2
    vote = (correction("r1", second=2), False)
    assert tell(gateway.feedback_log, home, CORRECTIONS, [vote, (check, True), vote]) == ["stored"] * 3
    found = [(row["chosen"], row["batch"], row["seconds"], row["note"]) for row in landed(home, CORRECTIONS)]
    assert found == [("check", "b1", 2.5, "odd\nline"), (None, None, None, None)]


def test_a_word_that_the_disk_refused_is_not_taken_for_stored(home: Home) -> None:
    """Its repeat is tried again: nothing is acknowledged that lies nowhere."""
    home.ballast.parent.mkdir(parents=True)
    home.ballast.touch()
    landing = RowLog(home, ballast_bytes=1 << 60)
    words = gateway.feedback_log.FeedbackLog(landing)

    async def run() -> None:
        for _ in range(2):
            with pytest.raises(OSError, match="Rows cannot be written"):
                await words.store("small", FEEDBACK, feedback("r1"))
        home.ballast.unlink()
        await words.store("small", FEEDBACK, feedback("r1"))

    asyncio.run(run())
    landing.close()
    assert len(landed(home, FEEDBACK)) == 1


def test_what_is_remembered_is_bounded(home: Home) -> None:
    """A thousand words with room for ten: at most twenty names are held, and an old repeat is a second row."""
    landing = RowLog(home)
    words = gateway.feedback_log.FeedbackLog(landing, remembered=10, caps=SubmissionCaps(feedback_at_least=10_000))

    async def run() -> None:
        for n in range(1000):
            await words.store("small", FEEDBACK, feedback(f"r{n}"))
        await words.store("small", FEEDBACK, feedback("r0"))

    asyncio.run(run())
    landing.close()
    assert len(words._known["small", FEEDBACK].contents) <= 20
    assert len(landed(home, FEEDBACK)) == 1001


@pytest.mark.parametrize(
    ("old", "new", "count", "right"),
    [
        ("known.loaded = True", "known.contents.clear(); known.loaded = True", count_after_restart, 100),
        (
            "if name in known.contents:",
            "if name in known.contents and name not in known.writing:",
            count_after_rush,
            200,
        ),
    ],
)
def test_a_forgetful_gateway_is_caught(
    home: Home, plant: Callable[..., ModuleType], old: str, new: str, count: Callable[[Any, Home], int], right: int
) -> None:
    """Mutants: nothing is read back after a restart, and a word on its way to the disk is not known yet."""
    assert count(plant(gateway.feedback_log, old, new), home) > right
