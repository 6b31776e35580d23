"""A receipt and a trusted key are enough to derive its verdict on another machine; whatever was altered is refused."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from orchestration.cli.app import main
from ratchet.core.errors import RatchetError
from ratchet.gates.registry import GATES
from ratchet.rollout.trust import Trust
from ratchet.storage import receipt_file
from ratchet.storage.home import Home
from ratchet.testing.altered_receipts import ALTERATIONS
from ratchet.testing.signed_receipts import RULES, draw_receipt
from ratchet.workflows.verify_finding import VerifyFinding
from ratchet.workflows.verify_receipt import verify_receipt


class Stranger:
    """Another machine: a folder with the public half of the gate key, and no home."""

    def __init__(self, root: Path) -> None:
        self.key, self.draw = Ed25519PrivateKey.generate(), random.Random(1)  # noqa: S311 - test data
        self.public, self.file = root / "gate_key.pub", root / "receipt.json"
        pem = self.key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
        self.public.write_bytes(pem)
        self.home = Home(root / "nowhere", Trust(self.public))

    def verify(self, content: bytes) -> list[VerifyFinding]:
        """Write a file and verify it."""
        self.file.write_bytes(content)
        return verify_receipt(self.home, self.file)

    def faults(self, content: bytes) -> list[str]:
        """The faults of a file with this content."""
        return [each.fault for each in self.verify(content) if each.fault]


@pytest.fixture
def stranger(tmp_path: Path) -> Stranger:
    """A machine without the home."""
    return Stranger(tmp_path)


def test_every_gate_has_receipts_to_try() -> None:
    """A gate that is added gets its figures in `ratchet/testing/signed_receipts.py`."""
    assert set(RULES) == set(GATES)


@pytest.mark.parametrize("gate", RULES)
def test_a_receipt_and_its_key_are_enough(stranger: Stranger, gate: str) -> None:
    """Form, chain, verdict and signature hold; nothing of the home is read."""
    found = stranger.verify(draw_receipt(stranger.draw, stranger.key, gate).content)
    assert [each.what for each in found] == ["receipt", "chain", "verdict", "signature"]
    assert not [each.fault for each in found if each.fault]
    assert "follows from the figures in its evidence" in found[2].detail
    assert not stranger.home.root.exists()


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_an_altered_receipt_is_refused_without_the_home(stranger: Stranger, alteration: str) -> None:
    """T18: on three receipts each, whether or not the forger computes the digest again."""
    other = draw_receipt(stranger.draw, stranger.key, "leakage")
    for _ in range(3):
        receipt = draw_receipt(stranger.draw, stranger.key, stranger.draw.choice(("leakage", "beats_baselines")))
        altered = ALTERATIONS[alteration](stranger.draw, receipt, other)
        assert altered != receipt.content
        assert stranger.faults(altered)


@pytest.mark.faults
def test_none_of_a_thousand_altered_receipts_is_accepted_and_each_unaltered_one_is(stranger: Stranger) -> None:
    """T18 with receipts of every rule; each alteration in turn."""
    accepted, names, other = {"as signed": 0, "altered": 0}, [*ALTERATIONS], draw_receipt(stranger.draw, stranger.key)
    for number in range(1000):
        receipt = draw_receipt(stranger.draw, stranger.key)
        accepted["as signed"] += not stranger.faults(receipt.content)
        altered = ALTERATIONS[names[number % len(names)]](stranger.draw, receipt, other)
        accepted["altered"] += not stranger.faults(altered)
        other = receipt
    assert accepted == {"as signed": 1000, "altered": 0}


MUTANTS: dict[str, tuple[str, str]] = {
    "a value, with a new digest": ("if not is_sealed_by(receipt, receipt.seal.key):", "if False:"),
    "other spaces or another order": ("if receipt.content != raw:", "if False:"),
}


@pytest.mark.parametrize("alteration", MUTANTS)
def test_a_reader_that_looks_away_accepts_what_is_refused(
    stranger: Stranger, plant: Callable[..., ModuleType], alteration: str
) -> None:
    """Each of its checks has an alteration that it alone refuses."""
    receipt = draw_receipt(stranger.draw, stranger.key, "leakage")
    stranger.file.write_bytes(ALTERATIONS[alteration](stranger.draw, receipt, receipt))
    mutant = plant(receipt_file, *MUTANTS[alteration])
    assert mutant.read_receipt(stranger.file).gate
    with pytest.raises(RatchetError):
        receipt_file.read_receipt(stranger.file)


def test_the_command_needs_a_trusted_key(
    stranger: Stranger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 with the right key, 1 with another one and without any, each in one sentence that says what to give."""
    receipt = draw_receipt(stranger.draw, stranger.key, "leakage")
    stranger.file.write_bytes(receipt.content)
    (tmp_path / "other").mkdir()
    other = Stranger(tmp_path / "other")
    stranger.home.root.mkdir(exist_ok=True)
    nowhere = ["--home", str(stranger.home.root), "verify", str(stranger.file)]
    assert main([*nowhere, "--public-key", str(stranger.public)]) == 0
    capsys.readouterr()
    for options, said in (
        ([], "signed it, but no key is trusted here"),
        (["--public-key", str(other.public)], f"not by the key in {other.public}"),
    ):
        assert main([*nowhere, *options, "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert said in told["findings"][-1]["fault"]
    assert main([*nowhere, "--public-key", str(tmp_path / "missing.pub")]) == 1
    assert "does not exist" in capsys.readouterr().err
