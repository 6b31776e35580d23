"""What the tests of reviewing share: requests in the queue, a gateway over them, and people with keys at a browser."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import LOW_CONFIDENCE
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.workflows.review.enqueue import enqueue

PAGE = {"Accept": "text/html"}
SEED = 0
"""Byte of the home's secret: none of the first twelve requests of low confidence is drawn for two people."""


@pytest.fixture
def queue(home: Home) -> Callable[..., list[str]]:
    """Queue texts under ids of their own, and return these: `queue(["a", "b"], reason=..., chosen=...)`."""

    home.secret.write_text((bytes([SEED]) * 32).hex())  # the draw of requests that two people label, as it is here
    home.secret.chmod(0o600)

    def put(texts: Sequence[str], reason: str = LOW_CONFIDENCE, **more: Any) -> list[str]:
        ids = [f"{reason}-{n}" for n in range(len(texts))]
        now = datetime.now(UTC)
        items = [QueuedRequest(each, reason, now, text, **more) for each, text in zip(ids, texts, strict=True)]
        enqueue(home, "small", items, writer="commands")
        return ids

    return put


def hidden(page: str) -> dict[str, str]:
    """Fields of the forms of a page that nobody sees, by name; of two with one name that of the last form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


@dataclass
class Person:
    """One person at a browser of their own, logged in."""

    client: TestClient
    secret: str

    def __post_init__(self) -> None:
        form = hidden(self.client.get("/login").text)
        assert self.client.post("/login", data={**form, "key": self.secret}).status_code == 303

    def next(self) -> str:
        """Return the page with the next item."""
        return self.client.get("/review/small/next", headers=PAGE).text

    def send(self, page: str, action: str = "answer", **fields: str) -> Any:
        """Send the form of a page; returns the response."""
        return self.client.post(f"/review/small/{action}", data={**hidden(page), **fields}, headers=PAGE)


@pytest.fixture
def people(home: Home, serve: Callable[..., TestClient]) -> Callable[..., list[Person]]:
    """Start one gateway, and log people in, each with a key for `review` and a browser of their own."""

    def start(*names: str, **settings: object) -> list[Person]:
        secrets = {name: Keys(home.keys).add(name, ("review",)) for name in names}
        first = serve(**settings)
        result = []
        for name in names:
            client = TestClient(first.app, base_url="http://127.0.0.1:8008", follow_redirects=False)
            client.portal = first.portal  # one event loop for all, as in one gateway
            result.append(Person(client, secrets[name]))
        return result

    return start
