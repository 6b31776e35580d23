"""Attacks on files: copies of the cycle's receipts with a changed bit, before the reader that a promotion uses.

Add here an attack on a file of a cycle; the originals are never written to.
"""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.evaluation.gate_audit.attack import RECEIPTS
from ratchet.storage.receipt_file import read_receipt
from ratchet.workflows.gate_audit.case import AuditCase


def judge_receipt_bits(case: AuditCase) -> dict[str, Callable[[], str]]:
    """Return what the reader of receipts says of each receipt of the cycle with one bit flipped."""
    return {RECEIPTS: lambda: _read_flipped(case)}


def _read_flipped(case: AuditCase) -> str:
    """Return why the flipped receipts are refused, '' where one is accepted or there is none."""
    refused = ""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(case.receipts.home.receipts(case.cycle).glob("*.json")):
            if path.name == "cycle.json":
                continue
            copy = Path(shutil.copy(path, folder))
            copy.write_bytes(flip_a_bit(copy.read_bytes()))
            try:
                read_receipt(copy)
            except RatchetError as error:
                refused = error.message
            else:
                return ""
    return refused


def flip_a_bit(content: bytes) -> bytes:
    """Return a receipt's file with the lowest bit of one letter of its verdict's reason flipped."""
    reason = json.loads(content)["verdict"]["reason"].split()[0].encode()
    place = content.index(reason)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
