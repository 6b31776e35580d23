"""The ledger only grows: every edit that a chain can see is seen, and two writers never tear it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.rollout.trust import Trust
from ratchet.storage.home import Home
from ratchet.storage.rollout import ledger as module
from ratchet.storage.rollout.ledger import GENESIS, Ledger

APPEND = """
import sys
from pathlib import Path
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
ledger = Ledger(Home(Path(sys.argv[1])))
sys.stdin.read(1)
for number in range(15):
    content = {"ts": "t", "actor": sys.argv[2], "action": "promote", "why": "why", "week": "w", "receipts": {}}
    ledger.append("tickets", adapter=f"{sys.argv[2]}-{number}", **content)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """An empty ledger of the classifier `demo`."""
    (tmp_path / "tickets").mkdir()
    return Ledger(Home(tmp_path))


def promote(ledger: Ledger, adapter: str, **changed: Any) -> None:
    """Add an entry."""
    content = {
        "ts": "2026-03-02T00:00:00Z",
        "actor": "ann",
        "action": "promote",
        "why": "it is better",
        "week": "2026-02-23",
    }
    ledger.append("tickets", **{**content, "adapter": adapter, "receipts": {"leakage": "r"}, **changed})


def lines(ledger: Ledger) -> list[str]:
    """The file's lines."""
    return ledger.home.ledger("tickets").read_text(encoding="utf-8").splitlines()


def test_entries_are_numbered_and_chained_and_the_last_adapter_is_live(ledger: Ledger) -> None:
    """From the first, which follows nothing."""
    assert (ledger.entries("tickets"), ledger.live("tickets")) == ([], None)
    for adapter in "abc":
        promote(ledger, adapter, why="line\nbreak \u2028 ü")
    found = ledger.entries("tickets")
    assert [(e.sequence, e.adapter, e.previous_adapter) for e in found] == [
        (1, "a", None),
        (2, "b", "a"),
        (3, "c", "b"),
    ]
    assert [e.previous for e in found] == [GENESIS, found[0].digest, found[1].digest]
    assert ledger.live("tickets") == "c"


def edited(change: dict[str, Any], *, redigest: bool = False) -> Callable[[list[str]], list[str]]:
    """Change the second entry, with or without a fitting digest."""

    def edit(rows: list[str]) -> list[str]:
        from ratchet.core.digests import digest_json

        document = {**json.loads(rows[1]), **change}
        if redigest:
            document["digest"] = digest_json({k: v for k, v in document.items() if k != "digest"})
        return [rows[0], json.dumps(document), *rows[2:]]

    return edit


TAMPERED: dict[str, Callable[[list[str]], list[str]]] = {
    "an edited reason": edited({"why": "no reason"}),
    "an edited adapter with a fitting digest": edited({"adapter": "evil"}, redigest=True),
    "two entries swapped": lambda rows: [rows[0], rows[2], rows[1], *rows[3:]],
    "an entry taken out": lambda rows: [rows[0], *rows[2:]],
    "the first taken out": lambda rows: rows[1:],
    "an entry twice": lambda rows: [rows[0], rows[1], rows[1], *rows[2:]],
    "an empty line": lambda rows: [rows[0], "", *rows[1:]],
    "half a line inside": lambda rows: [rows[0], rows[1][:30], *rows[2:]],
    "no object": lambda rows: [rows[0], "[]", *rows[2:]],
    "an unknown key": edited({"extra": 1}, redigest=True),
}


@pytest.mark.parametrize("tampering", TAMPERED)
def test_tampering_is_refused_by_readers_and_writers(ledger: Ledger, tampering: str) -> None:
    """With the line's number; nothing is appended to a broken chain."""
    for adapter in "abcd":
        promote(ledger, adapter)
    file = ledger.home.ledger("tickets")
    file.write_text("\n".join(TAMPERED[tampering](lines(ledger))) + "\n", encoding="utf-8")
    before = file.read_bytes()
    for attempt in (lambda: ledger.entries("tickets"), lambda: ledger.live("tickets"), lambda: promote(ledger, "e")):
        with pytest.raises(
            RatchetError, match=r"ledger.jsonl line [123] (cannot be read|does not continue the chain)"
        ) as caught:
            attempt()
        assert caught.value.code == "broken_ledger"
    assert file.read_bytes() == before


def test_a_whole_entry_cut_from_the_end_is_seen_by_the_checkpoint(ledger: Ledger) -> None:
    """T20: the chain alone would hold; so does a file that is gone, and a checkpoint that is gone with the tail."""
    for adapter in "abc":
        promote(ledger, adapter)
    whole = lines(ledger)
    file, note = ledger.home.ledger("tickets"), ledger.home.checkpoint("tickets")
    file.write_text("\n".join(whole[:2]) + "\n", encoding="utf-8")
    with pytest.raises(RatchetError, match="holds 2 entries, but the signed checkpoint vouches for 3"):
        ledger.live("tickets")
    file.unlink()
    with pytest.raises(RatchetError, match="holds 0 entries, but the signed checkpoint vouches for 3"):
        ledger.live("tickets")
    file.write_text("\n".join(whole[:2]) + "\n", encoding="utf-8")
    note.unlink()
    with pytest.raises(RatchetError, match=r"checkpoint\.txt is missing"):
        ledger.live("tickets")


def test_a_ledger_that_was_written_anew_is_not_signed_with_the_key(ledger: Ledger, tmp_path: Path) -> None:
    """T20: a whole history with fitting digests, but by another key; and one by a replaced pair, seen by the pinned
    half."""
    promote(ledger, "a")
    pinned = tmp_path / "pinned.pub"
    pinned.write_bytes(ledger.home.public_key.read_bytes())
    other = Ledger(Home(tmp_path / "other"))
    (tmp_path / "other" / "tickets").mkdir(parents=True)
    promote(other, "evil")
    for path in (other.home.ledger("tickets"), other.home.checkpoint("tickets")):
        (ledger.home.root / path.relative_to(other.home.root)).write_bytes(path.read_bytes())
    with pytest.raises(RatchetError, match="is not signed with this home's key"):
        ledger.live("tickets")
    ledger.home.public_key.write_bytes(other.home.public_key.read_bytes())
    assert ledger.live("tickets") == "evil"
    with pytest.raises(RatchetError, match="is not signed with this home's key"):
        Ledger(replace(ledger.home, trust=Trust(pinned))).live("tickets")


@pytest.mark.parametrize("kept", [0, 1, 40, -1])
def test_a_torn_tail_was_never_acknowledged_and_is_cut_by_the_next_entry(ledger: Ledger, kept: int) -> None:
    """Whatever part of the line reached the disk before the crash; the checkpoint is of the entry before."""
    promote(ledger, "a")
    whole, note = ledger.home.ledger("tickets").read_bytes(), ledger.home.checkpoint("tickets").read_bytes()
    promote(ledger, "b")
    torn = ledger.home.ledger("tickets").read_bytes()[len(whole) :][:kept]
    ledger.home.ledger("tickets").write_bytes(whole + torn)
    ledger.home.checkpoint("tickets").write_bytes(note)
    assert ledger.live("tickets") == "a"
    promote(ledger, "c")
    assert [e.adapter for e in ledger.entries("tickets")] == ["a", "c"]


def test_who_saw_an_older_head_is_told_and_writes_nothing(ledger: Ledger) -> None:
    """F22: two promoters decide on the same head; the second is refused by compare-and-swap."""
    promote(ledger, "a")
    seen = ledger.head("tickets")
    promote(ledger, "b", after=seen)
    with pytest.raises(RatchetError, match="someone decided meanwhile") as caught:
        promote(ledger, "c", after=seen)
    assert caught.value.code == "ledger_changed"
    assert ledger.live("tickets") == "b"


FORGED = 'not is_signed(key, f"entry {classifier}", claimed, str(signature))'
LATE = "if after is not None and before.head != after:"


def test_a_ledger_that_checks_no_signature_takes_a_forged_entry(ledger: Ledger, plant: Callable[..., Any]) -> None:
    """T20's mutant: the newest entry is rewritten with a fitting digest, where no checkpoint vouches for it yet."""
    for adapter in "ab":
        promote(ledger, adapter)
    note = ledger.home.checkpoint("tickets").read_bytes()
    promote(ledger, "c")
    ledger.home.checkpoint("tickets").write_bytes(note)
    *kept, newest = lines(ledger)
    forged = {key: value for key, value in json.loads(newest).items() if key != "digest"} | {"adapter": "evil"}
    forged["digest"] = digest_json({key: value for key, value in forged.items() if key != "signature"})
    ledger.home.ledger("tickets").write_text("\n".join([*kept, json.dumps(forged)]) + "\n", encoding="utf-8")
    with pytest.raises(RatchetError, match="line 3 is not signed with this home's key"):
        ledger.live("tickets")
    assert plant(module, FORGED, "False").Ledger(ledger.home).live("tickets") == "evil"


def test_a_ledger_without_compare_and_swap_takes_both_of_two_decisions(
    ledger: Ledger, plant: Callable[..., Any]
) -> None:
    """F22's mutant: the second decision was taken on a head that is no more, and lands."""
    promote(ledger, "a")
    seen = ledger.head("tickets")
    promote(ledger, "b", after=seen)
    promote(plant(module, LATE, "if False:").Ledger(ledger.home), "c", after=seen)
    assert ledger.live("tickets") == "c"


def test_the_checkpoint_is_caught_up_once(ledger: Ledger) -> None:
    """Killed between line and checkpoint: the next command mends it, and nothing is written again after that."""
    promote(ledger, "a")
    note = ledger.home.checkpoint("tickets").read_bytes()
    promote(ledger, "b")
    newest = ledger.home.checkpoint("tickets").read_bytes()
    ledger.home.checkpoint("tickets").write_bytes(note)
    ledger.anchor("tickets")
    assert ledger.home.checkpoint("tickets").read_bytes() == newest
    before = ledger.home.checkpoint("tickets").stat().st_ino
    ledger.anchor("tickets")
    assert ledger.home.checkpoint("tickets").stat().st_ino == before


def test_the_private_key_is_its_owners_alone_and_is_not_made_twice(ledger: Ledger) -> None:
    """0600; lost, it is not replaced in silence."""
    promote(ledger, "a")
    assert ledger.home.signing_key.stat().st_mode & 0o777 == 0o600
    ledger.home.signing_key.unlink()
    with pytest.raises(RatchetError, match=r"signing_key\.pem is missing") as caught:
        promote(ledger, "b")
    assert caught.value.code == "no_signing_key"


def test_two_processes_that_append_at_once_both_land_in_one_sequence(ledger: Ledger) -> None:
    """Fifteen entries each, started together; none is lost and the chain holds."""
    command = [sys.executable, "-c", APPEND, str(ledger.home.root)]
    writers = [subprocess.Popen([*command, name], stdin=subprocess.PIPE) for name in ("ann", "bob")]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write(b"x")
        writer.stdin.close()
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0]
    found = ledger.entries("tickets")
    assert [e.sequence for e in found] == list(range(1, 31))
    for name in ("ann", "bob"):
        assert [e.adapter for e in found if e.actor == name] == [f"{name}-{number}" for number in range(15)]
