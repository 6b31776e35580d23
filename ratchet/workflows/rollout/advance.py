"""The promoter: looks at the evidence of a rollout, and carries out what follows. It trusts no earlier verdict.

Sensor, job and command all come here. Add here what must be read or written around a decision; the decision itself is
`ratchet/rollout/decision.py`, the first entrance of an adapter `nominate.py`.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.files import write_json
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, Decision, decide
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.nominate import actor, nominate
from ratchet.workflows.rollout.reconcile import reconcile, record


@dataclass(frozen=True)
class WeighedRollout:
    """A decision, and the state that it was taken on."""

    state: RolloutState
    decision: Decision


def weigh(home: Home, classifier: str, *, now: datetime | None = None) -> WeighedRollout:
    """The decision that the evidence asks for at `now`. Takes landed rows into the warehouse first; moves nothing.

    An advance is looked at once more: the candidate's receipts, answers and bytes must still let it pass, else it
    holds.
    """
    reconcile(home, classifier)  # what a killed promoter left half done is finished before anything new is decided
    spec, state = Specs(home)[classifier], Ledger(home).state(classifier)
    warehouse = open_warehouse(home.warehouse)
    Landing(home, warehouse).take(spec)
    entered, moved = state.entered, state.moved
    if state.compared is None or entered is None or moved is None:
        whole, step = Pairs(home, warehouse).count(classifier, ("", ""), 0, 0)
    else:
        since = entered.sequence if state.challenger else moved.sequence
        whole, step = Pairs(home, warehouse).count(classifier, state.compared, since, moved.sequence)
    decision = decide(state, spec.promotion, whole, step, now or datetime.now(UTC))
    if decision.action in {act.STEP, act.PROMOTE}:
        try:
            nominate(home, classifier, decision.adapter)
        except (BlockedError, RatchetError) as error:
            said = f"Held: looked at again, the candidate may not advance: {error.message}"
            decision = replace(decision, action=STAY, percent=0, sentence=said)
    return WeighedRollout(state, decision)


def apply_decision(
    home: Home, classifier: str, weighed: WeighedRollout, *, now: datetime | None = None
) -> Entry | None:
    """Write what was decided: an entry unless it is to hold, the flag, and the decision for whoever asks; the entry.

    Raises `RatchetError` when another promoter was faster; it has decided on the same evidence, and nothing is lost.
    """
    decision, state, at = weighed.decision, weighed.state, (now or datetime.now(UTC)).isoformat(timespec="seconds")
    entry = None
    if decision.action != STAY:
        entry = record(
            home,
            classifier,
            after=state.head,
            key=f"{state.head.digest[:16]}:{decision.action}:{decision.percent}",
            ts=at,
            actor=actor(),
            action=decision.action,
            why=decision.sentence,
            adapter=decision.adapter,
            previous_adapter=decision.gone,
            week=state.entered.week if state.entered else "",
            receipts={},
            percent=decision.percent,
            evidence=decision.figures,
        )
    save_decision(home, classifier, decision, at, state.head)
    return entry


def stop_or_resume(home: Home, classifier: str, why: str, *, lift: bool = False) -> Entry:
    """Stop the ladder where it stands, or lift the stop; traffic does not change. Raises when it is so already."""
    state = Ledger(home).state(classifier)
    if state.live is None or state.held is not lift:
        said = "is not stopped" if lift else "is stopped already" if state.live else "has nothing live"
        raise RatchetError(f"the ladder of {classifier} {said}.", "Look at 'ratchet status'.", code="bad_move")
    return record(
        home, classifier, after=state.head, ts=datetime.now(UTC).isoformat(timespec="seconds"), actor=actor(),
        action=act.RESUME if lift else act.HOLD, why=why, adapter=state.live,
        week=state.entered.week if state.entered else "", receipts={},
    )  # fmt: skip


def save_decision(home: Home, classifier: str, decision: Decision, at: str, head: Head) -> None:
    """Keep the newest decision, taken on `head`, for page and `ratchet status`. A full disk does not stop a
    rollback."""
    try:
        write_json(home.rollout(classifier), {**describe_decision(decision, at), "sequence": head.sequence})
    except OSError:
        return


def load_decision(home: Home, classifier: str) -> dict[str, Any]:
    """The decision that was remembered last; empty when there is none that can be read."""
    try:
        result = json.loads(home.rollout(classifier).read_bytes())
    except (OSError, ValueError):
        return {}
    return result if isinstance(result, dict) else {}


def describe_decision(decision: Decision, at: str) -> dict[str, Any]:
    """A decision as JSON types."""
    return {"schema": 1, "at": at, **asdict(decision)}
