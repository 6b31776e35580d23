"""The shadow answers after the user has, never in the way, and what both said is landed as a pair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gateway import shadowing
from gateway.serving.batching import OverloadedError
from gateway.serving.slots import Served
from gateway.shadowing import is_sampled
from ratchet.data.user_hmac import user_hmac
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.inference.predictor import Predictions
from ratchet.review.draw import draw
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import is_intact
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.rollout.shadow_pairs import Pairs

Serve = Callable[..., TestClient]
URL = "/v1/classifiers/small"
TEXTS = [f"money back please number {n}" for n in range(12)]


def pairs(home: Home) -> list[dict[str, Any]]:
    """The landed pairs, in the order of time; every segment holds what its name says."""
    segments = sorted(home.pairs("small").glob("*.parquet"))
    assert all(map(is_intact, segments))
    return [row for path in segments for row in pq.read_table(path).to_pylist()]


def stop(client: TestClient) -> None:
    """Stop the application: shadow work that began is finished, and all is sealed."""
    client.__exit__(None, None, None)
    client.__enter__()


def test_a_shadow_answers_what_live_answered(serve: Serve, home: Home, made: Any, enter: Callable[..., None]) -> None:
    """One pair a request, under the ledger entry in force, with both digests, labels and times; the user sees live
    only."""
    enter(made[1][1], "shadow")
    client = serve()
    answers = [client.post(URL, json={"text": text, "user_id": f"u{n % 4}"}).json() for n, text in enumerate(TEXTS)]
    assert {answer["adapter"] for answer in answers} == {made[1][0]}
    stop(client)
    found = {row["request_id"]: row for row in pairs(home)}
    assert set(found) == {answer["request_id"] for answer in answers}
    for answer in answers:
        row = found[answer["request_id"]]
        assert (row["served"], row["other"], row["sequence"], row["other_error"]) == (made[1][0], made[1][1], 2, None)
        assert (row["served_label"], row["served_confidence"]) == (answer["label"], answer["confidence"])
        assert row["served_ms"] > 0
        assert row["other_ms"] > 0
    secret = keep_secret(home.secret)
    assert {row["request_id"]: row["draw"] for row in found.values()} == {
        request: draw(secret, "evidence", request) for request in found
    }
    users = [found[answer["request_id"]]["user_hmac"] for answer in answers]
    assert users == [user_hmac(secret, "small", f"u{n % 4}") for n in range(len(TEXTS))]
    assert len(set(users)) == 4
    segments = home.landing("small", "production_logs").glob("gateway-*.parquet")
    logged = [row for path in segments for row in pq.read_table(path).to_pylist()]
    assert {row["request_id"]: row["user_hmac"] for row in logged if row.get("user_hmac")} == {
        answer["request_id"]: user for answer, user in zip(answers, users, strict=True)
    }


def test_during_a_step_live_shadows_what_the_candidate_answered(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """Whoever answered, the other one is compared."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 50)
    client = serve()
    for number in range(40):
        client.post(URL, json={"text": TEXTS[0], "user_id": f"u{number}"})
    stop(client)
    sides = {(row["served"], row["other"]) for row in pairs(home)}
    assert sides == {(made[1][0], made[1][1]), (made[1][1], made[1][0])}


def test_a_killed_rollout_shadows_nothing(serve: Serve, home: Home, made: Any, enter: Callable[..., None]) -> None:
    """The kill switch ends shadowing too."""
    from ratchet.workflows.rollout.reconcile import kill_switch

    enter(made[1][1], "shadow")
    kill_switch(home, "small", on=True)
    client = serve()
    client.post(URL, json={"text": TEXTS[0]})
    stop(client)
    assert pairs(home) == []


def test_the_share_of_shadowed_requests_is_the_specifications() -> None:
    """The same id is always treated alike; nobody at 0, everybody at 1, about half at a half."""
    ids = [f"{n:032x}" for n in range(2000)]
    assert not any(is_sampled(each, 0.0) for each in ids)
    assert all(is_sampled(each, 1.0) for each in ids)
    half = [is_sampled(each, 0.5) for each in ids]
    assert sum(half) / 2000 == pytest.approx(0.5, abs=0.05)
    assert half == [is_sampled(each, 0.5) for each in ids]


@dataclass
class Broken:
    """An adapter that fails `times` times, then answers as `sound` does."""

    sound: Any
    times: int
    fault: type[Exception]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the sound one."""
        return tuple(self.sound.labels)

    @property
    def model(self) -> "Broken":
        """Itself: it shares its base with nobody."""
        return self

    def answer(self, asked: Sequence[tuple[Any, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """Fail, or answer."""
        if self.times > 0:
            self.times -= 1
            raise self.fault
        found: tuple[list[Predictions], float] = self.sound.model.answer([(self.sound, texts) for _, texts in asked])
        return found


def break_adapter(client: TestClient, digest: str, times: int = 10**6, fault: type[Exception] = MemoryError) -> None:
    """Put an adapter that fails in the place of `digest`, as if its memory had gone."""
    slots = client.app.state.gateway.slots  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    served = slots["small"]
    broken = Broken(served.predictors[digest], times, fault)
    predictors = {**served.predictors, digest: broken}
    slots._state.served["small"] = Served(served.spec, served.rollout, predictors)


def test_a_shadow_that_fails_harms_nobody_and_is_given_up(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """F15: live answers on; each failure is a pair with an error; after three in a row it is not asked any more."""
    enter(made[1][1], "shadow")
    client = serve()
    break_adapter(client, made[1][1])
    answers = [client.post(URL, json={"text": text}) for text in TEXTS]
    assert {answer.status_code for answer in answers} == {200}
    stop(client)
    errors = sorted(row["other_error"] for row in pairs(home))
    assert len(errors) == len(TEXTS)
    assert set(errors) == {"MemoryError", "given_up"}
    assert errors.count("MemoryError") >= 3


def test_a_candidate_that_fails_costs_no_user_an_answer(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """F26: live gives it, and the failure is evidence against the candidate."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 99)
    client = serve()
    break_adapter(client, made[1][1])
    answers = [client.post(URL, json={"text": TEXTS[0], "user_id": f"u{n}"}) for n in range(10)]
    assert {(answer.status_code, answer.json()["adapter"]) for answer in answers} == {(200, made[1][0])}
    stop(client)
    assert {(row["other"], row["other_error"] is None) for row in pairs(home)} == {(made[1][1], False)}


def test_a_candidate_that_failed_once_is_not_asked_again_for_the_pair(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """F26: a fault that passes leaves one pair with an error, which no second pair of the same request hides."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 99)
    client = serve()
    break_adapter(client, made[1][1], times=1)
    answers = [client.post(URL, json={"text": TEXTS[0], "user_id": f"u{n}"}).json() for n in range(6)]
    assert answers[0]["adapter"] == made[1][0]
    assert made[1][1] in {answer["adapter"] for answer in answers[1:]}
    stop(client)
    found = [(row["request_id"], row["other_error"]) for row in pairs(home)]
    assert [each for each in found if each[0] == answers[0]["request_id"]] == [
        (answers[0]["request_id"], "MemoryError")
    ]
    assert [error for _, error in found].count("MemoryError") == 1


def test_an_overload_after_a_candidates_failure_is_told_as_one(
    serve: Serve, made: Any, enter: Callable[..., None]
) -> None:
    """Live has no room for the answer that the candidate owes: 429, not 500."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 99)
    client = serve()
    break_adapter(client, made[1][1])
    break_adapter(client, made[1][0], fault=OverloadedError)
    assert {client.post(URL, json={"text": TEXTS[0], "user_id": f"u{n}"}).status_code for n in range(6)} == {429}


def test_a_shadow_without_room_is_dropped_and_counted(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """F10: the user is answered, no pair is landed, and the metric says how many are missing."""
    enter(made[1][1], "shadow")
    client = serve()
    batcher = client.app.state.gateway.batcher  # type: ignore[attr-defined] # as above
    batcher.shadow_waiting = 64
    assert {client.post(URL, json={"text": text}).status_code for text in TEXTS} == {200}
    batcher.shadow_waiting = 0
    assert f'ratchet_shadow_dropped_total{{classifier="small"}} {len(TEXTS)}.0' in client.get("/metrics").text
    stop(client)
    found = pairs(home)
    assert [(row["other"], row["other_label"], row["other_error"]) for row in found] == [
        (made[1][1], None, "dropped")
    ] * 12
    (evidence,) = Pairs(home, open_warehouse(home, "small")).count("small", made[1], 0)
    assert (evidence.requests, evidence.errors) == (0, 0)


def test_a_mutant_that_shadows_the_shadow_of_nobody_is_caught(plant: Callable[..., ModuleType]) -> None:
    """The sampling rule with its sign turned would shadow everyone but the sample."""
    mutant = plant(shadowing, "< share * 2**32", ">= share * 2**32")
    assert mutant.is_sampled("a", 0.0)
    assert not mutant.is_sampled("a", 1.0)


def test_the_folder_of_pairs_is_made_when_the_first_pair_comes(home: Home) -> None:
    """A home without a rollout has none."""
    assert not Path(home.pairs("small")).exists()
