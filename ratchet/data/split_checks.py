"""Check of a cycle's splits: an empty one, or a label with too few examples, ends the cycle before it trains.

Add here what a training needs of its examples; which rows are dropped is decided in `curation.py`.
"""

from collections.abc import Sequence
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.data.curation import Curated
from ratchet.data.given_examples import BY_TEXT

_NEAR = ("near_duplicate", "near_duplicate_other_label", "near_held_out", "near_golden", "reworded_golden")


def check_splits(curated: Curated, spec: Spec, cycle: Cycle, orphaned: Sequence[str] = ()) -> None:
    """Raise `RatchetError` when live answers a label that the specification lacks, a split is empty, or a class has
    too few training examples."""
    if orphaned:
        named = ", ".join(map(repr, orphaned))
        raise RatchetError(
            f"live answers {named}, which classifier.toml does not list: no candidate is trained without it.",
            "List the label again, or record what became of it:"
            f" ratchet labels {cycle.classifier} rename OLD NEW --why TEXT (or merge, split, retire).",
            code="label_of_live",
            details={"labels": list(orphaned)},
        )
    facts = curated.describe()
    for split, described in facts["splits"].items():
        if not described["n"]:
            ranges = ", ".join(f"{name} {s['n']} ({s['first']} to {s['last']})" for name, s in facts["splits"].items())
            raise RatchetError(
                f"the {split} split of {cycle.classifier} {cycle.week} is empty: {ranges}; dropped {facts['dropped']}.",
                _hint(split, facts, spec),
                code="empty_split",
                details=facts,
            )
    counts = facts["splits"]["train"]["classes"]
    thin = {
        label: counts.get(label, 0)
        for label in spec.labels
        if counts.get(label, 0) < spec.limits.min_examples_per_class
    }
    if thin:
        raise RatchetError(
            f"too few training examples: {thin} (limits.min_examples_per_class ="
            f" {spec.limits.min_examples_per_class}).",
            _split_wait(facts, cycle)
            + "Correct more requests of these labels, widen window.lookback_weeks, or lower the limit."
            + (f" Or: {_alike(facts, spec)}" if _count_near(facts) > sum(counts.values()) else ""),
            code="thin_class",
            details={"found": thin},
        )


def _split_wait(facts: dict[str, Any], cycle: Cycle) -> str:
    waiting = facts["dropped"].get("split_label", 0)
    return (
        f"{waiting} requests of a split label wait for an answer: ratchet review {cycle.classifier}. "
        if waiting
        else ""
    )


def _hint(split: str, facts: dict[str, Any], spec: Spec) -> str:
    """Say how to fill an empty split, by the reason for which most rows were dropped."""
    dropped = facts["dropped"]
    if facts["split_by"] == BY_TEXT:
        return f"Its examples are too few to split by text: bring more by 'ratchet ingest {spec.name} --examples FILE'."
    near = _count_near(facts)
    if split == "train" and near > sum(dropped.values()) - near - dropped.get("duplicate", 0):
        return _alike(facts, spec)
    if split != "train" and (facts.get("judging") or dropped.get("chosen_by_value")):
        return (
            "Requests that the review queue chose for their value train and never judge: raise audit_share in [review]"
            " of classifier.toml, and label what is drawn at random."
        )
    held = "Rows of quarantined weeks were left out: see 'ratchet status', and 'ratchet unquarantine'. "
    return (held if dropped.get("quarantined") else "") + (
        "Correct more requests of that time blindly (without showing the prediction), or choose a later week."
    )


def _count_near(facts: dict[str, Any]) -> int:
    return sum(facts["dropped"].get(reason, 0) for reason in _NEAR)


def _alike(facts: dict[str, Any], spec: Spec) -> str:
    """Say how many rows left since their texts are alike, and which settings decide that."""
    shared = facts.get("boilerplate", {}).get("texts", 0)
    found = (
        f"passages that many texts share were set aside in {shared} texts"
        if shared
        else "no passage that many texts share was found"
    )
    return (
        f"{_count_near(facts)} rows were dropped because their texts are alike: {found}. Raise"
        f" limits.near_duplicate_jaccard (now {spec.limits.near_duplicate_jaccard:g}) where such texts differ, or lower"
        f" limits.boilerplate_share (now {spec.limits.boilerplate_share:g}) where they share a footer or a form."
    )
