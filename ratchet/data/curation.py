"""Curation: turns corrected requests into examples; every row that is dropped has a reason.

Add a rule as one step of `curate` that drops rows with a reason. Comparison of texts is in `near_duplicates.py`, the
bounds of the splits in `splitting.py`, personal data in `redaction.py`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.data.near_duplicates import NearDuplicates, normalise, one_word_apart
from ratchet.data.redaction import redact_all
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

EXAMPLE_COLUMNS = ["split", "request_id", "ts", "text", "label", "blind"]
DROPPED_COLUMNS = ["request_id", "ts", "reason", "detail"]
REASONS = {
    "quarantined": "its week was blocked by a gate of the data and is quarantined",
    "adjudication": "annotators disagree; waits for a person",
    "unknown_label": "the label is not in the specification",
    "conflicting_labels": "the same text carries two labels",
    "anchored": "in a held-out split, but its label was only given in sight of the prediction",
    "duplicate": "the same text occurs earlier in its split",
    "near_duplicate": "a near-duplicate occurs earlier in train",
    "held_out": "the same text is held out in calibration or test",
    "near_held_out": "a near-duplicate is held out in calibration or test",
    "golden": "the same text is in the golden set",
    "reworded_golden": "one word apart from a text in the golden set",
    "near_golden": "a near-duplicate is in the golden set",
}


@dataclass(frozen=True)
class Curated:
    """Examples of one cycle (`EXAMPLE_COLUMNS`), dropped rows (`DROPPED_COLUMNS`) and counts of redactions."""

    examples: pd.DataFrame
    dropped: pd.DataFrame
    redactions: dict[str, int]

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
        return {"splits": splits, "dropped": reasons, "redactions": self.redactions, "weeks": weeks}


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
    sift = _Sift(rows.sort_values(["ts", "request_id"], kind="stable").reset_index(drop=True))
    # The cycle's own week stays: its gates judge it now.
    sift.drop(weeks_of(sift.kept["ts"]).isin(set(quarantined) - {str(cycle.week)}), "quarantined")
    sift.drop(sift.kept["status"] != "consensus", "adjudication")
    sift.drop(~sift.kept["label"].isin(spec.labels), "unknown_label")
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
    _keep_apart(sift, spec.limits.near_duplicate_jaccard, redact_all(golden)[0])

    return Curated(sift.kept[EXAMPLE_COLUMNS].reset_index(drop=True), sift.dropped(), redactions)


class _Sift:
    """Rows still kept, and rows dropped with a reason."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.kept = rows.copy()
        self._dropped: list[pd.DataFrame] = []

    def drop(self, mask: "pd.Series[bool]", reason: str, detail: "pd.Series[str] | None" = None) -> None:
        gone = self.kept.loc[mask, ["request_id", "ts"]].copy()
        gone["reason"], gone["detail"] = reason, REASONS[reason] if detail is None else detail[mask]
        self._dropped.append(gone)
        self.kept = self.kept.loc[~mask].copy()

    def dropped(self) -> pd.DataFrame:
        return pd.concat(self._dropped)[DROPPED_COLUMNS].reset_index(drop=True)


def _keep_apart(sift: _Sift, threshold: float, golden: Sequence[str]) -> None:
    """Drop from train what golden, test or calibration contain, exactly or nearly, then near-duplicates within train.

    Calibration chooses among candidates and fits the temperature, so texts of the golden set or of test leave it too,
    those of test only when equal. One index of texts grows in that order: golden, held out, train.
    """
    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split != "test") & key.isin({normalise(text) for text in golden}), "golden")
    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split == "calibration") & key.isin(set(key[split == "test"])), "held_out")
    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split == "train") & key.isin(set(key[split != "train"])), "held_out")

    index = NearDuplicates(threshold, golden)
    # known[i] names the text that the index has as number i, so both grow together.
    known = [("near_golden", f"golden item {number}") for number in range(1, len(golden) + 1)]
    matches: dict[Any, tuple[str, str]] = {}
    for row, _, text in _rows_of(sift, "calibration"):
        if (match := index.find(text)) is not None:
            matches[row] = known[match]
    held_out = sift.kept.loc[
        (sift.kept["split"] != "train") & ~sift.kept.index.isin(list(matches)), ["request_id", "text"]
    ]
    for request, text in held_out.itertuples(index=False, name=None):
        index.add(text)
        known.append(("near_held_out", request))
    for row, request, text in _rows_of(sift, "train"):
        if (match := index.find_or_add(text)) is not None:
            matches[row] = known[match]
        else:
            known.append(("near_duplicate", request))
    for reason in ("near_golden", "near_held_out", "near_duplicate"):
        detail = pd.Series({row: f"like {name}" for row, (why, name) in matches.items() if why == reason}, dtype=object)
        sift.drop(sift.kept.index.to_series().isin(detail.index), reason, detail.reindex(sift.kept.index))
    reworded = set().union(*(one_word_apart(normalise(text)) for text in golden))
    meets = [split == "train" and not reworded.isdisjoint(one_word_apart(key)) for split, key in _splits_and_keys(sift)]
    sift.drop(pd.Series(meets, sift.kept.index, dtype=bool), "reworded_golden")


def _splits_and_keys(sift: _Sift) -> Iterator[tuple[str, str]]:
    return zip(sift.kept["split"], sift.kept["key"], strict=True)


def _rows_of(sift: _Sift, split: str) -> Iterator[tuple[Any, str, str]]:
    part = sift.kept[sift.kept["split"] == split]
    return zip(part.index, part["request_id"], part["text"], strict=True)


def check_splits(curated: Curated, spec: Spec, cycle: Cycle) -> None:
    """Raise `RatchetError` when a split is empty or a class has too few training examples."""
    facts = curated.describe()
    for split, described in facts["splits"].items():
        if not described["n"]:
            held = "Rows of quarantined weeks were left out: see 'ratchet status', and 'ratchet unquarantine'. "
            ranges = ", ".join(f"{name} {s['n']} ({s['first']} to {s['last']})" for name, s in facts["splits"].items())
            raise RatchetError(
                f"the {split} split of {cycle.classifier} {cycle.week} is empty: {ranges}; dropped {facts['dropped']}.",
                (held if facts["dropped"].get("quarantined") else "")
                + "Correct more requests of that time blindly (without showing the prediction), or choose a later"
                " week.",
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
            "Correct more requests of these labels, widen window.lookback_weeks, or lower the limit.",
            code="thin_class",
            details={"found": thin},
        )
