"""Nomination: finds the candidate that may become live, and checks its evidence again instead of trusting it.

Add here what must be read before a promotion. The rule over receipts is `ratchet/gates/eligibility.py`, the rules of
the gates are in their own modules; the entry that makes an adapter live is written by
`ratchet/storage/rollout/ledger.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.config.spec import Spec
from ratchet.core.current_user import current_user, name_person
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.deployment.targets import digests_of_targets
from ratchet.gates.candidate_identity import find_copy
from ratchet.gates.chain import find_break, judged_on_examples, learned_weeks
from ratchet.gates.eligibility import decide_eligibility
from ratchet.gates.recorded_fit import read_fit
from ratchet.gates.registry import TARGET_GATES
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.run_history import blocking_stage, candidates
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.recheck import judge_again
from ratchet.workflows.gates.stored_answers import compare_with, read_stored_answers
from ratchet.workflows.gates.target_gates import judge_artifact
from ratchet.workflows.rollout.budget import need_room
from ratchet.workflows.rollout.candidate_files import need_own_files
from ratchet.workflows.rollout.draw_stream import plan_stream
from ratchet.workflows.rollout.live_labels import has_other_names, need_labels_of_live, read_labels
from ratchet.workflows.rollout.receipt_trust import (
    key_in_force,
    need_fresh,
    need_same_settings,
    need_signed,
    required_gates,
)
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.sealing import need_sealed_labels


@dataclass(frozen=True)
class Nominee:
    """A candidate that may become live: it passed every gate, and its evidence still passes."""

    cycle: Cycle
    adapter: str
    reason: str
    receipts: dict[str, str]
    """Digest of each gate's receipt."""
    passed_over: tuple[str, ...] = ()
    """Newer candidates that may not become live, with the reason."""
    head: Head | None = None
    """Head of the ledger by which it was examined: its evidence is about what was live then."""


def nominate(home: Home, name: str, adapter: str | None = None, *, now: datetime | None = None) -> Nominee:
    """Find the candidate that may become live: `adapter` (a digest or its start), else the newest that passed.

    Raises `BlockedError` with the reason when there is none, `RatchetError` for an unknown adapter or damaged evidence.
    """
    spec, entries, considered = Specs(home)[name], Ledger(home).entries(name), candidates(home, name)
    state, at = state_after(entries), now or datetime.now(UTC)
    live = state.live
    if adapter is not None:
        digest = AdapterStore(home).find(name, adapter)
        considered = [(cycle, made) for cycle, made in considered if made == digest]
        if not considered and digest != live:
            raise BlockedError(
                f"no cycle of {name} made adapter {digest[:12]}.", "Run its cycle again.", code="no_evidence"
            )
        if digest == live:
            raise RatchetError(f"adapter {digest[:12]} is live already.", "Nothing is left to do.", code="already_live")
    refused: list[str] = []
    for cycle, made in considered:
        if made == live:  # the ones before it are older than what serves
            break
        try:
            reason, receipts = _examine(home, spec, cycle, made, entries, at)
        except BlockedError as error:
            refused.append(f"{made[:12]} of {cycle.week}: {error.message}")
            continue
        return Nominee(cycle, made, reason, receipts, tuple(refused), state.head)
    if not live and not considered and not Receipts(home).weeks(name):
        raise BlockedError(
            f"no cycle of {name} has run yet, so that it has no candidate.",
            f"Run one: ratchet cycle {name} --week latest.",
            code="blocked",
        )
    raise BlockedError(
        refused[0] if refused else _nothing(home, name, live),
        "Run another cycle after fixing the cause."
        if refused or not live
        else f"Run the cycle of a newer week: ratchet cycle {name} --week latest.",
        code="blocked",
    )


def promote(home: Home, nominee: Nominee, why: str, *, who: str = "", now: datetime | None = None) -> Entry:
    """Make the nominee live for this user: write `why` and the receipts into the ledger, then publish the flag.

    `who` is the person who decides, if the account of this process does not name one. Where no evidence proved the
    nominee, that is an override. Raises `RatchetError` where it lacks a name or a reason, and where somebody decided
    since it was nominated, as while its user was asked to confirm.
    """
    return _enter(home, nominee, "promote", why, now, after=nominee.head, who=name_person(who))


def shadow(
    home: Home, nominee: Nominee, why: str = "", *, after: Head | None = None, now: datetime | None = None
) -> Entry:
    """Let the nominee shadow live, the first rung of the ladder.

    With `after`, it is the entry after that one, new also for a nominee that shadowed before; raises `RatchetError`
    where the ledger has another head by now. Without, a repetition for the same cycle changes nothing. Raises
    `BlockedError` where the year's error of false promotions is spent.
    """
    if Ledger(home).state(nominee.cycle.classifier).challenger != nominee.adapter:
        need_room(home, nominee.cycle.classifier, now)
    key = f"{nominee.cycle.week}:{nominee.adapter[:16]}:shadow" + (f":after-{after.sequence}" if after else "")
    return _enter(home, nominee, "shadow", why or f"Shadowing: {nominee.reason}", now, key=key, after=after)


def actor() -> str:
    """Return the name of the user who runs this process, for the ledger."""
    return current_user()


def _enter(
    home: Home,
    nominee: Nominee,
    action: str,
    why: str,
    now: datetime | None,
    key: str = "",
    after: Head | None = None,
    who: str = "",
) -> Entry:
    cycle, at = nominee.cycle, now or datetime.now(UTC)
    if Receipts(home).keep(cycle) != nominee.receipts:
        raise BlockedError(
            f"the receipts of {cycle.week} changed while its candidate was checked.", "Try again.", code="stale"
        )
    return record(
        home,
        cycle.classifier,
        ts=at.isoformat(timespec="seconds"),
        actor=who or actor(),
        action=action,
        stream=plan_stream(home, Specs(home)[cycle.classifier], cycle, nominee.adapter, at).as_json(),
        why=why,
        adapter=nominee.adapter,
        week=str(cycle.week),
        receipts=nominee.receipts,
        gate_key=key_in_force(home, Ledger(home).entries(cycle.classifier)),
        key=key,
        after=after,
    )


def _examine(
    home: Home, spec: Spec, cycle: Cycle, adapter: str, entries: Sequence[Entry], now: datetime
) -> tuple[str, dict[str, str]]:
    """Check again that the candidate may become live; return the reason and its receipts.

    Raises `BlockedError` with the reason why it may not.
    """
    receipts, state = Receipts(home).read(cycle), state_after(entries)
    live = state.live
    if state.is_barred(adapter, {gate: receipt.digest for gate, receipt in receipts.items()}):
        raise BlockedError("it was rejected or rolled back, and has no new evidence since", code="barred")
    eligible = decide_eligibility(adapter, receipts, required=required_gates(adapter, receipts, entries))
    if not eligible.allowed:
        raise BlockedError(eligible.reason, code="blocked")
    need_signed(receipts, entries, key_in_force(home, entries))
    if adapter != state.challenger:  # one that is being compared has entered
        need_fresh(receipts, entries, spec.receipts.max_age_days, now)
    need_same_settings(receipts, spec)
    if broken := find_break(Receipts(home).links(cycle), receipts):
        raise BlockedError(f"{broken}: run its cycle again", code="stale")
    Quarantine(home).need_released(cycle.classifier, learned_weeks(receipts))
    # receipts are files that could be edited or outdated: read the adapter's bytes and judge its stored answers again
    labels = read_labels(home, cycle.classifier, adapter)
    need_sealed_labels(spec.narrowed(labels), entries)
    need_labels_of_live(home, cycle.classifier, labels)
    if adapter != state.challenger:
        need_own_files(home, cycle, adapter, labels, receipts, entries)
    answers = read_stored_answers(home, cycle, adapter)
    if answers.compared_with != live and live is not None:
        # Live has changed since, as when a candidate waited for another: both have answered the same golden set.
        answers = compare_with(home, answers, cycle, adapter, live) or answers
    if answers.compared_with != live:
        raise BlockedError(
            "it was compared with"
            f" {f'live {answers.compared_with[:12]}' if answers.compared_with else 'no live adapter'}, but"
            f" {f'{live[:12]} is live' if live else 'none is live'} now",
            code="stale",
        )
    # One whose labels have other names is not a copy, though its weights may be those of live to the last bit.
    if (copied := find_copy(answers.distance, str(live))) and not has_other_names(home, cycle.classifier, labels):
        raise BlockedError(copied, code="copy")
    items = sum(item.label in labels for item in Specs(home).golden(cycle.classifier))
    if len(answers.golden) != items:
        raise BlockedError(
            f"it answered {len(answers.golden)} golden items, but golden.jsonl holds {items}", code="stale"
        )
    golden = Specs(home).golden_digest(cycle.classifier)
    if receipts["golden_set_regression"].binds.get("golden") != golden or any(
        receipt.binds.get("golden", golden) != golden for receipt in receipts.values()
    ):
        raise BlockedError(
            "golden.jsonl changed since its cycle ran, so its verdicts are of another golden set", code="stale"
        )
    targets = digests_of_targets(Specs(home).targets(spec))
    if any(receipts[gate].binds.get("targets") not in targets for gate in TARGET_GATES):
        raise BlockedError(
            "targets.toml changed since its cycle ran, so its verdicts are of other deployment targets", code="stale"
        )
    again = judge_again(answers, spec, receipts)
    left_out = read_fit(receipts["target_fit"].verdict).left_out
    again["target_fit"] = judge_artifact(Specs(home), spec, adapter, make=False, left_out=left_out)
    for gate, verdict in again.items():
        if not verdict.passed:
            raise BlockedError(f"checked again, {gate} blocks it: {verdict.reason}", code="blocked")
    mark = ", on labelled examples alone" if judged_on_examples(receipts) else ""
    return f"{eligible.reason}{mark}", {gate: receipt.digest for gate, receipt in receipts.items()}


def _nothing(home: Home, name: str, live: str | None) -> str:
    newest = max(Receipts(home).weeks(name), default=None)
    stopped = blocking_stage(home, Cycle(name, parse_week(newest))) if newest else None
    held = f"the newest candidate of {name} is live already" if live else f"{name} has no candidate"
    return f"{held}; {stopped.message}" if stopped else f"{held}."
