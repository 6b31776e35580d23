"""Shadowing: the next candidate is found from receipts and ledger, and enters by a sensor or by hand.

Add here what must be read before a candidate may shadow; which one is next is `ratchet/rollout/entrance.py`.
"""

import logging

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.gates.chain import find_break, judged_on_examples
from ratchet.gates.eligibility import decide_eligibility
from ratchet.rollout.entrance import Entrance, PassedCycle, choose_entrant
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import candidates
from ratchet.workflows.rollout.budget import load_budget
from ratchet.workflows.rollout.freezing import load_freeze
from ratchet.workflows.rollout.nominate import Nominee, nominate, shadow
from ratchet.workflows.rollout.reconcile import reconcile

_LOG = logging.getLogger(__name__)
ONLY_BY_HAND = (
    "was judged by labelled examples alone; promote it by hand: ratchet promote {name} --skip-shadow --why TEXT"
)


def find_entrant(home: Home, name: str) -> Entrance:
    """Return the cycle whose candidate shadows next by itself, or why there is none.

    How the cycle ran does not matter: by the command, the UI, a schedule, a sensor or a backfill. One that a version
    before this rule ran is never chosen, so that an upgrade does not shadow an old week; `ratchet shadow` takes it.
    """
    entries = Ledger(home).entries(name)
    found = [PassedCycle(str(cycle.week), adapter) for cycle, adapter in candidates(home, name)]
    passed = [one for one in found if _passed(home, name, one)]
    by_hand = [one for one in passed if _needs_a_person(home, name, one.week)]
    state = state_after(entries)
    entrance = choose_entrant(name, state, entries, [one for one in passed if one not in by_hand])
    waiting = choose_entrant(name, state, entries, by_hand).cycle
    if entrance.cycle is None and waiting is not None:
        return Entrance(f"{waiting.adapter[:12]} of {waiting.week} {ONLY_BY_HAND.format(name=name)}")
    if entrance.cycle is not None and (held := load_budget(home, name, entries).held):
        return Entrance(f"Held: {entrance.cycle.adapter[:12]} of {entrance.cycle.week} waits: {held}")
    if entrance.cycle is not None and (frozen := load_freeze(home, name)):
        return Entrance(f"Held: {entrance.cycle.adapter[:12]} of {entrance.cycle.week} waits: {frozen}")
    return entrance


def shadow_by_hand(home: Home, name: str, adapter: str | None = None, why: str = "") -> tuple[Nominee, Entry]:
    """Let the newest candidate that passed, or `adapter`, shadow live; also one that did before and expired.

    Raises `BlockedError` where there is none, `RatchetError` where nothing is live or another one is being compared.
    """
    reconcile(home, name)
    state = Ledger(home).state(name)
    if state.live is None:
        raise RatchetError(
            f"{name} has no live adapter to shadow.",
            f"Promote the first by hand: ratchet promote {name} --why TEXT.",
            code="no_live",
        )
    _answer_with_live(home, name, adapter)
    nominee = nominate(home, name, adapter)
    if _needs_a_person(home, name, str(nominee.cycle.week)):
        raise BlockedError(
            f"{nominee.adapter[:12]} of {nominee.cycle.week} was judged by labelled examples alone, so nothing but a"
            " person may make it live.",
            f"Promote it by hand: ratchet promote {name} --skip-shadow --why TEXT.",
            code="by_hand",
        )
    if state.compared is not None:
        raise RatchetError(
            f"{state.compared[1][:12]} is being compared with live.",
            f"Decide on it first ('ratchet advance {name}', 'ratchet rollback {name}'), then shadow the next one.",
            code="comparing",
        )
    return nominee, shadow(home, nominee, why, after=state.head)


def _answer_with_live(home: Home, name: str, adapter: str | None) -> None:
    """Let live answer the items of the cycle of `adapter` (default: the newest that passed), if live changed since.

    Where it cannot, the nomination says what is missing.
    """
    from ratchet.workflows.gates.answer_again import answer_again  # models: who only asks who is next needs none

    for cycle, made in candidates(home, name):
        if (adapter is None or made.startswith(adapter)) and _passed(home, name, PassedCycle(str(cycle.week), made)):
            try:
                answer_again(home, cycle, made)
            except RatchetError as error:
                _LOG.warning("%s: live cannot answer the items of %s: %s", name, cycle.week, error.message)
            return


def _needs_a_person(home: Home, name: str, week: str) -> bool:
    return judged_on_examples(Receipts(home).read(Cycle(name, parse_week(week))))


def _passed(home: Home, name: str, one: PassedCycle) -> bool:
    cycle, store = Cycle(name, parse_week(one.week)), Receipts(home)
    links = store.links(cycle)
    if not links:
        return False
    try:
        receipts = store.read(cycle)
    except RatchetError:  # a damaged receipt does not let anything pass
        return False
    return decide_eligibility(one.adapter, receipts).allowed and not find_break(links, receipts)


def enter_by_itself(home: Home, name: str, week: str, adapter: str) -> Entry | str:
    """Let a cycle's candidate shadow, unless it is not the next one any more; return the entry, else the reason."""
    entrance = find_entrant(home, name)
    if entrance.cycle != PassedCycle(week, adapter):
        return entrance.reason
    _answer_with_live(home, name, adapter)
    try:
        return shadow(home, nominate(home, name, adapter), after=Ledger(home).head(name))
    except BlockedError as error:
        return f"{adapter[:12]} does not shadow: {error.message}"


def enter_again(home: Home, name: str, adapter: str) -> Entry | str:
    """Let a candidate whose comparison ended to begin again shadow at once; return the entry, else why it does not."""
    _answer_with_live(home, name, adapter)
    try:
        why = "Shadowing: its comparison begins again, by evidence that is drawn"
        return shadow(home, nominate(home, name, adapter), why, after=Ledger(home).head(name))
    except RatchetError as error:  # the newest candidate that waits enters then
        _LOG.warning("%s: %s does not begin again: %s", name, adapter[:12], error.message)
        return error.message
