"""`ratchet backtest`: every stored cycle and rollout under another policy, and what happened to its candidate later.

A verdict is derived from the evidence of its receipt, a rollout's decision from the figures that its ledger entry
holds: nothing is trained, and nothing is changed. Add here another stored decision that can be made again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from ratchet.config.policy import Limits
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.gates.other_limits import uncounted_changes, under_limits
from ratchet.gates.rederivation import derive_again
from ratchet.gates.registry import GATES
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.policy_file import TriedPolicy
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import candidates
from ratchet.workflows.candidate_fate import find_fate

_DECIDED = (act.STEP, act.PROMOTE, act.RELEASE, act.REJECT, act.EXPIRE, act.ROLLBACK)


@dataclass(frozen=True)
class Flip:
    """One stored decision, and the same under the other policy."""

    kind: str
    """`cycle` or `rollout`."""
    week: str
    what: str
    """The gate of a cycle, or the number of a rollout's ledger entry."""
    then: str
    now: str
    """Outcome under the other policy; empty where it cannot be derived."""
    why: str
    """Reason of the outcome now, or of why there is none."""
    later: str
    """Fate of the candidate."""

    @property
    def flips(self) -> bool:
        """True where the other policy blocks what passed, lets pass what was blocked, or moves a rollout otherwise."""
        if not self.now:
            return False
        return self.then != self.now if self.kind == "rollout" else (self.then == "failed") != (self.now == "failed")

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {**{each.name: getattr(self, each.name) for each in fields(self)}, "flips": self.flips}


def backtest(home: Home, name: str, before: Limits, tried: TriedPolicy) -> list[Flip]:
    """Return every stored verdict and decision beside what it would be under `tried`, oldest first.

    `before` are the limits of `classifier.toml`. A cycle that failed at a gate never reached the later ones: what
    these would have decided only a new run can tell.
    """
    entries, receipts = Ledger(home).entries(name), Receipts(home)
    made = {str(cycle.week): digest for cycle, digest in candidates(home, name)}
    state, found = state_after(entries), list[Flip]()
    for week in reversed(receipts.weeks(name)):
        later = find_fate(entries, made.get(week, ""), state).sentence
        for gate in GATES:
            try:
                receipt = receipts.read_gate(Cycle(name, parse_week(week)), gate)
            except RatchetError as error:
                found.append(Flip("cycle", week, gate, "damaged", "", error.message, later))
                continue
            if receipt is not None:
                found.append(_judge_again(receipt, before, tried.limits, later))
    return [*found, *_decide_again(entries, tried)]


def _judge_again(receipt: Receipt, before: Limits, limits: Limits, later: str) -> Flip:
    then, gate = receipt.verdict, receipt.gate
    row = ("cycle", receipt.week, gate, then.outcome)
    if counted := uncounted_changes(gate, then.evidence, before, limits):
        return Flip(*row, "", f"its receipt does not tell what limits.{counted[0]} changes: run the week again", later)
    tried = under_limits(gate, then.evidence, limits)
    if tried == then.evidence:  # no limit of this gate differs
        return Flip(*row, then.outcome, then.reason, later)
    try:
        now = derive_again(gate, tried)
    except RatchetError as error:
        return Flip(*row, "", error.message, later)
    return Flip(*row, now.outcome, now.reason, later)


def _decide_again(entries: Sequence[Entry], tried: TriedPolicy) -> list[Flip]:
    """Return each decision that the promoter wrote, and what it would be; moves by people are left out."""
    found, after = list[Flip](), state_after(entries)
    for number, entry in enumerate(entries):
        if entry.action not in _DECIDED or "whole" not in entry.evidence:
            continue
        state = state_after(entries[:number])
        candidate = state.challenger or entry.previous_adapter or entry.adapter
        later = find_fate(entries, candidate, after).sentence
        row = ("rollout", entry.week, f"entry {entry.sequence}", _in_words(entry.action, entry.percent))
        try:
            whole, step = (_evidence(entry.evidence[key]) for key in ("whole", "step"))
            decision = decide(state, tried.promotion, whole, step, datetime.fromisoformat(entry.ts))
        except (KeyError, TypeError, ValueError) as error:
            found.append(Flip(*row, "", f"its figures are of an earlier version ({error})", later))
            continue
        found.append(Flip(*row, _in_words(decision.action, decision.percent), decision.sentence, later))
    return found


def _evidence(document: Mapping[str, Any]) -> Evidence:
    """Return counts as an entry of the ledger holds them; those of a later version are left out."""
    known = {each.name for each in fields(Evidence)}
    tables = {
        key: {k: tuple(v) for k, v in value.items()} for key, value in document.items() if isinstance(value, dict)
    }
    return Evidence(**{key: value for key, value in {**document, **tables}.items() if key in known})


def _in_words(action: str, percent: int) -> str:
    if action == act.STEP:
        return f"step {percent} %"
    return "hold" if action == STAY else action
