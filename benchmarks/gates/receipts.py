"""Row 15: receipts that were altered, on a machine without their home; whoever altered them computes digests again."""

import random
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.gates.figures import Measured, counted
from ratchet.rollout.trust import Trust
from ratchet.storage.home import Home
from ratchet.testing.altered_receipts import ALTERATIONS
from ratchet.testing.signed_receipts import draw_receipt
from ratchet.workflows.verify_receipt import verify_receipt

_RECEIPTS = 1000


def measure_receipts() -> Measured:
    """Return row 15: each receipt as it was signed, and altered in one of the ways in turn."""
    draw, key, names = random.Random(15), Ed25519PrivateKey.generate(), [*ALTERATIONS]
    sound = altered = 0
    with tempfile.TemporaryDirectory() as folder:
        public, file = Path(folder) / "gate_key.pub", Path(folder) / "receipt.json"
        pem = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
        public.write_bytes(pem)
        home, other = Home(Path(folder) / "nowhere", Trust(public)), draw_receipt(draw, key)

        def accepts(content: bytes) -> bool:
            file.write_bytes(content)
            return not any(finding.fault for finding in verify_receipt(home, file))

        for number in range(_RECEIPTS):
            receipt = draw_receipt(draw, key)
            sound += accepts(receipt.content)
            altered += accepts(ALTERATIONS[names[number % len(names)]](draw, receipt, other))
            other = receipt
    return Measured(
        (
            counted(f"altered in {len(names)} ways, digest recomputed: accepted", altered, _RECEIPTS, at_most=0.0),
            counted("as they were signed: accepted", sound, _RECEIPTS, at_least=1.0),
        )
    )
