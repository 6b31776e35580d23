"""Simulated people who review: they take what the gateway's review page asks of them, as JSON, and answer it.

Add here what people do with the review queue. What they would answer is the caller's to say; nothing here knows what a
model answered.
"""

import json
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import SIMULATED_REQUEST_S
from ratchet.simulation.weeks import CLASSIFIER


@dataclass(frozen=True)
class SimulatedReviewer:
    """Person at the review page of the gateway at `url`, with a key of the scope `review`."""

    url: str
    key: str
    judge: Callable[[str], str]
    """Label that this person gives to a text."""
    classifier: str = CLASSIFIER

    def work(self, most: int = 1000) -> list[dict[str, Any]]:
        """Answer what waits, at most `most` requests; return the acknowledgements, each with its `label` and `reasons`.

        Raises `RatchetError` when the gateway does not answer with success.
        """
        done: list[dict[str, Any]] = []
        following = self.next_item()
        while following is not None and len(done) < most:
            done.append(self.answer(following))
            following = done[-1]["item"] or self.next_item()
        return done

    def waiting(self, reason: str) -> int:
        """Return how many requests wait for a reason."""
        found = self._ask("")["waiting"]
        return sum(each["items"] for each in found if each["reason"] == reason)

    def next_item(self) -> dict[str, Any] | None:
        """Return the item in front of this person, None where nothing waits."""
        item: dict[str, Any] | None = self._ask("/next")["item"]
        return item

    def answer(self, item: dict[str, Any]) -> dict[str, Any]:
        """Answer an item; return the acknowledgement."""
        label = self.judge(item["text"])
        body = {"request_id": item["request_id"], "label": label, "seconds": 2.0}
        return {**self._ask("/answer", body), "label": label, "reasons": item["reasons"]}

    def _ask(self, what: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        headers = {
            "Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {self.key}",
        }  # fmt: skip
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/review/{self.classifier}{what}", content, headers)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=SIMULATED_REQUEST_S) as reply:  # noqa: S310
                return dict(json.load(reply))
        except OSError as error:
            details = error.read().decode()[:300] if isinstance(error, HTTPError) else ""
            raise RatchetError(
                f"the gateway did not answer a reviewer ({error}). {details}".strip(), "Read its log.", code="no_answer"
            ) from None
