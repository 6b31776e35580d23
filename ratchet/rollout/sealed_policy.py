"""Sealed policy: labels, actions, thresholds, costs and `[promotion]` as a signed entry of the ledger holds them.

What serves is read from here, never from `classifier.toml`: who can write that file alone changes no answer. An entry
of `promote` (and of `policy`, `ratchet policy NAME --why TEXT`) carries one. Add here a setting that decides on answers
or on a rollout; which entry seals what is `ratchet/workflows/rollout/sealing.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.config.spec import Label, Spec
from ratchet.config.spec_digest import FORMER
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.rollout.ledger_entry import Entry

_SEALED_OF_LABEL = ("name", "action", "stakes", "threshold", "cost_wrong")
"""Keys of a label that decide on an answer; a description does not."""


@dataclass(frozen=True)
class SealedPolicy:
    """Settings that decide on answers and rollouts, as sealed by entry `sequence` of the ledger; 0 is not sealed."""

    label: tuple[Label, ...]
    cost_review: float
    promotion: PromotionPolicy
    sequence: int = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names, in the order of the file that was sealed."""
        return tuple(label.name for label in self.label)

    def as_json(self) -> dict[str, Any]:
        """Return the field `policy` of a ledger entry, every value written out: later defaults change nothing."""
        labels = [{key: getattr(label, key) for key in _SEALED_OF_LABEL} for label in self.label]
        promotion = {**asdict(self.promotion), "steps": list(self.promotion.steps)}
        return {"schema": 1, "labels": labels, "cost_review": self.cost_review, "promotion": promotion}

    def fits(self, labels: Collection[str]) -> bool:
        """Return True where it knows every one of `labels`, those that an adapter may answer."""
        return set(map(label_form, labels)) <= set(map(label_form, self.labels))

    def apply_to(self, spec: Spec) -> Spec:
        """Return `spec` with the sealed settings in place of its own; only descriptions of labels stay the file's."""
        described = {label_form(label.name): label.description for label in spec.label}
        label = tuple(replace(each, description=described.get(label_form(each.name), "")) for each in self.label)
        return replace(spec, label=label, cost_review=self.cost_review, promotion=self.promotion)

    def as_spec(self, name: str) -> Spec:
        """Return a specification from the sealed settings alone, for a `classifier.toml` that cannot be read."""
        return Spec(name, self.label, cost_review=self.cost_review, promotion=self.promotion)


def policy_of(spec: Spec) -> SealedPolicy:
    """Return the policy of a specification: what sealing it now would seal."""
    label = tuple(replace(each, description="") for each in spec.label)
    return SealedPolicy(label, spec.cost_review, spec.promotion)


def read_policy(entry: Entry) -> SealedPolicy | None:
    """Return the policy that `entry` seals, None for an entry without; keys of a later version are left out."""
    document = entry.policy
    if not document:
        return None
    try:
        labels = tuple(Label(**_known(Label, label)) for label in document["labels"])
        promotion = _known(PromotionPolicy, document["promotion"])
        promotion["steps"] = tuple(promotion["steps"])
        return SealedPolicy(labels, float(document["cost_review"]), PromotionPolicy(**promotion), entry.sequence)
    except (KeyError, TypeError, ValueError, AttributeError, RatchetError) as error:
        raise RatchetError(
            f"the policy of ledger entry {entry.sequence} cannot be read ({error}).",
            "It was sealed by another version of Ratchet: use that one, or seal again with 'ratchet policy'.",
            code="bad_policy",
        ) from None


def find_policy(entries: Sequence[Entry], labels: Collection[str] = ()) -> SealedPolicy | None:
    """Return the newest sealed policy that fits `labels`; None when no entry seals one."""
    sealed = (policy for entry in reversed(entries) if (policy := read_policy(entry)))
    return next((policy for policy in sealed if policy.fits(labels)), None)


def raise_thresholds(spec: Spec, thresholds: Mapping[str, float]) -> Spec:
    """Return `spec` with the `thresholds` of an adapter's card, where they are higher: the policy's own are a floor."""
    by_form = {label_form(name): value for name, value in thresholds.items()}
    raised = tuple(
        replace(each, threshold=max(each.threshold, by_form.get(label_form(each.name), 0.0))) for each in spec.label
    )
    return replace(spec, label=raised) if thresholds else spec


def merge_policies(sealed: SealedPolicy | None, wanted: SealedPolicy) -> SealedPolicy:
    """Return the policy that an adapter with the labels of `wanted` (the file's) is entered under.

    The sealed one stays as it is where it fits: a promotion takes over no change of the file that nobody sealed. A
    label that it lacks comes with the file's settings, and each label that it knows keeps its sealed ones.
    """
    if sealed is None:
        return wanted
    if sealed.fits(wanted.labels):
        return sealed
    known = {label_form(label.name): label for label in sealed.label}
    return replace(sealed, label=tuple(known.get(label_form(label.name), label) for label in wanted.label), sequence=0)


def list_differences(sealed: SealedPolicy, wanted: SealedPolicy) -> list[tuple[str, Any, Any]]:
    """Return each setting that differs, as (name, sealed, wanted); None for a label or key that one of them lacks."""
    before, after = _flatten(sealed), _flatten(wanted)
    return [(key, before.get(key), after.get(key)) for key in {**before, **after} if before.get(key) != after.get(key)]


def is_former_default(spec: Spec, setting: str, sealed: Any) -> bool:
    """Return True where nobody chose what is sealed: the file never set it, and a former version had that default.

    It stays in force; nobody edited the file, so nothing waits to be entered.
    """
    table, _, key = setting.partition(".")
    former = FORMER.get(table, {})
    return isinstance(former, Mapping) and not spec.is_given(table, key) and former.get(key) == sealed


def _flatten(policy: SealedPolicy) -> dict[str, Any]:
    document = policy.as_json()
    # one form: an entry of before holds the form of the file that it sealed, which names the same label
    flat = {"labels": ", ".join(map(label_form, policy.labels)), "cost_review": policy.cost_review}
    for label in document["labels"]:
        flat |= {f"{key} of {label_form(label['name'])}": value for key, value in label.items() if key != "name"}
    return flat | {f"promotion.{key}": value for key, value in document["promotion"].items()}


def _known(kind: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {key: value for key, value in document.items() if key in names}
