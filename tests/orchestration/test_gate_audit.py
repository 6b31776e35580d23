"""Every cycle attacks its own gates: what each one did stands in the report, and a sleeping one blocks."""

import json
from datetime import date

import pytest

from ratchet.core.cycle import Cycle
from ratchet.evaluation.gate_audit.attack import ATTACKS
from ratchet.gates.rederivation import derive_again
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts

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
