"""Altered receipts: every way to change a signed receipt that somebody with write access, but without the key, has.

Add here another way. Each is refused by `ratchet verify FILE --public-key KEY`, without the home of the receipt.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.core.digests import digest_json
from ratchet.storage.receipt_file import Receipt, Seal, receipt_of

Alteration = Callable[[random.Random, Receipt, Receipt], bytes]
"""Makes the bytes of an altered file of a receipt; a second receipt of the same key is at hand."""


def flip_a_bit(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """One bit of the file, at any place."""
    content = bytearray(receipt.content)
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(content)


def change_a_value(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """A figure, word or digest of the content, with the digest of the receipt computed again."""
    return _with_seal(_changed(draw, receipt), receipt.seal)


def sign_anew(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """The same, signed by a key that the forger made."""
    return _changed(draw, receipt).sealed(Ed25519PrivateKey.generate(), datetime.now(UTC)).content


def claim_the_key(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """The same, but the trusted key is named as the signer."""
    forged = _changed(draw, receipt).sealed(Ed25519PrivateKey.generate(), datetime.now(UTC))
    return _with_seal(forged, replace(_seal_of(forged), key=_seal_of(receipt).key))


def take_another_seal(_draw: random.Random, receipt: Receipt, other: Receipt) -> bytes:
    """The seal of another receipt that the trusted key signed."""
    return _with_seal(receipt, other.seal)


def date_it_later(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """A later time than that of the signature, as for a receipt that has expired."""
    later = f"20{draw.randint(30, 99)}-01-05T10:00:00+00:00"
    return _with_seal(receipt, replace(_seal_of(receipt), issued=later))


def leave_the_seal_out(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """The form of before signatures, with the digest computed again."""
    changed = _changed(draw, receipt)
    former = {key: changed.as_json()[key] for key in ("classifier", "week", "gate", "verdict", "binds")} | {"schema": 1}
    return json.dumps({**former, "digest": digest_json(former)}).encode()


def write_it_otherwise(draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """Other spaces or another order: the content as it was."""
    document = json.loads(receipt.content)
    turned = json.dumps(dict(reversed(document.items())), indent=2, ensure_ascii=False) + "\n"
    return draw.choice((receipt.content.decode().rstrip("\n"), json.dumps(document), turned)).encode()


def repeat_a_key(_draw: random.Random, receipt: Receipt, _other: Receipt) -> bytes:
    """A key twice, of which readers may take either."""
    return receipt.content.replace(b"{", b'{\n  "gate": "leakage",', 1)


ALTERATIONS: dict[str, Alteration] = {
    "a bit of the file": flip_a_bit,
    "a value, with a new digest": change_a_value,
    "a value, signed by another key": sign_anew,
    "a value, under the trusted key's name": claim_the_key,
    "the seal of another receipt": take_another_seal,
    "a later date": date_it_later,
    "a value, in the form of before signatures": leave_the_seal_out,
    "other spaces or another order": write_it_otherwise,
    "a key twice": repeat_a_key,
}


def _seal_of(receipt: Receipt) -> Seal:
    if receipt.seal is None:
        raise ValueError("the receipt is not signed")
    return receipt.seal


def _with_seal(receipt: Receipt, seal: Seal | None) -> bytes:
    return replace(receipt, seal=seal).content


def _changed(draw: random.Random, receipt: Receipt) -> Receipt:
    """Return the receipt with another value at one place of its content, without a seal."""
    content = receipt.as_json()
    while True:
        document = json.loads(json.dumps(content))
        box, key = draw.choice([*_places(document)])
        box[key] = _another(draw, box[key])
        try:
            found = receipt_of(document)
        except (KeyError, TypeError):
            continue  # another schema: not of the form of a receipt
        if found.schema == receipt.schema and found.digest != receipt.digest:
            return found


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Return every box and key in `node` behind which there is a plain value."""
    pairs = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    below = [place for _, value in pairs for place in _places(value)]
    return [*below, *((node, key) for key, value in pairs if not isinstance(value, dict | list))]


def _another(draw: random.Random, value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + draw.choice((1, -1, 0.001))
    if value in ("failed", "warned", "inconclusive"):
        return "passed"
    return f"{value}x" if isinstance(value, str) else "x"
