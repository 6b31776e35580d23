"""What Prometheus is told of rollouts: where each stands, and the guardrails' figures when they were last weighed.

Add here another figure of a rollout. The gauges themselves are `metrics.py`, the figures
`ratchet/rollout/guardrails.py`.
"""

from gateway.observability.metrics import Metrics
from gateway.serving.slots import Slots
from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.page.current_figures import find_figures
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.view import load_last_decision

RUNNING, PROMOTED, ROLLED_BACK = 0, 1, 2
_ALWAYS = {"accuracy", "disagreement", "errors", "latency"}


def set_rollout_gauges(home: Home, slots: Slots, metrics: Metrics) -> None:
    """Set the gauges of every classifier that serves. None where the ledger cannot be read."""
    result: list[tuple[str, str, float]] = []
    for name in slots.names():
        try:
            state = Ledger(home).state(name)
        except (RatchetError, OSError):
            metrics.rollout.remove_by_labels({"classifier": name})
            continue
        metrics.rollout.labels(name).set(number_state(state))
        spec = slots[name].spec
        known = _ALWAYS | {f"accuracy of {label}" for label in spec.labels}
        weighed = find_figures(spec.promotion, state, load_last_decision(home, name))
        result += [
            (name, rail.name, rail.value)
            for rail in weighed.guardrails
            if rail.name in known and rail.value is not None
        ]
    metrics.guardrail.clear()
    for name, metric, value in result:
        metrics.guardrail.labels(name, metric).set(value)


def number_state(state: RolloutState) -> int:
    """The coding that operators know from Flagger; a rollout that was taken back is so until the next begins."""
    if state.compared is not None:
        return RUNNING
    return ROLLED_BACK if state.moved and state.moved.action in {act.ROLLBACK, act.REJECT} else PROMOTED
