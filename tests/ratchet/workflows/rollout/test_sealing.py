"""Sealing: a label that nobody entered lets no candidate in, whatever its cycle passed."""

from dataclasses import replace

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.errors import BlockedError
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.sealed_policy import policy_of
from ratchet.workflows.rollout.sealing import need_sealed_labels

SPEC = Spec("small", (Label("amber"), Label("green"), Label("violet")))
FEWER = replace(SPEC, label=SPEC.label[:2])
NEW = replace(SPEC, label=(*SPEC.label, Label("newest", action="refund")))


def entry(sequence: int, spec: Spec | None) -> Entry:
    """An entry that seals the policy of a specification, or none."""
    policy = policy_of(spec).as_json() if spec else {}
    return Entry(sequence, "", "ann", "policy", "why", None, "a" * 64, "", {}, GENESIS, policy=policy)


@pytest.mark.parametrize(
    ("spec", "sealed"),
    [(SPEC, ()), (NEW, ()), (SPEC, (None,)), (SPEC, (SPEC,)), (FEWER, (SPEC,)), (SPEC, (SPEC, FEWER)), (NEW, (NEW,))],
    ids=["nothing", "new, nothing", "a home of before", "the same", "fewer", "an earlier one fits", "entered"],
)
def test_labels_that_are_sealed_pass(spec: Spec, sealed: tuple[Spec | None, ...]) -> None:
    """By any sealed policy that knows them all; before anything is sealed, the first promotion seals them."""
    need_sealed_labels(spec, [entry(number, each) for number, each in enumerate(sealed, start=1)])


@pytest.mark.parametrize(
    ("spec", "sealed", "lacking"),
    [(NEW, (SPEC,), "newest"), (SPEC, (FEWER, FEWER), "violet"), (NEW, (FEWER, SPEC), "")],
)
def test_a_label_that_nobody_entered_blocks_its_candidate(spec: Spec, sealed: tuple[Spec, ...], lacking: str) -> None:
    """The reason names the label, and the hint the command."""
    with pytest.raises(BlockedError, match=f"does not know {lacking}") as caught:
        need_sealed_labels(spec, [entry(number, each) for number, each in enumerate(sealed, start=1)])
    assert "ratchet policy small" in caught.value.hint
