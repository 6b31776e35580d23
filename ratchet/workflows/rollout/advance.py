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
from ratchet.rollout.state import Standing
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.nominate import actor, nominate
from ratchet.workflows.rollout.reconcile import move, settle


@dataclass(frozen=True)
class Weighed:
    """A decision, and the standing that it was taken on."""

    standing: Standing
    decision: Decision


def weigh(home: Home, classifier: str, *, now: datetime | None = None) -> Weighed:
    """The decision that the evidence asks for at `now`. Takes landed rows into the warehouse first; moves nothing.

    An advance is looked at once more: the candidate's receipts, answers and bytes must still let it pass, else it holds.
    """
    settle(home, classifier)  # what a killed promoter left half done is finished before anything new is decided
    spec, standing = Specs(home)[classifier], Ledger(home).standing(classifier)
    warehouse = open_warehouse(home.warehouse)
    Landing(home, warehouse).take(spec)
    entered, moved = standing.entered, standing.moved
    if standing.compared is None or entered is None or moved is None:
        whole, step = Pairs(home, warehouse).count(classifier, ("", ""), 0, 0)
    else:
        since = entered.sequence if standing.challenger else moved.sequence
        whole, step = Pairs(home, warehouse).count(classifier, standing.compared, since, moved.sequence)
    decision = decide(standing, spec.promotion, whole, step, now or datetime.now(UTC))
    if decision.action in {act.STEP, act.PROMOTE}:
        try:
            nominate(home, classifier, decision.adapter)
        except (BlockedError, RatchetError) as error:
            said = f"Held: looked at again, the candidate may not advance: {error.message}"
            decision = replace(decision, action=STAY, percent=0, sentence=said)
    return Weighed(standing, decision)


def carry_out(home: Home, classifier: str, weighed: Weighed, *, now: datetime | None = None) -> Entry | None:
    """Write what was decided: an entry unless it is to hold, the flag, and the decision for whoever asks; the entry.

    Raises `RatchetError` when another promoter was faster; it has decided on the same evidence, and nothing is lost.
    """
    decision, standing, at = weighed.decision, weighed.standing, (now or datetime.now(UTC)).isoformat(timespec="seconds")
    entry = None
    if decision.action != STAY:
        entry = move(
            home,
            classifier,
            after=standing.head,
            key=f"{standing.head.digest[:16]}:{decision.action}:{decision.percent}",
            ts=at,
            actor=actor(),
            action=decision.action,
            why=decision.sentence,
            adapter=decision.adapter,
            previous_adapter=decision.gone,
            week=standing.entered.week if standing.entered else "",
            receipts={},
            percent=decision.percent,
            evidence=decision.figures,
        )
    remember(home, classifier, decision, at, standing.head)
    return entry


def stop_or_resume(home: Home, classifier: str, why: str, *, lift: bool = False) -> Entry:
    """Stop the ladder where it stands, or lift the stop; traffic does not change. Raises when it is so already."""
    standing = Ledger(home).standing(classifier)
    if standing.live is None or standing.held is not lift:
        said = "is not stopped" if lift else "is stopped already" if standing.live else "has nothing live"
        raise RatchetError(f"the ladder of {classifier} {said}.", "Look at 'ratchet status'.", code="bad_move")
    return move(
        home, classifier, after=standing.head, ts=datetime.now(UTC).isoformat(timespec="seconds"), actor=actor(),
        action=act.RESUME if lift else act.HOLD, why=why, adapter=standing.live,
        week=standing.entered.week if standing.entered else "", receipts={},
    )  # fmt: skip


def remember(home: Home, classifier: str, decision: Decision, at: str, head: Head) -> None:
    """Keep the newest decision, taken on `head`, for page and `ratchet status`. A full disk does not stop a rollback."""
    try:
        write_json(home.rollout(classifier), {**describe(decision, at), "sequence": head.sequence})
    except OSError:
        return


def recall(home: Home, classifier: str) -> dict[str, Any]:
    """The decision that was remembered last; empty when there is none that can be read."""
    try:
        found = json.loads(home.rollout(classifier).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def describe(decision: Decision, at: str) -> dict[str, Any]:
    """A decision as JSON types."""
    return {"schema": 1, "at": at, **asdict(decision)}
