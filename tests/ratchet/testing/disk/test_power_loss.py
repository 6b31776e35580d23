"""Whatever the disk forgets: what was acknowledged is there, nothing is there twice, and flags follow the ledger."""

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.core import files
from ratchet.core.verdict import Verdict
from ratchet.ingest import manifest
from ratchet.rollout import ledger_entry as ledger_head
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.signatures import read_checkpoint
from ratchet.storage.home import Home
from ratchet.storage.journal import files as journal_files
from ratchet.storage.journal import segments as sealing
from ratchet.storage.journal.segments import RowSchema, as_line, left_behind, read_journal
from ratchet.storage.keys import key_pair
from ratchet.storage.rollout import flag_file as flags
from ratchet.storage.rollout import ledger, quarantine, signing_key
from ratchet.testing.disk.crash_trials import (
    BrokenPromiseError,
    Scenario,
    crash_at_random,
    crash_everywhere,
    crash_recovery_everywhere,
    fail_everywhere,
)
from ratchet.testing.disk.faulty_disk import FaultyDisk
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.rollout import reconcile as serving

pytestmark = pytest.mark.slow

ROWS = RowSchema("visits", {"request_id": "VARCHAR", "text": "VARCHAR"})
Plant = Callable[[ModuleType, str, str], ModuleType]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home on the real disk, of which only the specification is read."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    return found


def journal_scenario(home: Home, module: ModuleType) -> Scenario:
    """F01, F02: four batches of rows and a rotation; a full disk refuses rows, and is tried again."""
    folder, landing = Path("home/small/journal/corrections"), Path("home/small/corrections")

    def row(number: int) -> dict[str, Any]:
        return {"request_id": f"r{number}", "text": "hello " * (10 * number % 37)}

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        journal, refused = None, []
        for batch in ([0], [1, 2], "rotate", [3], [4, 5, 6], "rotate"):
            try:
                journal = journal or module.JournalFiles(folder, landing, ROWS, disk)
                if batch == "rotate":
                    journal.rotate()
                else:
                    journal.write([as_line(row(int(number))) for number in batch])
                    told += batch
            except OSError:
                refused += [] if batch == "rotate" else batch
        if journal:
            journal.end()
        assert not {f"r{number}" for number in refused} & set(stored(disk)), "refused, and there nevertheless"

    def stored(disk: FaultyDisk) -> list[str]:
        names = [name for name in disk.list(landing) if name.startswith("gateway-")]
        rows = [found for name in names for found in pq.read_table(io.BytesIO(disk.read(landing / name))).to_pylist()]
        rows += [found for path in left_behind(folder, disk) for found in read_journal(path, disk)[0]]
        assert all(found == row(int(found["request_id"][1:])) for found in rows), "another row than was sent"
        return [found["request_id"] for found in rows]

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        journal = module.JournalFiles(folder, landing, ROWS, disk)
        journal.write([as_line(row(9))])
        ids = stored(disk)
        assert {f"r{number}" for number in (*told, 9)} <= set(ids), f"lost of {told}, has {ids}"
        assert len(ids) - ids.count("r9") == len(set(ids)) - 1, f"twice: {ids}"
        assert not [name for name in disk.list(landing) if name.startswith(".")], "litter"

    return Scenario(lambda: FaultyDisk().prepared(Path("home/small")), work, check)


def flags_scenario(home: Home, module: ModuleType) -> Scenario:
    """F17: publications after a first one; generation n makes adapter n live."""

    def begin() -> FaultyDisk:
        disk = FaultyDisk().prepared(home.root)
        flags.Flags(home, disk).publish("small", Rollout(adapter(1)), seen=0)
        return disk

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        store = module.Flags(home, disk)
        for _ in range(3):
            try:
                seen = store.read().generation
                store.publish("small", Rollout(adapter(seen + 1)), seen=seen)
            except OSError:
                continue
            told.append(seen + 1)

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        store = module.Flags(home, disk)
        found = store.read()
        assert max(told, default=1) <= found.generation
        assert found.rollouts == {"small": Rollout(adapter(found.generation))}
        assert store.highest() <= found.generation, "the mark is ahead of the file"
        store.publish("small", Rollout(adapter(found.generation + 1)), seen=found.generation)

    return Scenario(begin, work, check)


def lines_scenario(home: Home, module: ModuleType) -> Scenario:
    """A line is appended where an earlier power loss left a torn tail, whole blocks of which had reached the disk."""
    path, tail = Path("home/lines"), b'"' + b"o" * 150 + b"\0" * 64 + b"o" * 150 + b'"\n'

    def begin() -> FaultyDisk:
        disk = FaultyDisk().prepared(path.parent)
        module.append_line(path, '"first"', disk)
        disk.append(path, tail, at=8)
        disk.fsync(path)
        return disk

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for line in ("n" * 300, "m" * 90):
            try:
                module.append_line(path, json.dumps(line), disk)
            except OSError:
                continue
            told.append(line)

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        found = [json.loads(line) for line in module.whole_lines(disk.read(path))]
        sent = ["first", "n" * 300, "m" * 90, *["last"] * found.count("last")]
        assert found == [line for line in sent if line in found], "another line, or another order"
        assert {"first", *told} <= set(found)
        module.append_line(path, '"last"', disk)

    return Scenario(begin, work, check)


def ledger_scenario(home: Home, module: ModuleType) -> Scenario:
    """F19: entry n promotes adapter n; the key that signs was made long ago."""

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        store = module.Ledger(home, disk=disk)
        found = [entry.adapter for entry in store.entries("small")]
        assert found == [adapter(number + 1) for number in range(len(found))]
        assert max(told, default=0) <= len(found)
        enter(store, len(found) + 1)
        assert len(store.entries("small")) == len(found) + 1
        assert vouched(home, disk) == store.head("small"), "the checkpoint is of another head"

    return Scenario(
        lambda: with_key(home), lambda disk, told: enter_more(module.Ledger(home, disk=disk), 2, told), check
    )


def quarantine_scenario(home: Home, module: ModuleType) -> Scenario:
    """Line n holds week n; the key that signs was made long ago."""
    failed = Verdict("failed", "Fails: bad.")

    def take(disk: FaultyDisk, number: int) -> str:
        week = str(date(2026, 1, 5) + timedelta(days=7 * number))
        return str(module.Quarantine(home, disk).take("small", week, "row_quality", failed, f"r{number}", "test"))

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for _ in range(2):
            number = len(module.Quarantine(home, disk).entries("small")) + 1
            try:
                take(disk, number)
            except OSError:
                continue
            told.append(number)

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        found = [entry.rows for entry in module.Quarantine(home, disk).entries("small")]
        assert found == [f"r{number + 1}" for number in range(len(found))]
        assert max(told, default=0) <= len(found)
        assert take(disk, len(found) + 1) == "hold"
        assert len(module.Quarantine(home, disk).state("small").weeks) == len(found) + 1

    return Scenario(lambda: with_key(home), work, check)


def first_entry_scenario(home: Home, module: ModuleType) -> Scenario:
    """The first entry of a home, which makes the key pair; a pair of halves that do not fit would sign what nobody
    accepts."""

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        store = module.Ledger(home, disk=disk)
        found = len(store.entries("small"))
        assert max(told, default=0) <= found
        enter(store, found + 1)
        assert len(store.entries("small")) == found + 1

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        enter_more(module.Ledger(home, disk=disk), 1, told)

    return Scenario(lambda: FaultyDisk().prepared(home.root / "small"), work, check)


def manifest_scenario(home: Home, module: ModuleType) -> Scenario:
    """The landing manifest: line n is of file n."""
    path = home.manifest("small")

    def line(number: int) -> manifest.ManifestEntry:
        return manifest.ManifestEntry(
            number, "corrections", "a.csv", "ab" * 32, 3, 5, ("a", "b"), 10, "2026-03-01T00:00:00+00:00"
        )

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for number in (1, 2, 3):
            try:
                module.append_entry(path, line(number), disk)
            except OSError:
                continue
            told.append(number)

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        found = [landed.seq for landed in module.read_manifest(path, disk)]
        assert found == sorted(set(found))
        assert set(told) <= set(found)
        module.append_entry(path, line(max(found, default=0) + 1), disk)
        assert len(module.read_manifest(path, disk)) == len(found) + 1

    return Scenario(lambda: FaultyDisk().prepared(home.root), work, check)


def folder_scenario(home: Home, module: ModuleType) -> Scenario:
    """A folder whose files were written by whoever, as those of an export are: it appears whole or not at all."""
    parent, content = Path("home/exports"), {"model": b"m" * 300, "record": b"r" * 90}

    def build(disk: FaultyDisk, name: str) -> None:
        disk.mkdir(parent / f".{name}")
        for file, data in content.items():
            disk.create(parent / f".{name}" / file, data)
        module.publish_folder(parent / f".{name}", parent / name, disk)

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for name in ("a", "b"):
            try:
                build(disk, name)
            except OSError:
                continue
            told.append(name)

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        there = disk.list(parent)
        found = [name for name in there if not name.startswith(".")]
        assert set(told) <= set(found), "it was there and is gone"
        for name in found:
            assert {file: disk.read(parent / name / file) for file in disk.list(parent / name)} == content
        build(disk, f"next{len(there)}")

    return Scenario(lambda: FaultyDisk().prepared(parent), work, check)


def promotion_scenario(home: Home, module: ModuleType, promote: Callable[..., None] | None = None) -> Scenario:
    """F21 on a disk: a line in the ledger, then checkpoint and flag; settling makes both what the ledger says.

    Entry n promotes adapter n, which adapter n - 1 then watches as the shadow.
    """

    def begin() -> FaultyDisk:
        disk = with_key(home)
        enter(ledger.Ledger(home, disk=disk), 1)
        serving.reconcile(home, "small", disk)
        return disk

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for _ in range(2):
            number = len(ledger.Ledger(home, disk=disk).entries("small")) + 1
            try:
                (promote or in_order)(home, number, disk, module)
            except OSError:
                continue
            told.append(number)
            return

    def check(disk: FaultyDisk, told: list[Any]) -> None:
        store = ledger.Ledger(home, disk=disk)
        count = len(store.entries("small"))
        published = flags.Flags(home, disk).read().rollouts["small"]
        assert published.head.sequence <= count, "the flag is ahead of the ledger"
        assert published.live == adapter(published.head.sequence), "the flag names another adapter than its entry"
        assert max(told, default=1) <= published.head.sequence
        settled = module.reconcile(home, "small", disk)
        assert (settled.live, settled.head.sequence) == (adapter(count), count)
        assert settled.shadow == (adapter(count - 1) if count > 1 else None)
        assert vouched(home, disk) == settled.head, "the checkpoint is of another head"
        before = disk.operations
        assert module.reconcile(home, "small", disk) == settled
        assert disk.operations == before, "settled again, something is written"

    return Scenario(begin, work, check)


def with_key(home: Home) -> FaultyDisk:
    """A disk on which the folders and the key pair are durable."""
    disk = FaultyDisk().prepared(home.root / "small")
    signing_key.signing_key(home, disk)
    return disk


def vouched(home: Home, disk: FaultyDisk) -> ledger_head.Head | None:
    """The head that the checkpoint vouches for."""
    note = disk.read(home.checkpoint("small")).decode()
    return read_checkpoint(signing_key.public_key(home.public_key, disk), "small", note)


def enter_more(store: Any, many: int, told: list[Any]) -> None:
    """Add entries, and tell the number of each that was not refused."""
    for _ in range(many):
        number = len(store.entries("small")) + 1
        try:
            enter(store, number)
        except OSError:
            continue
        told.append(number)


def adapter(number: int) -> str:
    """The digest of adapter `number`."""
    return f"{number:064x}"


def enter(store: Any, number: int, why: str = "") -> Entry:
    """A promotion's line."""
    # another text at each attempt: mixed blocks of two attempts are no line
    why = why or f"{store.disk.operations:06d}" * 15
    said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "action": "promote", "why": why, "week": "2026-01-05"}
    entry: Entry = store.append("small", adapter=adapter(number), receipts={}, **said)
    return entry


def in_order(home: Home, number: int, disk: FaultyDisk, module: ModuleType) -> None:
    """Promote: the ledger first."""
    enter(ledger.Ledger(home, disk=disk), number)
    module.reconcile(home, "small", disk)


def flag_first(home: Home, number: int, disk: FaultyDisk, module: ModuleType) -> None:
    """The mutant of a promotion writes the flag before the line that it follows from."""
    entry = enter(ledger.Ledger(home, disk=disk.after()), number, why="the same")
    store, head = flags.Flags(home, disk), ledger_head.Head(number, entry.digest)
    store.publish(
        "small", Rollout(adapter(number), shadow=adapter(number - 1), head=head), seen=store.read().generation
    )
    enter(ledger.Ledger(home, disk=disk), number, why="the same")
    module.reconcile(home, "small", disk)


SCENARIOS: dict[str, tuple[ModuleType, Callable[[Home, ModuleType], Scenario]]] = {
    "journal": (journal_files, journal_scenario),
    "flags": (flags, flags_scenario),
    "ledger": (ledger, ledger_scenario),
    "quarantine": (quarantine, quarantine_scenario),
    "first entry": (ledger, first_entry_scenario),
    "lines": (files, lines_scenario),
    "manifest": (manifest, manifest_scenario),
    "folder": (files, folder_scenario),
    "promotion": (serving, promotion_scenario),
}
"""By name: the module whose promise it is, and the scenario of a home that runs it or a mutant of it."""

DRAWS = {"journal": 6, "ledger": 6, "first entry": 6, "promotion": 6}
"""Fewer draws where a trial takes milliseconds; `make faults` has more."""


def scenario_of(name: str, home: Home, mutant: ModuleType | None = None) -> Scenario:
    """A scenario with the real module, or with its mutant."""
    module, make = SCENARIOS[name]
    return make(home, mutant or module)


@pytest.mark.parametrize("name", SCENARIOS)
def test_power_may_go_at_every_operation(home: Home, name: str) -> None:
    """Each operation, each extreme of what survives, and a few draws between them."""
    assert crash_everywhere(scenario_of(name, home), draws=DRAWS.get(name, 40)) > 100


@pytest.mark.parametrize("name", SCENARIOS)
def test_power_may_go_again_while_recovering(home: Home, name: str) -> None:
    """At each operation of the recovery from each of those."""
    assert crash_recovery_everywhere(scenario_of(name, home), draws={"lines": 12, "journal": 0}.get(name, 1)) >= 50


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_disk_may_be_full_or_broken_at_every_operation(home: Home, name: str) -> None:
    """ENOSPC and EIO, once, three times or for good: what was acknowledged nevertheless is there."""
    assert fail_everywhere(scenario_of(name, home)) >= 50


@pytest.mark.parametrize("name", SCENARIOS)
def test_anything_may_happen_to_a_disk(home: Home, name: str) -> None:
    """Draws of all of it together."""
    for seed in range(60):
        crash_at_random(scenario_of(name, home), seed)


@pytest.mark.faults
@pytest.mark.parametrize("name", SCENARIOS)
def test_anything_may_happen_to_a_disk_many_times(home: Home, name: str, planned: Callable[[str, int], int]) -> None:
    """S draws of all of it, for each scenario."""
    for seed in range(1000, 1000 + planned("S", 1)):
        crash_at_random(scenario_of(name, home), seed)


@pytest.mark.faults
@pytest.mark.parametrize("name", SCENARIOS)
def test_power_may_go_again_while_recovering_with_more_draws(home: Home, name: str) -> None:
    """At each operation of the recovery from a crash at each operation, with five draws of what survives the second."""
    print(name, crash_recovery_everywhere(scenario_of(name, home), draws=5), "trials")  # noqa: T201 - shown by -rP


_LATE = 'content, self.late = b"".join(getattr(self, "late", [])), list(lines)'
_UNSYNCED = "list(self._folder)\n        self._path"
_REMOVED = "        self._disk.unlink(path)\n        if found.rows:\n"
_EARLY = (
    "            self._vouch(secret, classifier, after_it.head)\n            with_reserve(self.home.ballast, lambda:"
    " append"
)
_PUBLIC_FIRST = """\
                told = form.load_pem_private_key(content, None).public_key()
                told = told.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
                write_atomically(self.public, told, disk=disk)
                write_atomically(self.private, content"""
_MARK_FIRST = '            write_atomically(self._mark, f"{generation:020d}".encode(), disk=self.disk)'
MUTANTS: dict[str, tuple[str, ModuleType, str, str]] = {
    "a file is written in place": ("flags", files, "stage = path.with_name(", "stage = path or path.with_name("),
    "a new file is not synced": ("flags", files, "    disk.fsync(stage)\n", ""),
    "the folder of a new file is not synced": ("flags", files, "    disk.fsync_dir(target.parent)\n", ""),
    "a file of a new folder is not synced": ("folder", files, "        disk.fsync(stage / name)\n", "        pass\n"),
    "the names in a new folder are not synced": ("folder", files, "    disk.fsync_dir(stage)\n", ""),
    "a folder's new name is not synced": ("folder", files, "    disk.fsync_dir(target.parent)\n", ""),
    "a line is not synced": ("ledger", files, 'b"\\n", at=whole)\n        disk.fsync(path)', 'b"\\n", at=whole)'),
    "the folder of a first line is not synced": (
        "manifest",
        files,
        "    disk.fsync_dir(path.parent)  # always",
        "    # never",
    ),
    "a torn tail is not cut": (
        "ledger",
        files,
        "whole = sum(len(each) + 1 for each in whole_lines(content))",
        "whole = len(content)",
    ),
    "what stands there is not synced before a new line": ("lines", files, "    if content:", "    if False:"),
    "a line with lost blocks counts": ("ledger", files, 'if lines and b"\\0" in lines[-1]', "if False"),
    "a line that was refused stays": (
        "ledger",
        files,
        'disk.append(path, b"", at=whole)\n        raise',
        "pass\n        raise",
    ),
    "the manifest's line is not synced": (
        "manifest",
        files,
        'b"\\n", at=whole)\n        disk.fsync(path)',
        'b"\\n", at=whole)',
    ),
    "settling trusts an unsynced line": (
        "promotion",
        ledger,
        "        self.disk.fsync(self.home.ledger(classifier))",
        "        #",
    ),
    "the checkpoint is written before the line": (
        "ledger",
        ledger,
        "            with_reserve(self.home.ballast, lambda: append",
        _EARLY,
    ),
    "the name of a killed writer's checkpoint is not synced": (
        "ledger",
        ledger,
        "        self.disk.fsync_dir(self.home.classifier(classifier))",
        "        #",
    ),
    "no checkpoint is written": (
        "ledger",
        ledger,
        "lambda: write_atomically(path, note.encode(), disk=self.disk)",
        "lambda: None",
    ),
    "the checkpoint is never caught up": (
        "ledger",
        ledger,
        "            self._catch_up(secret, classifier, before.head)",
        "            #",
    ),
    "settling leaves the checkpoint behind": ("promotion", serving, "    ledger.anchor(classifier)", "    #"),
    "the public key is written first": (
        "first entry",
        key_pair,
        "                write_atomically(self.private, content",
        _PUBLIC_FIRST,
    ),
    "the second half of a pair is not made": (
        "first entry",
        key_pair,
        "            if public is None:  # new",
        "            if False:  # new",
    ),
    "the mark is ahead of the flags": ("flags", flags, '            failpoint("flags.before_write")', _MARK_FIRST),
    "the journal answers first": ("journal", journal_files, 'content = b"".join(lines)', _LATE),
    "the journal is not synced": ("journal", journal_files, "            self._disk.fsync(self._path)\n", ""),
    "the journal's folder is not synced": (
        "journal",
        journal_files,
        "fsync_dir(self._folder)\n        self._path",
        _UNSYNCED,
    ),
    "a new folder is not synced": ("manifest", files, "    disk.fsync_dir(folder.parent)  # always", "    # never"),
    "a journal is removed before its segment is there": (
        "journal",
        journal_files,
        "        if found.rows:\n",
        _REMOVED,
    ),
    "a journal is sealed unsynced": ("journal", journal_files, "self._disk.fsync(path)  # else", "# else"),
    "a segment is not synced": ("journal", files, "    disk.fsync(stage)\n", ""),
    "a refused batch stays": ("journal", journal_files, 'self._disk.append(self._path, b"", at=self._length)', "pass"),
    "checksums are not compared": ("journal", sealing, 'and checksum == b"%08x" % zlib.crc32(content)', "and content"),
}
"""Planted bugs: in which scenario each is found, the module, its text, and what stands there instead."""


@pytest.mark.parametrize("mutant", MUTANTS)
def test_every_planted_bug_is_found(home: Home, plant: Plant, mutant: str) -> None:
    """By the same trials that the product survives."""
    name, module, old, new = MUTANTS[mutant]
    planted, user = plant(module, old, new), SCENARIOS[name][0]
    if module is key_pair:  # the ledger reaches it through the module of its own pair
        module, planted = (
            signing_key,
            plant(signing_key, f"from {module.__name__} import", "from mutant_key_pair import"),
        )
    if planted.__name__ != f"mutant_{user.__name__.rpartition('.')[2]}":
        planted = plant(user, f"from {module.__name__} import", f"from {planted.__name__} import")
        if module is files and name == "journal":  # the segments are written by a module between
            planted.publish_segment = plant(
                sealing, "from ratchet.core.files import", "from mutant_files import"
            ).publish_segment
    with pytest.raises(BrokenPromiseError):
        try_everything(scenario_of(name, home, planted), 1 if name in DRAWS else 8)


def test_a_promotion_that_begins_with_the_flag_is_found(home: Home) -> None:
    """The order of ledger and flag is what the promotion's trials are about."""
    with pytest.raises(BrokenPromiseError, match="ahead of the ledger"):
        try_everything(promotion_scenario(home, serving, flag_first))


def try_everything(scenario: Scenario, draws: int = 1) -> None:
    """All trials of this file; `draws` of what survives a second crash."""
    for seed in range(60):  # first, for most bugs are found so in no time
        crash_at_random(scenario, seed)
    crash_everywhere(scenario, draws=10)
    fail_everywhere(scenario)
    crash_recovery_everywhere(scenario, draws=draws)
