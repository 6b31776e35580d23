"""Attacks on files: copies of the cycle's receipts and report with a changed bit, and weights under another name.

Add here an attack on a file of a cycle; the originals are never written to.
"""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.core.digests import digest_bytes
from ratchet.core.errors import RatchetError
from ratchet.evaluation.gate_audit.attack import NOMINATION, RECEIPTS
from ratchet.gates.candidate_identity import find_changed_report, find_stale_weights
from ratchet.storage.receipt_file import read_receipt
from ratchet.workflows.gate_audit.case import AuditCase
from ratchet.workflows.rollout.receipt_trust import need_signed

_NOW = datetime(2026, 1, 5, tzinfo=UTC)


def flip_in_receipts(case: AuditCase) -> dict[str, Callable[[], str]]:
    """Flip one bit of each receipt of the cycle, and sign one of them with another key."""
    return {RECEIPTS: lambda: _read_flipped(case)}


def flip_in_report(case: AuditCase) -> dict[str, Callable[[], str]]:
    """Flip one bit in the middle of the eval report."""
    bound, changed = digest_bytes(case.report), digest_bytes(flip_a_bit(case.report))
    return {NOMINATION: lambda: find_changed_report(bound, changed)}


def reuse_weights(case: AuditCase) -> dict[str, Callable[[], str]]:
    """Seal the weights of an adapter that the ledger knows under another name."""
    return {NOMINATION: lambda: find_stale_weights(case.weights, {case.adapter: case.weights})}


def _read_flipped(case: AuditCase) -> str:
    """Return why the changed receipts are refused, '' where one is accepted or there is none."""
    refused = ""
    with tempfile.TemporaryDirectory() as folder:
        for path in case.receipts:
            copy = Path(shutil.copy(path, folder))
            copy.write_bytes(flip_a_bit(copy.read_bytes()))
            if not (refused := _refuse(copy, case)):
                return ""
        forged = Path(folder) / "forged.json"
        if case.receipts:
            forged.write_bytes(read_receipt(case.receipts[0]).sealed(Ed25519PrivateKey.generate(), _NOW).content)
            refused = _refuse(forged, case)
    return refused


def _refuse(path: Path, case: AuditCase) -> str:
    try:
        receipt = read_receipt(path)
        need_signed({receipt.gate: receipt}, (), case.gate_key)
    except RatchetError as error:
        return error.message
    return ""


def flip_a_bit(content: bytes) -> bytes:
    """Return a file with the lowest bit of its middle letter or digit flipped."""
    middle = len(content) // 2
    place = next((n for n in range(middle, len(content)) if content[n : n + 1].isalnum()), middle)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
