"""Events of the gateway that may be a cause to queue requests for review.

Add here what another event carries; what becomes of it is `feed.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.spec import Spec
from ratchet.review.causes import AnsweredRequest


@dataclass(frozen=True)
class FeedEvent:
    """One event of a classifier: answers, a pair, or a user's feedback; `spec` is the one that served."""

    classifier: str
    spec: Spec
    answers: Sequence[AnsweredRequest] = ()
    compared: bool = False
    pair: Mapping[str, Any] | None = None
    complaint: tuple[str, str] | None = None
    """Request and source."""
    found: AnsweredRequest | None = None
    """Request of a complaint, where it was found already."""
