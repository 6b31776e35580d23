"""Simulated users of a real gateway, over HTTP: they send requests, some give feedback, annotators correct.

Add here what people do at the gateway. Their requests come from `weeks.py`; nothing here knows the predictions of a
model.
"""

import json
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import SIMULATED_REQUEST_S
from ratchet.simulation.weeks import CLASSIFIER, SimulatedRequest


@dataclass(frozen=True)
class SimulatedAnswer:
    """Answer to one request: predicted label, adapter, whether the label is one of the possible ones, and whether a
    complaint about it was taken."""

    label: str
    adapter: str
    right: bool
    complained: bool = False


@dataclass(frozen=True)
class SimulatedUsers:
    """Simulated users of the gateway at `url`, `at_once` of them at a time."""

    url: str
    key: str
    """Secret of a key for users and blind annotators."""
    classifier: str = CLASSIFIER
    at_once: int = 8

    def come(self, requests: Sequence[SimulatedRequest]) -> list[SimulatedAnswer]:
        """Send every request once; wrong answers get feedback, and blind corrections of annotators are sent back.

        Feedback above the gateway's cap is not taken, and nobody minds.

        Raises `RatchetError` when the gateway does not answer with success.
        """
        with ThreadPoolExecutor(self.at_once) as people:
            return list(people.map(self._visit, requests))

    def _visit(self, request: SimulatedRequest) -> SimulatedAnswer:
        body = {"text": request.log["text"], "user_id": request.log["request_id"]}
        answer = self._post(f"/v1/classifiers/{self.classifier}", body)
        reference = {"classifier": self.classifier, "request_id": answer["request_id"]}
        right = answer["label"] in request.possible
        complained = not right and bool(self._post("/v1/feedback", {**reference, "verdict": "wrong"}))
        for correction in request.corrections:
            if not correction["saw_prediction"]:
                label = {"label": correction["label"], "annotator": correction["annotator"], "saw_prediction": False}
                self._post("/v1/corrections", {**reference, **label})
        return SimulatedAnswer(answer["label"], answer["adapter"], right, complained)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(self.url + path, content, headers)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=SIMULATED_REQUEST_S) as reply:  # noqa: S310
                return dict(json.load(reply))
        except OSError as error:
            if path == "/v1/feedback" and isinstance(error, HTTPError) and error.code == HTTPStatus.TOO_MANY_REQUESTS:
                return {}
            raise RatchetError(
                f"the gateway did not answer {path} ({error}).", "Read its log.", code="no_answer"
            ) from None
