"""Rows of a curation: those still kept, and those dropped, each with its reason.

Add a reason here; the step that drops for it belongs in `curation.py` or `separation.py`.
"""

import pandas as pd

DROPPED_COLUMNS = ["request_id", "ts", "reason", "detail"]
REASONS = {
    "quarantined": "its week was blocked by a gate of the data and is quarantined",
    "adjudication": "annotators disagree; waits for a person",
    "left_out": "its label is of an annotator who stayed under the limit against adjudicated answers; asked again",
    "chosen_by_value": "chosen for its value, so it judges nothing; it trains from the next cycle on",
    "unknown_label": "the label is not in the specification",
    "split_label": "its label was split, and nobody has labelled it since; it waits for review",
    "waiting_label": "the label is new and has too few examples; its rows wait",
    "contradicts_request": "an example that was given; a request with the same text has another label",
    "conflicting_labels": "the same text carries two labels",
    "anchored": "in a held-out split, but its label was only given in sight of the prediction",
    "duplicate": "the same text occurs earlier in its split",
    "near_duplicate": "a near-duplicate occurs earlier in train",
    "near_duplicate_other_label": "a near-duplicate with another label occurs earlier in train",
    "held_out": "the same text is held out in calibration or test",
    "near_held_out": "a near-duplicate is held out in calibration or test",
    "golden": "the same text is in the golden set",
    "reworded_golden": "one word apart from a text in the golden set",
    "near_golden": "a near-duplicate is in the golden set",
}


class Sift:
    """Rows still kept, and rows dropped with a reason."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.kept = rows.copy()
        self._dropped: list[pd.DataFrame] = []

    def drop(self, mask: "pd.Series[bool]", reason: str, detail: "pd.Series[str] | None" = None) -> None:
        """Move the rows of `mask` to the dropped ones; `detail` says more of each than the reason's own sentence."""
        gone = self.kept.loc[mask, ["request_id", "ts"]].copy()
        gone["reason"], gone["detail"] = reason, REASONS[reason] if detail is None else detail[mask]
        self._dropped.append(gone)
        self.kept = self.kept.loc[~mask].copy()

    def dropped(self) -> pd.DataFrame:
        """Return all dropped rows."""
        return pd.concat(self._dropped)[DROPPED_COLUMNS].reset_index(drop=True)
