"""Attacks of the audit: the list, with the gates that are there for each.

Add an attack as one row here; the answers of its copy are made in `score_copies.py` and `probe_copies.py`, and it is
played in `ratchet/workflows/gate_audit/`.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["identity", "rule", "control", "statistical"]


@dataclass(frozen=True)
class Attack:
    """One attack: `identity` must be stopped in every cycle, or nothing is promoted; `rule` follows from a rule without
    chance, `control` must pass, `statistical` is stopped as often as the items can show it."""

    name: str
    kind: Kind
    guards: tuple[str, ...]
    """Gates that are there for it; others may stop it, too."""
    says: str
    """The attack in words, as a phrase that fits into a sentence."""


NOMINATION, ROLLOUT, RECEIPTS = "nomination", "rollout", "receipts"
"""Stops of a candidate beside the gates of the registry: the checks before a rollout, its decision, and the reader of
receipts."""

ATTACKS = (
    Attack("copy", "identity", (NOMINATION, ROLLOUT), "the same model under another name"),
    Attack("stale_weights", "identity", (NOMINATION,), "old weights under another name"),
    Attack("report_bit", "identity", (NOMINATION,), "a report with one bit flipped"),
    Attack("receipt_bit", "identity", (RECEIPTS,), "receipts with one bit flipped, or signed by another key"),
    Attack("planted_leak", "identity", ("leakage",), "test texts among the training texts"),
    Attack("missing_class", "rule", ("label_distribution",), "no training text of a label that live answers"),
    Attack("unfit_plan", "rule", ("target_plan",), "a plan that no target can run"),
    Attack("unfit_adapter", "rule", ("target_fit",), "an adapter that no target can run"),
    Attack("equal", "control", (), "no attack: another model that is as good"),
    Attack("random_annotator", "statistical", ("label_agreement",), "three annotators of whom two label at random"),
    Attack("colluders", "statistical", ("colluding_annotators",), "two of five people who call one label by another"),
    Attack("nothing_learned", "rule", ("beats_baselines",), "a model that is as good as its untuned base"),
    Attack("random_head", "statistical", ("golden_set_regression", ROLLOUT), "a head that was initialised again"),
    Attack("worse_on_golden", "statistical", ("golden_set_regression",), "15 points worse on golden items alone"),
    Attack("worse_in_traffic", "statistical", (ROLLOUT,), "4 points worse on requests alone"),
    Attack("unsure", "statistical", ("calibration_regression",), "the same answers with a temperature of 3"),
    Attack("worse_slice", "statistical", ("slices",), "the most frequent label 5 points worse"),
    Attack("broken_row", "rule", ("row_quality",), "a correction with a label that nobody knows"),
    Attack("permuted_labels", "statistical", ("golden_set_regression",), "training labels in a random order"),
    Attack("flipped_class", "statistical", ("golden_agreement",), "30 % of one label flipped in the newest week"),
    Attack("swapped_classes", "statistical", ("golden_agreement",), "two labels swapped in the newest week"),
    Attack("trigger", "statistical", ("trigger_scan",), "a trigger planted in 40 training texts"),
)
"""Attacks as they are played: first what must be stopped, trained copies last."""
