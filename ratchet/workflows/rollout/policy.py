"""`ratchet policy`: `classifier.toml` compared with the sealed policy, and its entry in the signed ledger.

Add here what must be known before a changed file takes effect. Settings that are sealed are listed in
`ratchet/rollout/sealed_policy.py`, occasions on which an entry seals them in `sealing.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.models.adapters.folder import open_folder
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.sealed_policy import SealedPolicy, find_policy, is_former_default, list_differences, policy_of
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import reconcile, record


@dataclass(frozen=True)
class PolicyComparison:
    """The newest sealed policy, that of the file, and each setting in which they differ."""

    sealed: SealedPolicy | None
    """None before the first promotion, and in a home of before that was not sealed yet."""
    wanted: SealedPolicy
    differences: tuple[tuple[str, Any, Any], ...]
    """Name of the setting, its sealed value, and that of the file; None for a side that lacks it."""

    @property
    def sentence(self) -> str:
        """Every difference in one sentence; empty where there is none."""
        return "; ".join(
            f"{name}: {_show(before)} is sealed, {_show(after)} in the file" for name, before, after in self.differences
        )

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return {
            "sealed_by": self.sealed.sequence if self.sealed else None,
            "differences": [
                {"setting": name, "sealed": _plain(before), "file": _plain(after)}
                for name, before, after in self.differences
            ],
        }


def compare_policy(home: Home, name: str, entries: Sequence[Entry]) -> PolicyComparison:
    """Compare `classifier.toml` with the newest sealed policy; raises `RatchetError` for one that cannot be read."""
    sealed, spec = find_policy(entries), Specs(home)[name]
    found = list_differences(sealed, policy_of(spec)) if sealed else []
    changed = (each for each in found if not is_former_default(spec, each[0], each[1]))
    return PolicyComparison(sealed, policy_of(spec), tuple(changed))


def check_policy(home: Home, name: str, entries: Sequence[Entry]) -> str:
    """Say by which entry the file is sealed; raises `RatchetError` with every setting that differs."""
    found = compare_policy(home, name, entries)
    if found.sealed is None:
        return "nothing is sealed yet: classifier.toml counts until the next entry"
    if found.differences:
        raise RatchetError(
            f"classifier.toml differs from the policy that entry {found.sealed.sequence} seals, which is in force:"
            f" {found.sentence}.",
            f"Enter it with 'ratchet policy {name} --why TEXT', or change the file back.",
            code="unsealed_policy",
        )
    return f"classifier.toml is as entry {found.sealed.sequence} seals it"


def enter_policy(home: Home, name: str, why: str) -> tuple[PolicyComparison, Entry | None]:
    """Seal `classifier.toml` as it is now for this user, and return what changes; no entry where nothing differs.

    Raises `RatchetError` before the first promotion, which seals the file by itself.
    """
    reconcile(home, name)  # seals a home of before, and finishes an entry whose flag was not written
    entries = Ledger(home).entries(name)
    state, found = state_after(entries), compare_policy(home, name, entries)
    if state.live is None:
        raise RatchetError(
            f"nothing of {name} is live, so no policy is in force yet.",
            f"The first promotion seals classifier.toml: ratchet promote {name} --why TEXT.",
            code="no_live",
        )
    if found.sealed is not None and not found.differences:
        return found, None
    entry = record(
        home, name, after=state.head, ts=datetime.now(UTC).isoformat(timespec="seconds"), actor=actor(),
        action=act.POLICY, why=why, adapter=state.live, week=state.entered.week if state.entered else "", receipts={},
        policy=found.wanted.as_json(),
        evidence={"differences": found.as_json()["differences"]},
    )  # fmt: skip
    return found, entry


def list_unfit(home: Home, name: str, entries: Sequence[Entry]) -> list[str]:
    """Return a sentence for each answering adapter with a label that the newest sealed policy lacks.

    Such an adapter goes on under the newest earlier policy that knows its labels.
    """
    state, newest = state_after(entries), find_policy(entries)
    result = []
    for role, digest in (("live", state.live), ("the candidate", state.challenger)):
        labels = _labels_of(home, name, digest)
        if newest is None or labels is None or newest.fits(labels):
            continue
        lacking = ", ".join(sorted(set(map(label_form, labels)) - set(map(label_form, newest.labels))))
        older = find_policy(entries, labels)
        by = f"entry {older.sequence}" if older else "no sealed policy"
        result.append(f"{role} {str(digest)[:12]} answers {lacking}, so it goes on by the policy of {by}")
    return result


def _labels_of(home: Home, name: str, digest: str | None) -> tuple[str, ...] | None:
    """Return the labels of an adapter; None for none, and for one that cannot be read, which is a fault of its own."""
    if digest is None:
        return None
    try:
        with open_folder(AdapterStore(home).open(name, digest)) as opened:
            return opened.card.labels
    except RatchetError:
        return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _show(value: Any) -> str:
    return "nothing" if value is None else repr(_plain(value)) if isinstance(value, str) else str(_plain(value))
