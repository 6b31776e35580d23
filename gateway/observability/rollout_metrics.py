"""Prometheus gauges of rollouts: the state of each, and the guardrails' values at their last evaluation.

Add here another value of a rollout. The gauges themselves are in `metrics.py`, the guardrails in
`ratchet/rollout/guardrails/measure.py`.
"""

from gateway.observability.metrics import Metrics
from gateway.serving.slots import Slots
from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.page.current_figures import find_figures
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.view import load_last_decision

RUNNING, PROMOTED, ROLLED_BACK = 0, 1, 2
_ALWAYS = {"accuracy", "disagreement", "errors", "latency"}


def set_rollout_gauges(home: Home, slots: Slots, metrics: Metrics) -> None:
    """Set the gauges of every classifier that serves, by the entry that it answers by.

    The rollout of one whose ledger cannot be read is removed.
    """
    values: list[tuple[str, str, float]] = []
    for name in slots.names():
        try:
            entries = Ledger(home).entries(name)
        except (RatchetError, OSError):
            metrics.rollout.remove_by_labels({"classifier": name})
            metrics.followed.labels(name).set(0)
            continue
        served = slots[name].rollout.head.sequence
        metrics.followed.labels(name).set(served == len(entries))
        state = state_after(entries[:served])  # what answers, which may be less than what was entered
        metrics.rollout.labels(name).set(number_state(state))
        spec = slots[name].spec
        known = _ALWAYS | {f"accuracy of {label}" for label in spec.labels}
        weighed = find_figures(spec.promotion, state, load_last_decision(home, name))
        values += [
            (name, rail.name, rail.value)
            for rail in weighed.guardrails
            if rail.name in known and rail.value is not None
        ]
    metrics.guardrail.clear()
    for name, metric, value in values:
        metrics.guardrail.labels(name, metric).set(value)


def number_state(state: RolloutState) -> int:
    """Return the code that operators know from Flagger; a rollback counts until the next rollout begins."""
    if state.compared is not None:
        return RUNNING
    return ROLLED_BACK if state.moved and state.moved.action in {act.ROLLBACK, act.REJECT} else PROMOTED
