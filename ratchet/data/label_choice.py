"""Choice of the labels that a cycle trains: a new label with too few examples waits, one that live answers never does.

Add here when a label may be left out. What live answers is read by the label rules (`label_rules.py`): one that was
renamed, merged or retired is not missing. Rows of labels that are not listed are counted by `curation.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ratchet.config.spec import Spec
from ratchet.data.curation import Curated
from ratchet.data.label_rules import NO_RULES, LabelRules
from ratchet.data.sift import REASONS


@dataclass(frozen=True)
class LabelChoice:
    """Labels of one cycle."""

    trained: tuple[str, ...]
    """Labels that candidates are trained for, in the order of `classifier.toml`."""
    waiting: dict[str, int]
    """New labels that wait for examples, and the training examples that each has."""
    orphaned: tuple[str, ...] = ()
    """Labels that live answers, as they are called now, and `classifier.toml` does not list: no candidate may be
    trained without them."""

    def set_aside(self, curated: Curated) -> Curated:
        """Move the examples of waiting labels to the dropped rows."""
        held = curated.examples["label"].isin(list(self.waiting))
        gone = curated.examples.loc[held, ["request_id", "ts"]].copy()
        gone["reason"] = "waiting_label"
        gone["detail"] = [f"label {label!r}: {REASONS['waiting_label']}" for label in curated.examples["label"][held]]
        kept = curated.examples[~held].reset_index(drop=True)
        dropped = pd.concat([curated.dropped, gone]).reset_index(drop=True) if len(gone) else curated.dropped
        return replace(curated, examples=kept, dropped=dropped, labels_waiting=dict(self.waiting))


def trained_labels(spec: Spec, noted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels that a cycle trains, by the notes of its stages."""
    waiting = noted.get("data", {}).get("labels_waiting", {})
    return tuple(label for label in spec.labels if label not in waiting)


def choose_labels(
    spec: Spec, curated: Curated, live_labels: Collection[str] | None, rules: LabelRules = NO_RULES
) -> LabelChoice:
    """Choose the labels of a cycle; `live_labels` are those that live answers, None where nothing is live.

    Without a live adapter every label is trained, so that one with too few examples stops the cycle. The labels that
    one of live was split into are answered by it, and never wait: without them nothing would stand for it.
    """
    if live_labels is None:
        return LabelChoice(spec.labels, {})
    answered = rules.labels_now(live_labels)
    counts = curated.examples.loc[curated.examples["split"] == "train", "label"].value_counts()
    waiting = {
        label: int(counts.get(label, 0))
        for label in spec.labels
        if label not in answered and counts.get(label, 0) < spec.limits.min_examples_per_class
    }
    orphaned = tuple(sorted(answered - set(spec.labels)))
    return LabelChoice(tuple(label for label in spec.labels if label not in waiting), waiting, orphaned)
