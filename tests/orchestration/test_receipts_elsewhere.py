"""Receipts of a real cycle on another machine: file and key alone give every verdict again, and hold no text."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.core.cycle import Cycle
from ratchet.gates.registry import ASSETS, GATES, REGISTRY
from ratchet.rollout.trust import Trust
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import read_receipt
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.verify_receipt import verify_receipt

WEEK = date(2026, 1, 12)
pytestmark = [pytest.mark.xdist_group("rollouts"), pytest.mark.slow]


@pytest.fixture
def elsewhere(passed: Home, tmp_path: Path) -> Path:
    """A folder with the receipts of the candidate's cycle and the public half of the gate key."""
    for path in (passed.gate_public_key, *passed.receipts(Cycle("small", WEEK)).glob("*.json")):
        shutil.copy(path, tmp_path)
    (tmp_path / "cycle.json").unlink()
    return tmp_path


def test_every_verdict_of_a_cycle_follows_from_its_receipt_and_the_key(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of each gate of the registry: form, chain up to its own step, verdict and signature; no home is read."""
    files = {path.stem: path for path in elsewhere.glob("*.json")}
    assert set(files) == set(GATES)
    stranger = Home(elsewhere / "nowhere", Trust(elsewhere / "gate_key.pub"))
    for gate in REGISTRY:
        found = {each.what: each for each in verify_receipt(stranger, files[gate.name])}
        assert not [each.fault for each in found.values() if each.fault], gate.name
        assert set(found) == {"receipt", "chain", "verdict", "signature"}
        assert "follows from the figures in its evidence" in found["verdict"].detail
        steps = ASSETS.index(gate.stage) + 1
        assert found["chain"].detail.startswith(f"{steps} steps up to {gate.stage}")
    stranger.root.mkdir()
    command = ["--home", str(stranger.root), "verify", str(files["leakage"])]
    assert main([*command, "--public-key", str(elsewhere / "gate_key.pub")]) == 0
    assert main(command) == 1
    assert "no key is trusted here" in capsys.readouterr().out


def test_in_its_home_a_receipt_is_also_derived_from_what_is_stored(passed: Home) -> None:
    """With the home's own trust as with the gate key from outside, which did not sign the home's other files."""
    for trust in (Trust(), Trust(passed.gate_public_key)):
        home = Home(passed.root, trust)
        for gate in ("golden_set_regression", "target_fit"):
            found = {
                each.what: each for each in verify_receipt(home, home.receipts(Cycle("small", WEEK)) / f"{gate}.json")
            }
            assert not [each.fault for each in found.values() if each.fault]
            assert "follows from" in found["verdict in this home"].detail


def test_receipts_hold_ids_and_counts_and_the_settings_that_were_read(elsewhere: Path, passed: Home) -> None:
    """T23: no text of a request or a golden item, in no receipt; the ledger names the key that signed them."""
    content = {path.stem: path.read_text() for path in elsewhere.glob("*.json")}
    texts = [item.text for item in Specs(passed).golden("small")]
    for path in passed.landing("small", "production_logs").glob("*.jsonl"):
        texts += [json.loads(line)["text"] for line in path.read_text().splitlines()]
    assert len(texts) > 100
    found = [(gate, text) for gate, told in content.items() for text in texts if text in told]
    assert found == []
    method = read_receipt(elsewhere / "leakage.json").method
    assert method["settings"]["limits.near_duplicate_jaccard"] == 0.8
    key = read_receipt(elsewhere / "leakage.json").seal
    assert key is not None
    assert {entry.gate_key for entry in Ledger(passed).entries("small") if entry.receipts} == {key.key}
