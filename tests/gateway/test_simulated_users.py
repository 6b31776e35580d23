"""The demo's users and annotators get past a gateway with keys, and their corrections are blind votes of people."""

from typing import Any

import pytest

from orchestration.cli.demo.gateway_process import await_rollout
from orchestration.cli.demo.rollout import make_key
from ratchet.core.errors import RatchetError
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.simulation.gateway_traffic import SimulatedUsers
from ratchet.simulation.weeks import SimulatedRequest
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs

pytestmark = pytest.mark.slow


def request(number: int) -> SimulatedRequest:
    """A request that live answers wrongly, corrected by the blind annotator."""
    correction = {"label": "green", "annotator": "ann_a", "saw_prediction": False}
    log = {"text": f"money back number {number}", "request_id": f"u{number}"}
    return SimulatedRequest(log, (correction,), ("none of these",))


def test_simulated_users_are_served_with_the_demos_key(home: Home, gateway_processes: Any) -> None:
    """Thirty requests, all of them with feedback: what is above its cap is not taken, and nobody minds."""
    key = make_key(home)
    process, address = gateway_processes.start()
    await_rollout(home, "small", address, key)
    answers = SimulatedUsers(address, key, classifier="small").come([request(number) for number in range(30)])
    assert len(answers) == 30
    with pytest.raises(RatchetError, match="did not answer"):
        SimulatedUsers(address, "rk_wrong", classifier="small").come([request(99)])
    process.terminate()
    assert process.wait(timeout=60) == 0
    warehouse = open_warehouse(home, "small")
    Landing(home, warehouse).take(Specs(home)["small"])
    votes = warehouse.frame(
        "SELECT DISTINCT person, saw_prediction, count(*) AS n FROM attributed_corrections GROUP BY ALL"
    )
    assert votes.to_dict("records") == [{"person": "ann_a", "saw_prediction": False, "n": 30}]
