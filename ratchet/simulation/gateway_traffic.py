"""Visitors: the simulated people at the other end of a real gateway, over HTTP: they ask, some complain, annotators
label.

Add here what people do at the gateway. Whom they are and what they write is `weeks.py`; nothing here knows the answers
of a model.
"""

import json
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.simulation.weeks import CLASSIFIER, SimulatedRequest

_TIMEOUT_S = 60


@dataclass(frozen=True)
class SimulatedAnswer:
    """What became of one request: the label that was answered, by which adapter, and whether it could have been
    right."""

    label: str
    adapter: str
    right: bool


@dataclass(frozen=True)
class SimulatedUsers:
    """People who talk to the gateway at `url`, `at_once` of them at a time."""

    url: str
    classifier: str = CLASSIFIER
    at_once: int = 8

    def come(self, requests: Sequence[SimulatedRequest]) -> list[SimulatedAnswer]:
        """Every request is asked once; wrong answers get feedback, and what annotators label blindly comes back as
        corrections.

        Raises `RatchetError` for an answer that is no success.
        """
        with ThreadPoolExecutor(self.at_once) as people:
            return list(people.map(self._visit, requests))

    def _visit(self, request: SimulatedRequest) -> SimulatedAnswer:
        asked = {"text": request.log["text"], "user_id": request.log["request_id"]}
        answer = self._post(f"/v1/classifiers/{self.classifier}", asked)
        told = {"classifier": self.classifier, "request_id": answer["request_id"]}
        right = answer["label"] in request.possible
        if not right:
            self._post("/v1/feedback", {**told, "verdict": "wrong"})
        for correction in request.corrections:
            if not correction["saw_prediction"]:
                said = {"label": correction["label"], "annotator": correction["annotator"], "saw_prediction": False}
                self._post("/v1/corrections", {**told, **said})
        return SimulatedAnswer(answer["label"], answer["adapter"], right)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        content = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as reply:  # noqa: S310
                return dict(json.load(reply))
        except OSError as error:
            raise RatchetError(
                f"the gateway did not answer {path} ({error}).", "Look into its log.", code="no_answer"
            ) from None
