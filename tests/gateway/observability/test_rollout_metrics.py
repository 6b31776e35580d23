"""Prometheus is told where each rollout stands, and figures only of the state that is."""

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from types import ModuleType

import pytest
from starlette.testclient import TestClient

import gateway.observability.rollout_metrics
from ratchet.config.policy import PromotionPolicy
from ratchet.core.files import write_json
from ratchet.rollout.decision import decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.rollback import roll_back

EVIDENCE = Evidence(
    requests=1000, disagreements=60, labelled=80, only_incumbent=3, only_challenger=5, answered=100,
    incumbent_p95_ms=10.0, challenger_p95_ms=11.0, by_label_counts={"amber": (50, 50, 0)},
)  # fmt: skip
Enter = Callable[..., None]


def read_metrics(client: TestClient) -> dict[str, float]:
    """The rollout's lines of `/metrics`, once the gateway has looked at the ledger."""
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    found = re.findall(
        r"^(ratchet_(?:rollout_status|guardrail_value)\{.*\}) (\S+)$", client.get("/metrics").text, re.MULTILINE
    )
    return {name: float(value) for name, value in found}


def weigh(home: Home, **changed: object) -> None:
    """Remember a decision as the promoter does, without carrying it out."""
    state = Ledger(home).state("small")
    chosen = decide(state, PromotionPolicy(), EVIDENCE, EVIDENCE, datetime.now(UTC))
    document = {"schema": 1, "at": "2026", **asdict(chosen), "sequence": state.head.sequence, **changed}
    write_json(home.rollout("small"), document)


def test_the_status_follows_the_ledger(
    serve: Callable[..., TestClient], home: Home, made: tuple[Home, list[str]], enter: Enter
) -> None:
    """1 promoted, 0 while it runs, 2 once it was taken back."""
    second = made[1][1]
    client, name = serve(), 'ratchet_rollout_status{classifier="small"}'
    assert read_metrics(client) == {name: 1}
    enter(second, "shadow")
    assert read_metrics(client) == {name: 0}
    weigh(home)
    found = read_metrics(client)
    assert found['ratchet_guardrail_value{classifier="small",metric="disagreement"}'] == 0.06
    assert found['ratchet_guardrail_value{classifier="small",metric="latency"}'] == pytest.approx(1.1)
    assert found['ratchet_guardrail_value{classifier="small",metric="accuracy of amber"}'] == -1
    enter(second, "step", 25)
    assert read_metrics(client) == {name: 0}
    roll_back(home, "small", "worse")
    assert read_metrics(client) == {name: 2}


def test_a_metric_is_of_a_closed_set(
    serve: Callable[..., TestClient],
    home: Home,
    made: tuple[Home, list[str]],
    enter: Enter,
    plant: Callable[..., ModuleType],
) -> None:
    """Whatever the unsigned note names, only known guardrails become a label; a scrape that told all is noticed."""
    enter(made[1][1], "shadow")
    rails = [{"name": f"accuracy of user {n}", "status": "ok", "said": "", "value": 0.5} for n in range(100)]
    weigh(home, guardrails=rails)
    client = serve()
    assert len(read_metrics(client)) == 1
    told = client.app.state.gateway  # type: ignore[attr-defined] # Starlette knows only ASGI
    mutant = plant(gateway.observability.rollout_metrics, "rail.name in known and ", "")
    mutant.set_rollout_gauges(home, told.slots, told.metrics)
    assert len(list(told.metrics.guardrail.collect()[0].samples)) == 100


def test_a_broken_ledger_costs_no_scrape(serve: Callable[..., TestClient], home: Home) -> None:
    """The rollout has no status then, and the other metrics are there."""
    client = serve()
    home.ledger("small").write_text("{}\n")
    assert client.get("/metrics").status_code == 200
    assert read_metrics(client) == {}
