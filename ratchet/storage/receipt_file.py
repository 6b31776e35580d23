"""One receipt and its file: content, digest, and the signature of the gate key over digest and time.

Add here what every receipt holds. The receipts of a home are `receipts.py`; a key that may be trusted is found by
`ratchet/workflows/rollout/receipt_trust.py`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.strict_json import parse_strictly
from ratchet.core.verdict import Outcome, Verdict
from ratchet.rollout.signatures import is_signed, sign

SCHEMA = 2
UNSIGNED = 1
"""Schema of receipts before signatures; they hold where the signed ledger names them."""
_LARGEST = 32 * 2**20
"""Most bytes of a receipt that is read: a hundred times those of a classifier with 77 labels."""
_ADDED = ("method", "chain")


@dataclass(frozen=True)
class Seal:
    """Signature of the gate key over the digest of a receipt, and the time at which it was given."""

    issued: str
    """RFC 3339, UTC."""
    key: str
    """Public half of the key, in hex."""
    signature: str


@dataclass(frozen=True)
class Receipt:
    """One gate's verdict on one cycle. `binds` holds the digests of what was judged (data, adapter, policy, code)."""

    classifier: str
    week: str
    gate: str
    verdict: Verdict
    binds: dict[str, Any]
    method: dict[str, Any] = field(default_factory=dict)
    """Revision of the gate's rule, and the settings that it read."""
    chain: Sequence[Mapping[str, Any]] = ()
    """Steps of the cycle up to the gate's own, each with the digests of what it read and made."""
    seal: Seal | None = None
    """None in a receipt of before signatures."""
    schema: int = SCHEMA

    @property
    def digest(self) -> str:
        """SHA-256 of the whole content but the seal: the same evidence gives the same receipt."""
        return digest_json(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Return the content as JSON types, without digest and seal."""
        content = {
            "schema": self.schema, "classifier": self.classifier, "week": self.week, "gate": self.gate,
            "verdict": dict(vars(self.verdict)), "binds": self.binds,
        }  # fmt: skip
        more = {"method": self.method, "chain": list(self.chain)} if self.schema > UNSIGNED else {}
        return {**content, **more}

    def sealed(self, key: Ed25519PrivateKey, issued: datetime) -> "Receipt":
        """Return this receipt signed by the gate key, as its file will give it back."""
        plain = receipt_of(json.loads(json.dumps(self.as_json(), allow_nan=False)))
        given, public = issued.isoformat(timespec="seconds"), key.public_key().public_bytes_raw().hex()
        signature = sign(key, "receipt", _signed_digest(plain.digest, given, public))
        return replace(plain, seal=Seal(given, public, signature))

    @property
    def content(self) -> bytes:
        """The bytes of its file, the only ones that are read as this receipt."""
        seal = vars(self.seal) if self.seal else {}
        document = {**self.as_json(), "digest": self.digest, **seal}
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def receipt_of(document: Mapping[str, Any], seal: Seal | None = None) -> Receipt:
    """Return the receipt with the content of `document`; raises KeyError or TypeError where it is not one."""
    content = {**document, "verdict": Verdict(**document["verdict"])}
    if content["schema"] == UNSIGNED and any(name in content for name in _ADDED):
        raise TypeError("a receipt before signatures has no method")
    receipt = Receipt(**content, seal=seal)
    verdict = receipt.verdict
    texts = (receipt.classifier, receipt.week, receipt.gate, verdict.reason, *(vars(seal).values() if seal else ()))
    tables = (verdict.evidence, receipt.binds, receipt.method, *receipt.chain)
    sound = all(isinstance(each, str) for each in texts) and all(isinstance(each, dict) for each in tables)
    if not sound or verdict.outcome not in get_args(Outcome):
        raise TypeError("a value is of another kind than in a receipt")
    return receipt


def read_receipt(path: Path) -> Receipt:
    """Read the receipt in a file; raises `RatchetError` where it cannot be read, does not match its digest, or is not
    byte for byte what the key that it names has signed.

    Who holds that key is not asked here.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
        document = parse_strictly(raw[:_LARGEST])
        claimed = document.pop("digest")
        seal = Seal(*map(document.pop, ("issued", "key", "signature"))) if document["schema"] == SCHEMA else None
        receipt = receipt_of(document, seal)
        digest = receipt.digest
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise bad_receipt(path, "cannot be read") from None
    if receipt.schema not in {SCHEMA, UNSIGNED} or digest != claimed:
        raise bad_receipt(path, "does not match its digest")
    if receipt.seal is not None:
        if not is_sealed_by(receipt, receipt.seal.key):
            raise bad_receipt(path, "was not signed by the key that it names")
        if receipt.content != raw:
            raise bad_receipt(path, "is not byte for byte what was signed")
    return receipt


def is_sealed_by(receipt: Receipt, key: str) -> bool:
    """Return True where the gate key with the public half `key` (hex) signed the receipt."""
    seal = receipt.seal
    if seal is None or seal.key != key:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        datetime.fromisoformat(seal.issued)
    except (ValueError, TypeError):
        return False
    return is_signed(public, "receipt", _signed_digest(receipt.digest, seal.issued, key), str(seal.signature))


def _signed_digest(digest: str, issued: str, key: str) -> str:
    return digest_json({"digest": digest, "issued": issued, "key": key})


def bad_receipt(path: Path, what: str, kind: str = "receipt") -> RatchetError:
    """Return the error of a receipt, or of notes beside it, that cannot be believed."""
    return RatchetError(
        f"{kind} {path} {what}.", "It was edited, moved or damaged; run the cycle again.", code="bad_receipt"
    )
