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
from ratchet.data.given_examples import BY_TIME, EXAMPLE, REQUEST, GivenExamples, assign_by_text
from ratchet.data.judging import WAITS, describe_judging, read_drawn
from ratchet.data.label_rules import SPLIT_SUFFIX
from ratchet.data.near_duplicates import normalise
from ratchet.data.redaction import redact_all
from ratchet.data.separation import keep_apart
from ratchet.data.sift import Sift
from ratchet.data.splitting import SPLITS, assign_splits, check_dates, find_bounds, weeks_of

CORRECTED_SQL = """
SELECT l.request_id, p.ts, p.text, l.label, l.status, l.blind, coalesce(l.drawn, true) AS drawn
FROM labels l JOIN production_logs p USING (classifier, request_id)
WHERE l.classifier = $classifier AND p.ts >= $start AND p.ts < $end ORDER BY p.ts, l.request_id
"""
"""Corrected requests of the look-back window: the input of `curate`."""

EXAMPLES_SQL = """
SELECT split, request_id, ts, text, label, blind, coalesce(drawn, true) AS drawn FROM examples
WHERE classifier = $classifier AND week = $week ORDER BY split, ts, request_id
"""
"""Examples of one cycle as `curate` left them, in a fixed order."""

SENT_SQL = """
SELECT e.split, e.request_id, e.ts, e.text, e.label, e.blind, coalesce(e.drawn, true) AS drawn,
       coalesce(p.text, e.text) AS as_sent,
       CASE WHEN list_contains(p.parts, e.label) THEN e.label ELSE p.label END AS served, p.extra
FROM examples e LEFT JOIN read_logs p USING (classifier, request_id)
WHERE e.classifier = $classifier AND e.week = $week ORDER BY e.split, e.ts, e.request_id
"""
"""`EXAMPLES_SQL` with each text as it was sent, which an adapter reads by the redaction of its own training, and with
the label that was served for it, by the label rules; a part of a label that was split confirms it. `extra` holds the
further columns of its log row."""

EXAMPLE_COLUMNS = ["split", "request_id", "ts", "text", "label", "blind", "origin", "drawn"]


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
    split_by: str = BY_TIME
    """`time`, or `text` where no request is labelled and examples that were given have to judge as well."""

    def describe(self) -> dict[str, Any]:
        """Return sizes, dates and class balance of each split, drop reasons, redactions, and the weeks that train or
        calibrate, as JSON types."""
        splits, requests = {}, self.examples["origin"] == REQUEST
        for split in SPLITS:
            rows = self.examples[self.examples["split"] == split]
            times = rows.loc[requests[rows.index], "ts"]
            splits[split] = {
                "n": len(rows),
                "first": times.min().isoformat() if len(times) else None,
                "last": times.max().isoformat() if len(times) else None,
                "classes": {str(k): int(v) for k, v in rows["label"].value_counts().items()},
            }
        reasons = {str(k): int(v) for k, v in self.dropped["reason"].value_counts().items()}
        learned = self.examples.loc[requests & (self.examples["split"] != "test"), "ts"]
        weeks = sorted(set(weeks_of(learned))) if len(learned) else []
        labels = {"labels_left_out": self.labels_left_out, "labels_waiting": self.labels_waiting}
        return {
            "splits": splits,
            "dropped": reasons,
            "redactions": self.redactions,
            "weeks": weeks,
            "split_by": self.split_by,
            "labelled_examples": int((~requests).sum()),
            **self.compared,
            **labels,
            **describe_judging(self.examples, self.dropped),
        }


def digest_examples(examples: pd.DataFrame) -> str:
    """Return the SHA-256 over split, request, text and label of every example, whatever the order of rows."""
    return digest_json(sorted([*examples[["split", "request_id", "text", "label"]].itertuples(index=False, name=None)]))


def curate(
    rows: pd.DataFrame,
    cycle: Cycle,
    spec: Spec,
    golden: Sequence[str],
    quarantined: Collection[str] = (),
    given: GivenExamples | None = None,
) -> Curated:
    """Turn corrected requests into this cycle's examples.

    `rows` holds request_id, ts (UTC), text, label (None where undecided), status, blind and drawn (true where absent),
    of the look-back window; `golden` the texts that may never train; rows of `quarantined` weeks are left out first.
    Examples that were `given` without a request train; alone they are split by text. Raises `RatchetError` for an empty
    window, and for dates outside the spec's. `check_splits` decides whether the splits are enough to train on, once
    rows and reasons are stored.
    """
    given = given or GivenExamples()
    sift = Sift(given.beside(rows))
    sift.kept["drawn"] = read_drawn(sift.kept)
    # The cycle's own week stays: its gates judge it now.
    held = weeks_of(sift.kept["ts"]).isin(set(quarantined) - {str(cycle.week)})
    sift.drop(held & (sift.kept["origin"] == REQUEST), "quarantined")
    sift.drop(sift.kept["status"] == "left_out", "left_out")
    sift.drop(sift.kept["status"] != "consensus", "adjudication")
    known = sift.kept["label"].isin(spec.labels)
    left_out = sift.kept.loc[~known, "label"].value_counts()
    sift.drop(~known & sift.kept["label"].str.endswith(SPLIT_SUFFIX, na=False), "split_label")
    known = sift.kept["label"].isin(spec.labels)
    sift.drop(~known, "unknown_label", "label '" + sift.kept["label"] + "' is not in classifier.toml")
    by_time = None if given.alone else _split_by_time(sift.kept, cycle, spec)
    sift.kept["text"], redactions = redact_all(sift.kept["text"])
    sift.kept["key"] = [normalise(text) for text in sift.kept["text"]]
    sift.kept["split"] = assign_by_text(sift.kept["key"], spec.limits, golden) if by_time is None else by_time

    # Conflicts before duplicates: dropping one of two equal texts first would hide that their labels differ. What was
    # given yields to requests, so that an old spreadsheet takes no request out of a split that judges.
    sift.drop(_contradicts(sift.kept), "contradicts_request")
    sift.drop(sift.kept.groupby("key")["label"].transform("nunique") > 1, "conflicting_labels")
    from_requests = sift.kept["origin"] == REQUEST
    sift.drop(from_requests & (sift.kept["split"] == "test") & ~sift.kept["drawn"], WAITS)
    sift.drop(from_requests & (sift.kept["split"] != "train") & ~sift.kept["blind"].astype(bool), "anchored")
    sift.drop(sift.kept.duplicated(["split", "key"]), "duplicate")
    apart = keep_apart(sift, spec.limits, redact_all(golden)[0])
    return Curated(
        sift.kept[EXAMPLE_COLUMNS].reset_index(drop=True),
        sift.dropped(),
        redactions,
        apart.boilerplate,
        apart.described,
        {str(label): int(n) for label, n in left_out.items()},
        split_by=given.split_by,
    )


def _split_by_time(rows: pd.DataFrame, cycle: Cycle, spec: Spec) -> "pd.Series[str]":
    """Return the split of each row: of a request by its time, of an example that was given always train."""
    requests = rows[rows["origin"] == REQUEST]
    if len(requests):
        check_dates(requests["ts"], cycle, spec.window)
    judges = requests["blind"].astype(bool) & requests["drawn"]
    splits = assign_splits(requests["ts"], find_bounds(requests["ts"], judges, cycle, spec.window))
    # What was chosen for its value calibrates nothing, and trains.
    splits[(splits == "calibration") & ~requests["drawn"]] = "train"
    return splits.reindex(rows.index, fill_value="train")


def _contradicts(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return the given examples whose text a request has with another label."""
    requests = rows[rows["origin"] == REQUEST]
    labels = {key: set(part) for key, part in requests.groupby("key")["label"]}
    return pd.Series(
        [
            origin == EXAMPLE and label not in labels.get(key, {label})
            for origin, key, label in zip(rows["origin"], rows["key"], rows["label"], strict=True)
        ],
        rows.index,
        dtype=bool,
    )
