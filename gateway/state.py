"""What one gateway process holds, and how a request finds it.

Add here what several routes share.
"""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from gateway.batching import Batcher
from gateway.landing import Landing
from gateway.metrics import Metrics
from gateway.settings import Settings
from gateway.shadowing import Shadowing
from gateway.slots import Slots
from gateway.words import Words
from ratchet.request_ids import RequestIds


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway."""

    settings: Settings
    slots: Slots
    batcher: Batcher
    landing: Landing
    metrics: Metrics
    shadowing: Shadowing
    ids: RequestIds
    words: Words


def gateway_of(request: Request) -> Gateway:
    """The gateway that this request came to."""
    return cast(Gateway, request.app.state.gateway)
