"""What the gateway acknowledges intake takes, evidence counts by person, and what is not taken is said."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.specs import Specs
from ratchet.testing.homes import write_pairs

Serve = Callable[..., TestClient]
URL = "/v1/classifiers/small"
A, B = "a" * 64, "b" * 64
TEXTS = (
    "a parcel", " \u200bparcel", "\u200b", "\u2060\ufeff", "\u3164", "\u2800", "\u00ad", "\U000e0041", "\u202e",
    "\ufe0f",
    "\u0301", "\u115f\u1160", "\t\n", "\u2028", "\u0085", "x\u0000", "\x1b[0m", "x" * 8000, "\U0001f600" * 8000,
    "x" * 65_536, "\U0001f600" * 65_536, "x" * 65_537,
    "\ue000", "\ufffd", "caf\u00e9", "'); DROP TABLE x; --", '"', "\\", "a,b\nc", "{}", "null",
)  # fmt: skip
NAMES = ("r1", "rq", "\u00e9" * 200, "a b", " ", "'", '"', "\u3000", "x" * 200, "\ufdfa", "7", "\u0430", "-", "a\u0301")


def bearer(home: Home, name: str, *scopes: str, **limits: Any) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {Keys(home.keys).add(name, scopes, **limits)}"}


def take(home: Home, client: TestClient) -> list[tuple[str, int, dict[str, int]]]:
    """Stop the gateway, and take the rows that it sealed."""
    client.__exit__(None, None, None)
    taken = Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])
    client.__enter__()
    return [(found.kind, found.accepted, found.reasons) for found in taken]


def test_intake_takes_every_row_that_the_gateway_took(serve: Serve, home: Home) -> None:
    """Texts in which nothing can be seen are refused at once; none that was answered is refused later."""
    client = serve(durable=True, max_body_bytes=1 << 20)
    statuses = [client.post(URL, json={"text": text}).status_code for text in TEXTS]
    assert set(statuses) == {200, 422}
    corrected = [
        client.post(
            "/v1/corrections",
            json={"classifier": "small", "request_id": name, "label": "green", "saw_prediction": True},
        ).status_code
        for name in NAMES
    ]
    assert set(corrected) <= {201, 422}
    ids = [client.post(URL, json={"text": f"parcel {n}"}).json()["request_id"] for n in range(3)]
    for request_id in ids:
        body = {"classifier": "small", "request_id": request_id, "label": "green", "saw_prediction": True}
        assert client.post("/v1/corrections", json=body).status_code == 201
    (logs, accepted, reasons), (_, votes, waiting) = take(home, client)
    assert (logs, accepted, reasons) == ("production_logs", statuses.count(200) + 3, {})
    assert votes == 3
    assert [reason for reason in waiting if not reason.startswith("no production log")] == []


def evidence(
    home: Home, client: TestClient, headers: list[dict[str, str]], requests: list[str]
) -> tuple[Evidence, int]:
    """Let each key correct each request under three names; the evidence on it, and the number of names refused."""
    write_pairs(home, "small", (A, B), 1, [(request, "green", "amber") for request in requests])
    refused = 0
    for key in headers:
        for request in requests:
            for annotator in ("ann", "ben", "cat"):
                body = {"classifier": "small", "request_id": request, "label": "amber", "annotator": annotator}
                reply = client.post("/v1/corrections", json={**body, "saw_prediction": False}, headers=key)
                refused += reply.status_code == 403
    take(home, client)
    (found,) = Pairs(home, open_warehouse(home, "small")).count("small", (A, B), 1)
    return found, refused


@pytest.mark.parametrize(("blind", "labelled", "people"), [(False, 0, 0), (True, 3, 1)])
def test_one_key_decides_a_rollout_under_no_other_name(
    serve: Serve, home: Home, blind: bool, labelled: int, people: int
) -> None:
    """Three invented names are refused; its own corrections are anchored, or, if it is blind, one person's."""
    users, ann = bearer(home, "web", "classify"), bearer(home, "ann", "annotate", blind=blind)
    client = serve(durable=True)
    requests = [client.post(URL, json={"text": f"parcel {n}"}, headers=users).json()["request_id"] for n in range(3)]
    found, refused = evidence(home, client, [ann], requests)
    assert refused == 6
    assert (found.requests, found.labelled, found.only_challenger, found.people) == (3, labelled, labelled, people)


def test_two_people_are_two_and_a_second_name_of_one_is_not(serve: Serve, home: Home) -> None:
    """`[people]` makes the names of a person one."""
    home.spec("small").write_text(home.spec("small").read_text() + '\n[people]\nann = ["ben"]\ncat = []\n')
    users = bearer(home, "web", "classify")
    keys = [bearer(home, name, "annotate", blind=True) for name in ("ann", "cat")]
    client = serve(durable=True)
    requests = [client.post(URL, json={"text": f"parcel {n}"}, headers=users).json()["request_id"] for n in range(3)]
    found, _ = evidence(home, client, keys, requests)
    assert (found.labelled, found.people) == (3, 2)


def test_readyz_counts_what_is_not_taken(serve: Serve, home: Home) -> None:
    """Rows that wait or are damaged, by reason, and nothing of what a file held; the gateway stays ready."""
    client = serve(durable=True)
    body = {"classifier": "small", "request_id": "r1", "label": "green", "saw_prediction": True}
    assert client.post("/v1/corrections", json=body).status_code == 201
    *_, journal = left_behind(home.journal("small", "corrections"))
    client.post("/v1/corrections", json={**body, "request_id": "r2"})
    journal.write_bytes(journal.read_bytes().replace(b'"r1"', b'"r9"'))
    (home.landing("small", "corrections") / "x.csv").write_text("my secret column,iban\n1,2\n")
    take(home, client)
    found = client.get("/readyz")
    assert found.status_code == 200
    rows = found.json()["rows"]["small"]
    assert rows["damaged"] == {"the disk changed rows in a journal after they were acknowledged": 1}
    assert sum(rows["waiting"].values()) == 1
    assert list(rows["rejected"]) == ["the file has no column ..., which corrections needs"]
    assert "iban" not in found.text
