"""The promoter: looks at the evidence of a rollout, and carries out what follows. It trusts no earlier verdict.

Sensor, job and command all come here. Add here what must be read or written around a decision; the decision itself is
`ratchet/promotion.py`, the first entrance of an adapter `ceremony.py`.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ratchet import ledger_entry as act
from ratchet.errors import BlockedError, RatchetError
from ratchet.files import write_json
from ratchet.ledger_entry import Entry
from ratchet.ledger_head import Head
from ratchet.promotion import STAY, Decision, decide
from ratchet.standing import Standing
from ratchet.stores.ceremony import actor, nominate
from ratchet.stores.flags import Flags
from ratchet.stores.home import Home
from ratchet.stores.landing import Landing
from ratchet.stores.ledger import Ledger
from ratchet.stores.pairs import Pairs
from ratchet.stores.serving import move, settle
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


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
    warehouse = Warehouse(home.warehouse)
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


def roll_back(
    home: Home, classifier: str, why: str, *, who: str = "", after: Head | None = None, now: datetime | None = None
) -> Entry:
    """Take the challenger, or else live itself, back at once, by this user's word. Needs no gate, no evidence, no warehouse.

    `who` is the user, if not the one who runs this process. With `after`, raises `RatchetError` when the ledger has another
    head by now; without, it wins over whoever decides meanwhile. A rollback that was killed before its flag is finished, not
    repeated, and so is one that somebody else was faster with. Raises when there is nothing to return to.
    """
    standing = Ledger(home).standing(classifier)
    gone = standing.challenger or standing.live
    if (newest := standing.newest) and newest.action == act.ROLLBACK and not _is_published(home, classifier, newest):
        settle(home, classifier)
        return newest
    while True:
        try:
            return _roll_back(home, classifier, standing, {"why": f"Rolled back: {why}", "actor": who or actor()}, after, now)
        except RatchetError as error:
            if error.code != "bad_move" or Ledger(home).head(classifier) == standing.head:
                raise
        standing = Ledger(home).standing(classifier)
        if gone not in {standing.challenger, standing.live} and standing.newest is not None:
            settle(home, classifier)  # somebody else took it back
            return standing.newest


def _roll_back(
    home: Home, classifier: str, standing: Standing, said: dict[str, str], after: Head | None, now: datetime | None
) -> Entry:
    if standing.refuge is None:
        raise RatchetError(
            f"{classifier} has no earlier adapter to return to.",
            f"Stop it instead: ratchet kill {classifier} sends everyone to live; or promote another.",
            code="no_refuge",
        )
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return move(
        home, classifier, after=after, ts=at, action=act.ROLLBACK, adapter=standing.refuge,
        previous_adapter=standing.challenger or standing.live, week=standing.entered.week if standing.entered else "",
        receipts={}, **said,
    )  # fmt: skip


def _is_published(home: Home, classifier: str, entry: Entry) -> bool:
    published = Flags(home).read().rollouts.get(classifier)
    return published is not None and published.head.sequence >= entry.sequence


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
