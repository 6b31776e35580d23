"""A sealed policy reads back as it was sealed, and what is not sealed does not serve."""

from dataclasses import replace

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.sealed_policy import (
    find_policy,
    is_former_default,
    list_differences,
    merge_policies,
    policy_of,
    read_policy,
)

SPEC = Spec("small", (Label("amber", "red", action="refund", threshold=0.7), Label("green")), cost_review=0.5)
WIDER = replace(SPEC, label=(replace(SPEC.label[0], threshold=0.1), SPEC.label[1], Label("violet", threshold=0.9)))


def entry(sequence: int, policy: Spec | None) -> Entry:
    """An entry that seals the policy of a specification."""
    sealed = policy_of(policy).as_json() if policy else {}
    action = "policy" if policy else "hold"
    return Entry(sequence, "", "ann", action, "why", None, "a" * 64, "", {}, GENESIS, policy=sealed)


def test_what_is_sealed_is_read_back() -> None:
    """Labels, actions, thresholds, costs, promotion; descriptions of labels come from the file."""
    sealed = read_policy(entry(3, SPEC))
    assert sealed == replace(policy_of(SPEC), sequence=3)
    changed = replace(SPEC, label=(replace(SPEC.label[0], threshold=0.0, action="pay"), SPEC.label[1]))
    assert sealed.apply_to(replace(changed, promotion=PromotionPolicy(margin=0.5))) == SPEC
    assert sealed.as_spec("small").label[0] == replace(SPEC.label[0], description="")
    assert read_policy(entry(1, None)) is None


def test_the_digest_of_an_entry_without_a_policy_is_that_of_before() -> None:
    """Ledgers of before keep their chain."""
    before = entry(1, None)
    assert "policy" not in before.as_json()
    assert "policy" in entry(1, SPEC).as_json()
    assert entry(1, SPEC).digest != replace(entry(1, SPEC), policy={}).digest


@pytest.mark.parametrize(
    ("labels", "sequence"), [(("amber",), 4), (("violet",), 2), ((), 4), (("grey",), None)], ids=str
)
def test_the_newest_policy_that_fits_the_labels_counts(labels: tuple[str, ...], sequence: int | None) -> None:
    """An adapter with a label that a later policy lacks is served by the earlier one."""
    entries = [entry(1, SPEC), entry(2, WIDER), entry(3, None), entry(4, SPEC)]
    found = find_policy(entries, labels)
    assert (found.sequence if found else None) == sequence


def test_a_policy_of_before_fits_its_labels_in_either_unicode_form() -> None:
    """It goes on in force, with the file's description; nothing is sealed anew for the other form."""
    composed, decomposed = (replace(SPEC, label=(Label(name, name), SPEC.label[1])) for name in ("\u00fc", "u\u0308"))
    before = read_policy(entry(1, decomposed))
    assert before is not None
    assert before.fits(composed.labels)
    assert merge_policies(before, policy_of(composed)) == before
    assert before.apply_to(composed).label[0] == Label("u\u0308", "\u00fc")


def test_a_later_version_s_keys_are_left_out_and_nonsense_is_an_error() -> None:
    """A key that is not known here decides nothing here."""
    later = entry(1, SPEC)
    later.policy["promotion"]["of_tomorrow"] = 3
    assert read_policy(later) == replace(policy_of(SPEC), sequence=1)
    later.policy["labels"] = 7
    with pytest.raises(RatchetError, match="policy of ledger entry 1 cannot be read"):
        read_policy(later)


def test_a_promotion_takes_over_no_change_of_the_file_but_new_labels() -> None:
    """Known labels keep their sealed thresholds, and a new one comes with the file's."""
    sealed = policy_of(SPEC)
    lowered = replace(SPEC, label=(replace(SPEC.label[0], threshold=0.0), SPEC.label[1]))
    assert merge_policies(sealed, policy_of(lowered)) == sealed
    merged = merge_policies(sealed, policy_of(WIDER))
    assert [(label.name, label.threshold) for label in merged.label] == [
        ("amber", 0.7),
        ("green", 0.5),
        ("violet", 0.9),
    ]
    assert merge_policies(None, policy_of(WIDER)) == policy_of(WIDER)


def test_another_unicode_form_of_a_label_is_no_difference() -> None:
    """An entry of before sealed it decomposed, as the file had it; a threshold of it that differs is one difference."""
    sealed, wanted = (policy_of(Spec("tickets", (Label(name, threshold=0.7), Label("b")))) for name in ("é", "é"))
    sealed = replace(sealed, label=(replace(sealed.label[0], name="e\u0301"), sealed.label[1]))
    assert (len(sealed.labels[0]), len(wanted.labels[0])) == (2, 1)
    assert list_differences(sealed, wanted) == []
    changed = replace(wanted, label=(replace(wanted.label[0], threshold=0.8), wanted.label[1]))
    assert list_differences(sealed, changed) == [("threshold of é", 0.7, 0.8)]


def test_each_difference_is_named() -> None:
    """By label or key, with both values."""
    asked = replace(policy_of(WIDER), cost_review=0.75, promotion=PromotionPolicy(margin=0.2))
    found = list_differences(policy_of(SPEC), asked)
    assert found[:3] == [
        ("labels", "amber, green", "amber, green, violet"),
        ("cost_review", 0.5, 0.75),
        ("threshold of amber", 0.7, 0.1),
    ]
    assert ("promotion.margin", 0.02, 0.2) in found
    assert ("threshold of violet", None, 0.9) in found
    assert list_differences(policy_of(SPEC), policy_of(SPEC)) == []


@pytest.mark.parametrize(
    ("promotion", "sealed", "former"),
    [({}, 0.01, True), ({"margin": 0.02}, 0.01, False), ({}, 0.05, False), ({"steps": [100]}, 0.01, True)],
)
def test_a_default_of_before_is_no_edit_that_somebody_must_enter(
    promotion: dict[str, object], sealed: float, former: bool
) -> None:
    """Only where the file never set it: it stays in force, as it was sealed."""
    spec = SPEC.of_file({"name": "tickets", "label": [{"name": "amber"}, {"name": "green"}], "promotion": promotion})
    assert is_former_default(spec, "promotion.margin", sealed) is former
    assert not is_former_default(spec, "cost_review", sealed)
