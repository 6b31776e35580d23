"""Every cycle attacks its own gates: what each one did stands in the report, and a sleeping one blocks."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError
from ratchet.evaluation.gate_audit.attack import ATTACKS
from ratchet.gates.candidate_identity import find_stale_weights
from ratchet.gates.rederivation import derive_again
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.gate_audit.file_attacks import flip_a_bit
from ratchet.workflows.rollout.nominate import nominate

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("rollouts")]


def test_a_cycle_attacks_its_gates_and_says_what_each_did(passed: Home) -> None:
    """The report holds a row for each attack, the receipt follows from its evidence, and the page shows the matrix."""
    cycle = Cycle("small", date(2026, 1, 12))
    folder = passed.report(cycle)
    audit = json.loads((folder / "eval_report.json").read_bytes())["gate_audit"]
    rows = {row["attack"]: row for row in audit["rows"]}
    assert [*rows] == [attack.name for attack in ATTACKS]
    assert audit["dropped"] == []
    assert audit["seconds"] < audit["allowed_s"], audit["time_sentence"]
    assert {gate for row in rows.values() for gate in row["guards"]} <= set(audit["gates"])
    identity = [row for row in rows.values() if row["kind"] == "identity"]
    assert all(set(row["guards"]) <= set(row["stopped_by"]) for row in identity), identity
    receipt = Receipts(passed).read(cycle)["identity_attacks"]
    again = derive_again("identity_attacks", receipt.verdict.evidence)
    assert (again.outcome, again.reason) == (receipt.verdict.outcome, receipt.verdict.reason)
    assert receipt.verdict.outcome == "passed", receipt.verdict.reason
    page = (folder / "eval_report.html").read_text()
    assert all(f'id="attack-{name}' in page for name in rows)


def test_a_changed_report_and_old_weights_enter_no_rollout(passed: Home, tmp_path: Path) -> None:
    """The candidate that passed is refused once a bit of its report was flipped, or its weights have another name."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    cycle = Cycle("small", date(2026, 1, 12))
    candidate = nominate(home, "small").adapter
    report = home.report(cycle) / "eval_report.json"
    content = report.read_bytes()
    report.write_bytes(flip_a_bit(content))
    with pytest.raises(BlockedError, match=r"eval_report\.json is not the one that its cycle wrote"):
        nominate(home, "small")
    report.write_bytes(content)
    live = Ledger(home).live("small")
    assert live is not None
    weights = AdapterStore(home).weights_of("small", candidate)
    assert weights not in {"", AdapterStore(home).weights_of("small", live)}
    assert find_stale_weights(weights, {live: weights}).startswith(f"its weights are those of {live[:12]}")
    assert nominate(home, "small").adapter == candidate
