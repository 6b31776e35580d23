"""Receipts that let a candidate enter: signed by the key in force, young enough, and of the settings of now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES, READS
from ratchet.gates.settings_read import bind_settings
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_key, gate_public, replace_gate_key
from ratchet.storage.receipt_file import Receipt, Seal
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.log import read_log
from ratchet.workflows.rollout.admission import check_entry
from ratchet.workflows.rollout.gate_keys import enter_gate_key, read_gate_keys
from ratchet.workflows.rollout.receipt_trust import key_in_force, need_fresh, need_same_settings, need_signed
from ratchet.workflows.rollout.reconcile import record

A, B = "a" * 64, "b" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
CYCLE = Cycle("small", parse_week("2026-01-05"))
SETTINGS = 'description = "old"\n[limits]\nmin_agreement = 0.8\nmax_golden_loss = 0.1\n[promotion]\nmargin = 0.05\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose first adapter is live on receipts that its gate key signed, as the entry says."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    enter(found, A)
    return found


def enter(home: Home, adapter: str, action: str = "promote") -> Entry:
    """Let an adapter in, as `nominate.py` does."""
    receipts = keep_receipts(home, "small", "2026-01-05", adapter)
    key = key_in_force(home, Ledger(home).entries("small"))
    return record(home, "small", action=action, adapter=adapter, receipts=receipts, gate_key=key, **SAID)


def judge(home: Home, **how: Any) -> dict[str, Receipt]:
    """Receipts of a next cycle."""
    binds = {"adapter": B}
    return {gate: Receipts(home).write(CYCLE, gate, Verdict("passed", "fine"), binds, **how) for gate in GATES}


def test_the_key_in_force_signs_what_enters(home: Home) -> None:
    """The entry names its public half; with another key, or with none, nothing enters, and what is live stays."""
    entries, key = Ledger(home).entries("small"), gate_public(home)
    assert (entries[0].gate_key, key_in_force(home, entries)) == (key, key)
    need_signed(judge(home), entries, key)
    unsigned = {gate: replace(each, seal=None, schema=1) for gate, each in judge(home).items()}
    with pytest.raises(BlockedError, match=f"row_quality is not signed, and gate key {key[:12]} is in force"):
        need_signed(unsigned, entries, key)
    replace_gate_key(home)
    with pytest.raises(BlockedError, match=f"was signed by gate key {gate_public(home)[:12]}, and gate key {key[:12]}"):
        need_signed(judge(home), entries, key_in_force(home, entries))
    check_entry(home, "small", entries, A)


def test_receipts_of_before_hold_while_the_ledger_names_them(home: Home) -> None:
    """Unsigned ones, by the digest in a signed entry; any other digest is refused."""
    unsigned = {gate: replace(each, seal=None, schema=1) for gate, each in judge(home).items()}
    named = {gate: receipt.digest for gate, receipt in unsigned.items()}
    record(home, "small", action="promote", adapter=B, receipts=named, **SAID)
    entries = Ledger(home).entries("small")
    need_signed(unsigned, entries, gate_public(home))
    other = {**unsigned, "leakage": replace(unsigned["leakage"], verdict=Verdict("passed", "other"))}
    with pytest.raises(BlockedError, match="leakage is not signed"):
        need_signed(other, entries, gate_public(home))


def test_another_pair_comes_into_force_by_a_signed_entry(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """`ratchet gate-key --new`: live stays, receipts of the old key let nothing new in, those of the new one do; the
    history says who and why."""
    old, waiting = gate_public(home), judge(home)
    root = ["--home", str(home.root), "gate-key"]
    assert main([*root, "--new"]) == 64
    assert main([*root, "--new", "--why", "the old one leaked"]) == 0
    assert "need another cycle" in capsys.readouterr().out
    new, entries = gate_public(home), Ledger(home).entries("small")
    assert (entries[-1].action, entries[-1].gate_key, new == old) == ("gate_key", new, False)
    with pytest.raises(BlockedError, match=f"was signed by gate key {old[:12]}"):
        need_signed(waiting, entries, key_in_force(home, entries))
    need_signed(judge(home), entries, key_in_force(home, entries))
    check_entry(home, "small", entries, A)
    enter(home, B, "shadow")
    check_entry(home, "small", Ledger(home).entries("small"), B)
    assert enter_gate_key(home, "again") == []
    (told,) = [each for each in read_log(home, "small", ["keys"]).entries if each.event == "gate_key"]
    assert (told.why, new[:12] in told.what) == ("the old one leaked", True)


def test_a_pair_that_no_ledger_names_yet_is_entered_after_a_kill(home: Home) -> None:
    """Killed between pair and entry: the command says which classifiers lack it, and finishes without --new."""
    replace_gate_key(home)
    assert read_gate_keys(home).behind == ["small"]
    assert "so nothing new of them enters" in doctor_says(home)
    (entry,) = enter_gate_key(home, "finish")
    assert (entry.gate_key, read_gate_keys(home).behind) == (gate_public(home), [])
    assert doctor_says(home) == f"{gate_public(home)[:12]} signs receipts"
    home.gate_key.unlink()
    assert doctor_says(home) == "it is missing, so that no receipt can be signed"


def doctor_says(home: Home) -> str:
    """The finding on the gate key."""
    (found,) = [each.found for each in examine_classifiers(home, {}) if each.what == "gate key"]
    return found


def test_a_receipt_of_a_foreign_key_is_not_admitted(home: Home) -> None:
    """T17: a kept receipt that was signed anew by a key of the attacker has the digest that the ledger names, and is
    refused by the gateway's admission all the same."""
    kept = home.kept_receipts("small") / f"{Ledger(home).entries('small')[0].receipts['leakage']}.json"
    stranger = Home(home.root / "elsewhere")
    stranger.root.mkdir()
    receipt = Receipts(home).read_gate(CYCLE, "leakage")
    assert receipt is not None
    kept.write_bytes(replace(receipt, seal=None).sealed(gate_key(stranger), datetime.now(UTC)).content)
    with pytest.raises(RatchetError, match="leakage of adapter aaaaaaaaaaaa was not signed by a gate key that the"):
        check_entry(home, "small", Ledger(home).entries("small"), A)


@pytest.mark.parametrize(
    ("days", "limit", "expired"), [(29, 30, False), (31, 30, True), (400, 0, False), (2, 1.5, True), (-1, 30, False)]
)
def test_receipts_expire(days: int, limit: float, expired: bool) -> None:
    """By their signed time, after `[receipts] max_age_days`; 0 sets no limit."""
    now = datetime(2026, 6, 1, tzinfo=UTC)
    seal = Seal((now - timedelta(days=days)).isoformat(), "", "")
    receipts = {"leakage": Receipt("small", "w", "leakage", Verdict("passed", "fine"), {}, seal=seal)}
    if not expired:
        need_fresh(receipts, [], limit, now)
        return
    with pytest.raises(BlockedError, match=rf"is {days} days old, and receipts count for {limit:g} days") as caught:
        need_fresh(receipts, [], limit, now)
    assert caught.value.code == "expired"


def test_one_of_before_is_as_old_as_its_entry(home: Home) -> None:
    """It holds no time of its own."""
    entries = Ledger(home).entries("small")
    named = {"leakage": replace(judge(home)["leakage"], seal=None)}
    digest = named["leakage"].digest
    signed = [replace(entries[0], receipts={"leakage": digest})]
    need_fresh(named, signed, 30, datetime(2026, 2, 1, tzinfo=UTC))
    with pytest.raises(BlockedError, match="31 days old"):
        need_fresh(named, signed, 30, datetime(2026, 2, 5, 12, tzinfo=UTC))


CHANGES: dict[str, tuple[str, str, str]] = {
    "a description": ('"old"', '"new"', ""),
    "the margin of promotion": ("margin = 0.05", "margin = 0.02", ""),
    "the age of receipts": ("[promotion]", "[receipts]\nmax_age_days = 3\n[promotion]", ""),
    "a label's action": ('name = "green"', 'name = "green"\naction = "pay"\ndescription = "parcels"', ""),
    "a limit of one gate": ("max_golden_loss = 0.1", "max_golden_loss = 0.2", "limits.max_golden_loss"),
    "a limit that was left at its default": ("[promotion]", "max_null_share = 0.3\n[promotion]", "row_quality"),
    "the window": ("[promotion]", "[window]\nlookback_weeks = 3\n[promotion]", "window"),
    "the candidates": ('method = "probe"', 'method = "probe"\nmax_tokens = 64', "candidate"),
    "a label more": ('[[label]]\nname = "green"', '[[label]]\nname = "grey"\n[[label]]\nname = "green"', "label"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_voids_the_receipts_of_the_gates_that_read_it(tmp_path: Path, change: str) -> None:
    """And no others: what no gate reads changes nothing, and the sentence names what was changed."""
    home = Home(tmp_path)
    SmallClassifier(home).write(SETTINGS)
    path, spec = home.spec("small"), Specs(home)["small"]
    text = path.read_text().replace('description = "old"\n', "")
    path.write_text(f'description = "old"\n{text}')
    spec = Specs(home)["small"]
    receipts = {
        gate: Receipt("small", "w", gate, Verdict("passed", "fine"), dict(bind_settings(gate, spec)),
                      {"settings": spec.values_at(READS[gate])})
        for gate in GATES
    }  # fmt: skip
    need_same_settings(receipts, spec)
    before, after, named = CHANGES[change]
    assert path.read_text().count(before) == 1
    path.write_text(path.read_text().replace(before, after))
    if not named:
        need_same_settings(receipts, Specs(home)["small"])
        return
    with pytest.raises(BlockedError, match=r"classifier\.toml changed since its cycle ran") as caught:
        need_same_settings(receipts, Specs(home)["small"])
    assert named in caught.value.message
    if change == "a limit of one gate":  # the others hold
        need_same_settings({"leakage": receipts["leakage"]}, Specs(home)["small"])
