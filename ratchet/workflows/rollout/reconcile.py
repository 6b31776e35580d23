"""Serving follows the ledger: the flag is written from the entries, and repaired from them.

A decision is one entry in the ledger; if its writer is killed before the flag is written, the next `reconcile` writes
it. Add here other things that follow from the ledger; the entries are `ratchet/storage/rollout/ledger.py`, the file is
`ratchet/storage/rollout/flag_file.py`.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger, check_head
from ratchet.workflows.rollout.sealing import policy_to_seal, seal_former_home, sealed_or_file

_ATTEMPTS = 100
"""Most attempts; each failed one means that another process published."""


def reconcile(home: Home, classifier: str, disk: FileSystem = DISK) -> Rollout | None:
    """Publish the rollout that the ledger asks for, unless it is published already; None before the first entry.

    When another writer was faster, ledger and flag are read again, so that no rollback is lost. Raises `RatchetError`
    for a broken ledger, and for a flag that has seen entries which the ledger no longer holds. A damaged flag file is
    made anew.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _settle(home, classifier, disk)
        except RatchetError as error:
            if error.code != "flags_changed" or attempt == _ATTEMPTS - 1:
                raise
    return None


def _settle(home: Home, classifier: str, disk: FileSystem) -> Rollout | None:
    flags, ledger = Flags(home, disk), Ledger(home, disk=disk)
    entries = ledger.entries(classifier)
    state, published = state_after(entries), flags.read_sound()
    before = published.rollouts.get(classifier)
    if before is not None:
        check_head(home.ledger(classifier), entries, before.head, "the flag")
    # only now: a ledger that lost its end must not grow again
    if seal_former_home(ledger, classifier, killed=before is not None and before.killed):
        entries = ledger.entries(classifier)
        state = state_after(entries)
    if state.live is None:
        return None
    ledger.anchor(classifier)  # makes every entry durable: the flag is never ahead of the ledger
    # the flag's own switch stands until a later entry turns it: homes of before have no entry for it
    killed = state.killed if before is None or state.switched > before.head.sequence else before.killed
    rollout = rollout_of(home, classifier, entries, killed=killed or state.killed)
    if published.holds(classifier, rollout):
        return rollout
    result = flags.publish(classifier, rollout, seen=published.generation).rollouts[classifier]
    if not published.generation:  # the file was lost or damaged, and the flags of the others with it
        for other in home.served():
            with suppress(RatchetError, OSError):
                _settle(home, other, disk)
    return result


def rollout_of(home: Home, classifier: str, entries: Sequence[Entry], *, killed: bool = False) -> Rollout:
    """Return the rollout after `entries`, with the share of shadowed requests from the sealed policy."""
    policy = sealed_or_file(home, classifier, entries)
    return state_after(entries).as_rollout(policy.promotion.shadow_share if policy else 1.0, killed=killed)


def record(home: Home, classifier: str, disk: FileSystem = DISK, /, **content: Any) -> Entry:
    """Carry out one decision: write an entry into the ledger (the intent), then the flag (the effect).

    `content` is that of `Ledger.append`. If killed in between, the next `reconcile` finishes; repeated with the same
    `key`, it changes nothing.
    """
    Flags(home, disk).check_writable()
    ledger = Ledger(home, disk=disk)
    policy = content.pop("policy", None) or policy_to_seal(
        home, classifier, ledger.entries(classifier), content["action"]
    )
    entry = ledger.append(classifier, policy=policy, **content)
    failpoint("promotion.after_ledger")
    reconcile(home, classifier, disk)
    return entry


def kill_switch(home: Home, classifier: str, *, on: bool) -> Rollout:
    """Turn the kill switch in the flag file alone, for a ledger that cannot be written; see `turn_kill_switch`."""
    flags = Flags(home)
    published = flags.read()
    before = published.rollouts.get(classifier)
    if before is None:
        raise RatchetError(
            f"{classifier} has no flag, so it has no traffic to switch.",
            f"Promote an adapter first: ratchet promote {classifier} --why TEXT.",
            code="no_flag",
        )
    after = Rollout(**{**vars(before), "killed": on})
    return flags.publish(classifier, after, seen=published.generation).rollouts[classifier]
