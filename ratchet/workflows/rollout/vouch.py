"""Vouching for one receipt that is verified by itself: by the key that is trusted, or by the signed ledger of its home.

Add here another thing that may vouch. Conditions for entering a rollout are `receipt_trust.py`.
"""

from ratchet.core.errors import RatchetError
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.keys.key_pair import public_key
from ratchet.storage.receipt_file import Receipt, is_sealed_by
from ratchet.storage.rollout.ledger import Ledger


def vouch(home: Home, receipt: Receipt) -> str:
    """Say who vouches for a receipt; raises `RatchetError` where nobody does who is trusted.

    A key from outside (`home.trust`) is a gate key, or the signing key whose ledger names one. Without it the ledger of
    the receipt's own home is believed, as everywhere.
    """
    given, seal = home.trust.key, receipt.seal
    if given is not None and seal is not None:
        public = public_key(given).public_bytes_raw().hex()
        if is_sealed_by(receipt, public):
            return f"signed on {seal.issued[:10]} by gate key {public[:12]}, which {given} holds"
    if receipt.classifier not in home.served():
        return _refuse(receipt, home, f"{receipt.classifier} is not a classifier of {home.root}")
    try:
        entries = Ledger(home).entries(receipt.classifier)
    except RatchetError as error:
        return _refuse(receipt, home, error.message.rstrip("."))
    for entry in reversed(entries):
        if entry.receipts.get(receipt.gate) == receipt.digest:
            return f"entry {entry.sequence} of the signed ledger names this receipt"
    key = state_after(entries).gate_key
    if key and is_sealed_by(receipt, key):
        return f"signed by gate key {key[:12]}, which the signed ledger names"
    return _refuse(receipt, home, "no entry of the signed ledger names it" + (", nor its gate key" if seal else ""))


def _refuse(receipt: Receipt, home: Home, reason: str) -> str:
    if receipt.seal is None:
        raise RatchetError(
            f"unvouched: {reason}, so nobody has signed digest {receipt.digest[:12]}.",
            "A promotion checks the evidence again and then signs it.",
            code="unvouched",
        )
    key = receipt.seal.key[:12]
    if home.trust.key is not None:
        raise RatchetError(
            f"unvouched: it was signed by gate key {key}, not by the key in {home.trust.key}; {reason}.",
            "Give the gate_key.pub of its home, from somebody you trust.",
            code="unvouched",
        )
    raise RatchetError(
        f"unvouched: gate key {key} signed it, but no key is trusted here; {reason}.",
        "Give the gate_key.pub of its home, from somebody you trust: --public-key FILE.",
        code="no_trusted_key",
    )
