"""Integrity: each thing behind the papers is damaged in turn, and `verify`, `status` and `doctor` name it."""

import json
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pytest

from ratchet.core.verdict import Verdict
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.sealed_names import note_sealed
from ratchet.storage.journal.segments import RowSchema
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows import integrity
from ratchet.workflows.doctor.doctor import examine as examine_machine
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.status import describe_classifier
from ratchet.workflows.verify import verify_ledger

NOW = datetime(2026, 1, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Three adapters, of which the second is live, the third a candidate and the first the previous one; landed rows
    of a week, and one sealed segment of them."""
    root = tmp_path_factory.mktemp("integrity")
    base = resolve_base(str(write_tiny_encoder(root / "base", ["one text", "another text"])))
    home = Home(root / "home")
    small = SmallClassifier(home, requests=12)
    small.write()
    for seed, action in enumerate(("promote", "promote", "shadow")):
        folder = write_tiny_adapter(root / f"adapter-{seed}", base, tuple(WORDS), seed=seed, method="probe")
        digest = AdapterStore(home).seal("small", folder, {})
        receipts = keep_receipts(home, "small", "2026-01-05", digest)
        said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
        record(home, "small", action=action, adapter=digest, receipts=receipts, **said)
    small.write_week(date(2026, 1, 5))
    landing = Landing(home, open_warehouse(home, "small"))
    landing.take(Specs(home)["small"])
    small.write_week(date(2026, 1, 12))
    logs = home.landing("small", "production_logs") / "2026-01-12.jsonl"
    delivered = logs.rename(root / "week.jsonl")
    landing.deliver(Specs(home)["small"], "production_logs", delivered)  # as `ratchet ingest --logs`: one segment
    for kind, folder in (("pairs", home.pairs("small")), ("feedback", home.feedback("small"))):  # as the gateway
        rows = RowSchema(kind, {"request_id": "VARCHAR"})
        journal = Journal(home.journal("small", kind), folder, rows, sealed=partial(note_sealed, home, "small"))
        journal.append({"request_id": "r"}).result()
        journal.close()
    Quarantine(home).take("small", "2025-12-29", "row_quality", Verdict("failed", "Fails: bad."), "r", "test")
    return home


@pytest.fixture
def home(sound: Home, tmp_path: Path) -> Home:
    """A copy of one's own."""
    return Home(Path(shutil.copytree(sound.root, tmp_path / "home")))


def flip(path: Path) -> None:
    """Change one byte in the middle; size, time and name stay as they were."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def weights(home: Home, role: str) -> Path:
    """The weights of an adapter, by its role."""
    state = Ledger(home).state("small")
    digest = {"live": state.live, "candidate": state.challenger, "previous": state.past[-1]}[role]
    return next((home.adapters("small") / str(digest)).glob("*.safetensors"))


def segment(home: Home) -> Path:
    """The segment of landed rows."""
    return next(home.landing("small", "production_logs").glob("*.parquet"))


def forget(home: Home) -> None:
    """Remove a segment, and the line that says that it was landed."""
    path = segment(home)
    path.unlink()
    lines = home.manifest("small").read_text().splitlines(keepends=True)
    home.manifest("small").write_text("".join(line for line in lines if path.name not in line))


def sealed(home: Home, kind: str) -> Path:
    """The segment that the gateway sealed of one kind of row."""
    return next((home.classifier("small") / kind).glob("*.parquet"))


def cut(path: Path) -> None:
    """Remove the last line."""
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


DAMAGES: dict[str, tuple[Callable[[Home], object], str, str, bool | None]] = {
    "a byte of live": (lambda home: flip(weights(home, "live")), "live adapter", "differ from their manifest", True),
    "a byte of the candidate": (
        lambda home: flip(weights(home, "candidate")),
        "candidate adapter",
        "differ from their manifest",
        True,
    ),
    "live is gone": (lambda home: shutil.rmtree(weights(home, "live").parent), "live adapter", "has no adapter", True),
    "a removed segment": (lambda home: segment(home).unlink(), "landed files", "is gone", True),
    "a removed file": (
        lambda home: (home.landing("small", "corrections") / "2026-01-05.jsonl").unlink(),
        "landed files",
        "corrections/2026-01-05.jsonl is gone",
        True,
    ),
    "no landing folder": (
        lambda home: shutil.rmtree(home.landing("small", "production_logs")),
        "landed files",
        "and 1 more landed files are gone",
        True,
    ),
    "a cut segment": (
        lambda home: segment(home).write_bytes(segment(home).read_bytes()[:-9]),
        "landed files",
        "not as landed",
        True,
    ),
    "a segment and its line of the manifest": (lambda home: forget(home), "warehouse", "no longer lists", False),
    "a removed segment of pairs": (lambda home: sealed(home, "pairs").unlink(), "sealed segments", "is gone", True),
    "no folder of feedback": (lambda home: shutil.rmtree(home.feedback("small")), "sealed segments", "is gone", True),
    "a byte of a segment of pairs": (lambda home: flip(sealed(home, "pairs")), "sealed segments", "not as sealed",
    False),
    "a cut quarantine": (lambda home: cut(home.quarantine("small")), "quarantine", "vouches for 1", None),
    "a byte of a segment": (lambda home: flip(segment(home)), "landed files", "not as landed", False),
}  # fmt: skip
"""Damage, the thing that is named, the words about it, and True where a quick look finds it as well; None where
`status` has it among its notes."""


def test_a_sound_home_has_no_fault(home: Home) -> None:
    """Each adapter that answers or may answer is read, the landed files are looked up."""
    found = verify_ledger(home, "small")
    assert [each.fault for each in found if each.fault] == []
    assert [each.what.split()[0] for each in found[-5:]] == ["live", "candidate", "sealed", "landed", "warehouse"]
    assert describe_classifier(home, "small", NOW)["faults"] == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_each_damage_is_found_and_named(home: Home, damage: str) -> None:
    """`verify` reads all of it; `status` and `doctor` find what a quick look can, and never call the thing sound."""
    spoil, what, words, quick = DAMAGES[damage]
    spoil(home)
    faults = {each.what: each.fault for each in verify_ledger(home, "small") if each.fault}
    assert words in str({name: fault for name, fault in faults.items() if name.startswith(what)})
    shown = describe_classifier(home, "small", NOW)
    seen = {each["what"]: each["fault"] for each in shown["faults"]}
    assert any(name.startswith(what) and words in fault for name, fault in seen.items()) is bool(quick)
    assert (quick is None) is any(words in note for note in shown["notes"])
    doctor = {each.what: each for each in examine_machine(home, {})}
    assert any(name.startswith(what) and each.state == "fail" for name, each in doctor.items()) is (quick is not False)


def test_a_quick_look_says_what_it_did_not_read(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large adapters are looked up by name in `status`; the sentence does not claim more."""
    monkeypatch.setattr(integrity, "QUICK_BYTES", 100)
    flip(weights(home, "live"))
    live = next(integrity.examine(home, "small", Ledger(home).state("small"), whole=False))
    assert live.fault == ""
    assert "were not read; 'ratchet verify small' reads them" in live.detail


def test_a_quick_look_follows_the_newest_files(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that seals each minute lands half a million files a year; which ones were looked up is in the words."""
    monkeypatch.setattr(integrity, "QUICK_MANIFEST_BYTES", 400)
    state = Ledger(home).state("small")
    *_, landed = integrity.examine(home, "small", state, whole=False)
    assert landed.detail.startswith("the newest 1 files are there; older ones were not looked up")
    segment(home).unlink()
    *_, landed = integrity.examine(home, "small", state, whole=False)
    assert "is gone from the landing folders" in landed.fault


def test_a_file_that_was_dropped_again_is_not_a_fault(home: Home) -> None:
    """Others may replace their own files, and the next intake takes the new version; the count is given."""
    path = home.landing("small", "corrections") / "2026-01-05.jsonl"
    path.write_text(path.read_text() + json.dumps({"request_id": "x"}) + "\n")
    assert (
        verify_ledger(home, "small")[-2].detail == "2 files are as landed, 1 changed since and will be taken in again"
    )
