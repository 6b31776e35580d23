"""Sealing: which policy an entry of the ledger seals, and the one entry that seals a home of before.

Add here another occasion to seal; the policy itself is `ratchet/rollout/sealed_policy.py`, the command that seals a
changed file is `ratchet policy`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.sealed_policy import SealedPolicy, find_policy, merge_policies, policy_of
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.signing_key import can_sign
from ratchet.storage.specs import Specs

UPGRADE = "policy:upgrade"
"""Key of the entry that seals a home of before: it is written once."""
_COST_REVIEW = 0.25


def policy_to_seal(home: Home, classifier: str, entries: Sequence[Entry], action: str) -> dict[str, Any]:
    """Return the field `policy` of the next entry, empty where that entry seals none.

    A promotion always seals. A shadow seals only where its candidate has a label that no sealed policy knows. The
    file is read for new labels alone, so a file that cannot be read stops neither.
    """
    if action not in {act.PROMOTE, act.SHADOW}:
        return {}
    sealed, spec = find_policy(entries), read_spec(home, classifier)
    if spec is None:
        return sealed.as_json() if sealed and action == act.PROMOTE else {}
    wanted = policy_of(spec)
    if action == act.SHADOW and sealed is not None and sealed.fits(wanted.labels):
        return {}
    return merge_policies(find_policy(entries, wanted.labels) or sealed, wanted).as_json()


def seal_former_home(ledger: Ledger, classifier: str, *, killed: bool = False) -> Entry | None:
    """Seal the policy of a ledger that was written before policies were sealed, once; None where nothing is to do.

    A kill switch that is on in the flag (`killed`) becomes an entry, too, so that it outlasts that file.
    Nothing is sealed by a process that cannot sign, or from a file that cannot be read: until then the file counts.
    """
    home = ledger.home
    entries = ledger.entries(classifier)
    if state_after(entries).live is None or any(entry.policy for entry in entries) or not can_sign(home):
        return None
    spec = read_spec(home, classifier)
    if spec is None:
        return None
    by_whom: dict[str, Any] = {
        "ts": datetime.now(UTC).isoformat(timespec="seconds"),
        "actor": "ratchet",
        "week": "",
        "receipts": {},
    }
    live = str(state_after(entries).live)
    if killed:
        why = "It was on at the upgrade."
        ledger.append(classifier, key=f"{UPGRADE}:kill", action=act.KILL, adapter=live, why=why, **by_whom)
    return ledger.append(
        classifier, key=UPGRADE, action=act.POLICY, adapter=live, policy=policy_of(spec).as_json(), **by_whom,
        why="Sealed once at the upgrade: labels, actions, thresholds, costs and [promotion] of classifier.toml.",
    )  # fmt: skip


def serving_spec(home: Home, classifier: str, entries: Sequence[Entry], labels: Sequence[str] = ()) -> Spec:
    """Return the specification by which an adapter with `labels` serves and its rollout is decided: the sealed one.

    What is not sealed (longest text, targets) is the file's, or a default where the file cannot be read. A label that
    no policy knows sends its requests to review: an adapter that was live can always answer again.
    """
    file, sealed = read_spec(home, classifier), find_policy(entries, labels)
    policy = sealed or (policy_of(file) if file and policy_of(file).fits(labels) else None)
    if policy is None:
        nearest = find_policy(entries) or (policy_of(file) if file else None)
        known = {label.name: label for label in nearest.label} if nearest else {}
        label = tuple(known.get(each, Label(each)) for each in labels)
        policy = replace(nearest, label=label) if nearest else SealedPolicy(label, _COST_REVIEW, PromotionPolicy())
    return policy.apply_to(file) if file else policy.as_spec(classifier)


def need_sealed_labels(spec: Spec, entries: Sequence[Entry]) -> None:
    """Raise `BlockedError` where something is sealed, but no sealed policy knows every label of `spec`.

    The action of a new label would otherwise come into force by whoever can write `classifier.toml`.
    """
    newest = find_policy(entries)
    if newest is None or find_policy(entries, spec.labels) is not None:
        return
    lacking = ", ".join(label for label in spec.labels if label not in newest.labels)
    raise BlockedError(
        f"the policy in force does not know {lacking or 'these labels'}",
        f"Enter the labels and their actions first: ratchet policy {spec.name} --why TEXT.",
        code="unsealed",
    )


def promotion_in_force(home: Home, classifier: str, entries: Sequence[Entry]) -> PromotionPolicy:
    """Return the sealed `[promotion]`, by which rollouts are decided and shown; the file's before one is sealed.

    Raises the file's `RatchetError` where neither can be read.
    """
    sealed = find_policy(entries)
    return (sealed or policy_of(Specs(home)[classifier])).promotion


def promotion_or_default(home: Home, classifier: str, entries: Sequence[Entry]) -> tuple[PromotionPolicy, str]:
    """Return what `promotion_in_force` does; where neither can be read the defaults, and the reason.

    A rollback needs ledger and key alone: the guardrails of the defaults end a bad candidate of a home that was never
    sealed, whatever became of its file.
    """
    try:
        return promotion_in_force(home, classifier, entries), ""
    except (RatchetError, OSError) as error:
        return PromotionPolicy(), error.message if isinstance(error, RatchetError) else str(error)


def sealed_or_file(home: Home, classifier: str, entries: Sequence[Entry]) -> SealedPolicy | None:
    """Return the newest sealed policy, else that of the file; None where neither can be read."""
    if sealed := find_policy(entries):
        return sealed
    spec = read_spec(home, classifier)
    return policy_of(spec) if spec else None


def read_spec(home: Home, classifier: str) -> Spec | None:
    """Return the specification, None where `classifier.toml` or `targets.toml` cannot be read."""
    try:
        return Specs(home)[classifier]
    except (RatchetError, OSError, ValueError):
        return None
