"""Parts of one gateway process, and how a request finds them.

Add here what several routes share.
"""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from gateway.feedback_log import FeedbackLog
from gateway.observability.metrics import Metrics
from gateway.request_ids import RequestIds
from gateway.review.feed import ReviewFeed
from gateway.review.queues import Queues
from gateway.row_log import RowLog
from gateway.serving.batching import Batcher
from gateway.serving.slots import Slots
from gateway.settings import Settings
from gateway.shadowing import Shadowing


@dataclass(frozen=True)
class Gateway:
    """Parts of a running gateway."""

    settings: Settings
    slots: Slots
    batcher: Batcher
    landing: RowLog
    metrics: Metrics
    shadowing: Shadowing
    ids: RequestIds
    feedback: FeedbackLog
    feed: ReviewFeed
    queues: Queues


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that received this request."""
    return cast(Gateway, request.app.state.gateway)
