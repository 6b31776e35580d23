"""Curation: turns corrected requests into examples; every row that is dropped has a reason.

Add a rule as one step of `curate` that drops rows with a reason (`sift.py`). The splits are kept apart in
`separation.py`, their bounds are in `splitting.py`, personal data in `redaction.py`, and `split_checks.py` decides
whether what is left is enough.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.data.boilerplate import Boilerplate
from ratchet.data.near_duplicates import normalise
from ratchet.data.redaction import redact_all
from ratchet.data.separation import keep_apart
from ratchet.data.sift import Sift
from ratchet.data.splitting import SPLITS, assign_splits, check_dates, find_bounds, weeks_of

CORRECTED_SQL = """
SELECT l.request_id, p.ts, p.text, l.label, l.status, l.blind
FROM labels l JOIN production_logs p USING (classifier, request_id)
WHERE l.classifier = $classifier AND p.ts >= $start AND p.ts < $end ORDER BY p.ts, l.request_id
"""
"""Corrected requests of the look-back window: the input of `curate`."""

EXAMPLES_SQL = """
SELECT split, request_id, ts, text, label, blind FROM examples
WHERE classifier = $classifier AND week = $week ORDER BY split, ts, request_id
"""
"""Examples of one cycle as `curate` left them, in a fixed order."""

SENT_SQL = """
SELECT e.split, e.request_id, e.ts, e.text, e.label, e.blind, coalesce(p.text, e.text) AS as_sent
FROM examples e LEFT JOIN production_logs p USING (classifier, request_id)
WHERE e.classifier = $classifier AND e.week = $week ORDER BY e.split, e.ts, e.request_id
"""
"""`EXAMPLES_SQL` with each text as it was sent: an adapter reads it by the redaction of its own training."""

EXAMPLE_COLUMNS = ["split", "request_id", "ts", "text", "label", "blind"]


@dataclass(frozen=True)
class Curated:
    """Examples of one cycle (`EXAMPLE_COLUMNS`), dropped rows (`DROPPED_COLUMNS`) and counts of redactions."""

    examples: pd.DataFrame
    dropped: pd.DataFrame
    redactions: dict[str, int]
    boilerplate: Boilerplate = field(default_factory=Boilerplate)
    """Passages that were set aside where texts were compared; the check `leakage` compares by the same."""
    compared: dict[str, Any] = field(default_factory=dict)
    """Description of the comparison: boilerplate, and near-duplicates that have different labels."""

    labels_left_out: dict[str, int] = field(default_factory=dict)
    """Labels that `classifier.toml` does not list, and their rows, which are kept in the warehouse."""
    labels_waiting: dict[str, int] = field(default_factory=dict)
    """New labels with too few training examples; see `label_choice.py`."""

    def describe(self) -> dict[str, Any]:
        """Return sizes, dates and class balance of each split, drop reasons, redactions, and the weeks that train or
        calibrate, as JSON types."""
        splits = {}
        for split in SPLITS:
            rows = self.examples[self.examples["split"] == split]
            splits[split] = {
                "n": len(rows),
                "first": rows["ts"].min().isoformat() if len(rows) else None,
                "last": rows["ts"].max().isoformat() if len(rows) else None,
                "classes": {str(k): int(v) for k, v in rows["label"].value_counts().items()},
            }
        reasons = {str(k): int(v) for k, v in self.dropped["reason"].value_counts().items()}
        learned = self.examples.loc[self.examples["split"] != "test", "ts"]
        weeks = sorted(set(weeks_of(learned))) if len(learned) else []
        labels = {"labels_left_out": self.labels_left_out, "labels_waiting": self.labels_waiting}
        return {
            "splits": splits,
            "dropped": reasons,
            "redactions": self.redactions,
            "weeks": weeks,
            **self.compared,
            **labels,
        }


def digest_examples(examples: pd.DataFrame) -> str:
    """Return the SHA-256 over split, request, text and label of every example, whatever the order of rows."""
    return digest_json(sorted([*examples[["split", "request_id", "text", "label"]].itertuples(index=False, name=None)]))


def curate(
    rows: pd.DataFrame, cycle: Cycle, spec: Spec, golden: Sequence[str], quarantined: Collection[str] = ()
) -> Curated:
    """Turn corrected requests into this cycle's examples.

    `rows` holds request_id, ts (UTC), text, label (None where undecided), status, blind, of the look-back window;
    `golden` the texts that may never train; rows of `quarantined` weeks are left out first. Raises `RatchetError` for
    an empty window, and for dates outside the spec's. `check_splits` decides whether the splits are enough to train on,
    once rows and reasons are stored.
    """
    sift = Sift(rows.sort_values(["ts", "request_id"], kind="stable").reset_index(drop=True))
    # The cycle's own week stays: its gates judge it now.
    sift.drop(weeks_of(sift.kept["ts"]).isin(set(quarantined) - {str(cycle.week)}), "quarantined")
    sift.drop(sift.kept["status"] != "consensus", "adjudication")
    known = sift.kept["label"].isin(spec.labels)
    left_out = sift.kept.loc[~known, "label"].value_counts()
    sift.drop(~known, "unknown_label", "label '" + sift.kept["label"] + "' is not in classifier.toml")
    if len(sift.kept):
        check_dates(sift.kept["ts"], cycle, spec.window)
    bounds = find_bounds(sift.kept["ts"], sift.kept["blind"], cycle, spec.window)
    sift.kept["split"] = assign_splits(sift.kept["ts"], bounds)
    sift.kept["text"], redactions = redact_all(sift.kept["text"])
    sift.kept["key"] = [normalise(text) for text in sift.kept["text"]]

    # Conflicts before duplicates: dropping one of two equal texts first would hide that their labels differ.
    sift.drop(sift.kept.groupby("key")["label"].transform("nunique") > 1, "conflicting_labels")
    sift.drop((sift.kept["split"] != "train") & ~sift.kept["blind"], "anchored")
    sift.drop(sift.kept.duplicated(["split", "key"]), "duplicate")
    apart = keep_apart(sift, spec.limits, redact_all(golden)[0])
    return Curated(
        sift.kept[EXAMPLE_COLUMNS].reset_index(drop=True),
        sift.dropped(),
        redactions,
        apart.boilerplate,
        apart.described,
        {str(label): int(n) for label, n in left_out.items()},
    )
