"""Request ids: each names one answer, and proves of itself that this home gave it, and to whom.

An id is a random part with two authentication codes under the home's secret: one says "an answer of this classifier",
the other also names the key that asked. Nothing has to be stored to tell a genuine id from an invented one, and an id
proves nothing to anyone else. Add here what an id may prove; the secret itself is
`ratchet/storage/request_id_secret.py`.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

_RANDOM_BYTES, _CODE_BYTES = 15, 12  # both are whole base64 letters, so that one id has one spelling
_FORM = re.compile(r"rq_([A-Za-z0-9_-]{20})([A-Za-z0-9_-]{16})([A-Za-z0-9_-]{16})")
_ABSENT = ("-" * 20, "-" * 16, "-" * 16)


@dataclass(frozen=True)
class IdProof:
    """What an id proves: it has the form of ours, an answer of the classifier bears it, and it was given to the
    asker."""

    ours: bool
    genuine: bool
    own: bool


@dataclass(frozen=True)
class RequestIds:
    """Makes and judges ids under `secret`."""

    secret: bytes

    def make(self, classifier: str, asker: str) -> str:
        """A new id of an answer of `classifier` to the key named `asker`: 55 letters, the same for no two answers."""
        drawn = _letters(secrets.token_bytes(_RANDOM_BYTES))
        return f"rq_{drawn}{self._code('answer', classifier, drawn)}{self._code('asker', classifier, drawn, asker)}"

    def judge(self, request_id: str, classifier: str, asker: str) -> IdProof:
        """What `request_id` proves; the codes are compared in constant time, also for an id of another form."""
        result = _FORM.fullmatch(request_id)
        drawn, answer, asked = result.groups() if result else _ABSENT
        genuine = hmac.compare_digest(answer, self._code("answer", classifier, drawn)) & (result is not None)
        own = hmac.compare_digest(asked, self._code("asker", classifier, drawn, asker)) & genuine
        return IdProof(result is not None, genuine, own)

    def _code(self, *said: str) -> str:
        return _letters(hmac.digest(self.secret, "\0".join(said).encode(), "sha256")[:_CODE_BYTES])


def _letters(content: bytes) -> str:
    return urlsafe_b64encode(content).decode()
