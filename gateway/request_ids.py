"""Request ids: each names one answer, and proves that this home gave it, and to whom.

An id is a random part with two authentication codes under the home's secret: one covers the classifier, the other also
the key that asked. So a genuine id is recognised without storing anything, and proves nothing to anyone else. Add here
what an id may prove; the secret itself is in `ratchet/storage/keys/request_id_secret.py`.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

_RANDOM_BYTES, _CODE_BYTES = 15, 12  # whole base64 letters, so that an id has only one spelling
_FORM = re.compile(r"rq_([A-Za-z0-9_-]{20})([A-Za-z0-9_-]{16})([A-Za-z0-9_-]{16})")
_ABSENT = ("-" * 20, "-" * 16, "-" * 16)


@dataclass(frozen=True)
class IdProof:
    """Facts about an id: `ours` (its form), `genuine` (an answer of the classifier), `own` (given to the asker)."""

    ours: bool
    genuine: bool
    own: bool


@dataclass(frozen=True)
class RequestIds:
    """Maker and judge of ids under `secret`."""

    secret: bytes

    def make(self, classifier: str, asker: str) -> str:
        """Return a new id for an answer of `classifier` to the key named `asker`: 55 letters, never the same twice."""
        drawn = _letters(secrets.token_bytes(_RANDOM_BYTES))
        return f"rq_{drawn}{self._code('answer', classifier, drawn)}{self._code('asker', classifier, drawn, asker)}"

    def judge(self, request_id: str, classifier: str, asker: str) -> IdProof:
        """Return what `request_id` proves; the codes are compared in constant time, also for an id of another form."""
        match = _FORM.fullmatch(request_id)
        drawn, answer, recipient = match.groups() if match else _ABSENT
        genuine = hmac.compare_digest(answer, self._code("answer", classifier, drawn)) & (match is not None)
        own = hmac.compare_digest(recipient, self._code("asker", classifier, drawn, asker)) & genuine
        return IdProof(match is not None, genuine, own)

    def _code(self, *parts: str) -> str:
        return _letters(hmac.digest(self.secret, "\0".join(parts).encode(), "sha256")[:_CODE_BYTES])


def _letters(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()
