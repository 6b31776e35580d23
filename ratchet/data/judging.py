"""Labels that judge, and those that only train: a request that was chosen for its value says nothing about the others.

Whoever asks people about the requests on which a model is unsure, or two models differ, gets labels that teach much and
measure nothing: on such requests an honest world looks broken. So only requests drawn at random, and those without a
record of a choice, judge. Add here another rule on which labels judge; `curation.py` applies it to the splits, and
`consensus.py` says of each request whether it was drawn.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

DRAWN_TEST_SQL = """
SELECT text, label FROM examples WHERE classifier = $classifier AND week = $week AND split = 'test' AND blind
AND origin IS DISTINCT FROM 'example' AND coalesce(drawn, true) ORDER BY request_id
"""
"""Texts and labels of a cycle's own week that chose nothing: neither epoch nor candidate nor temperature."""
WAITS = "chosen_by_value"
"""Reason of `sift.py` for a request of the cycle's own week that only trains: it does from the next cycle on."""
LEAST_JUDGING = 50
"""Labels that judge below which plan, report and checks say that they are few: of 50 right answers of 90 % the exact
95 % interval is 18 points wide."""


def read_drawn(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return for each row whether it judges; rows without the column `drawn`, or without a value in it, do."""
    if "drawn" not in rows:
        return pd.Series(True, rows.index)
    return rows["drawn"].map(lambda drawn: drawn is None or drawn != drawn or bool(drawn)).astype(bool)


def describe_judging(examples: pd.DataFrame, dropped: pd.DataFrame) -> dict[str, Any]:
    """Return how many examples judge, only train, or wait to train, and the classes of drawn ones in train.

    Empty where every example was drawn or has no record of a choice: then there is nothing to tell apart.
    """
    drawn, in_train = read_drawn(examples), examples["split"] == "train"
    waits = int((dropped["reason"] == WAITS).sum())
    if drawn.all() and not waits:
        return {}
    classes = examples.loc[in_train & drawn, "label"].value_counts()
    judging = {
        "calibration": int((examples["split"] == "calibration").sum()),
        "test": int((examples["split"] == "test").sum()),
        "only_train": int((in_train & ~drawn).sum()),
        "wait": waits,
    }
    return {"judging": judging, "drawn_in_train": {str(label): int(n) for label, n in classes.items()}}


def count_labels(labels: pd.DataFrame) -> dict[str, int]:
    """Return counts of one week's rows of the table `labels`: those that judge, only train, wait or were decided."""
    labelled, drawn, decided = labels["label"].notna(), read_drawn(labels), labels["adjudicated"]
    return {
        "labelled": int(labelled.sum()),
        "judging": int((labelled & drawn).sum()),
        "only_train": int((labelled & ~drawn).sum()),
        "to_adjudicate": int((labels["status"] == "adjudicate").sum()),
        "adjudicated": int(decided.notna().sum()),
        "adjudicated_alone": int((decided == "self").sum()),
        "left_out": int((labels["status"] == "left_out").sum()),
    }


def describe_team(counts: Mapping[Any, Any]) -> str:
    """Return the sentence about a team of one, '' for another; `counts` has `people`, and what `count_labels` gives."""
    if counts.get("people") != 1:
        return ""
    alone = counts.get("adjudicated_alone", 0)
    return (
        "One person labelled this week: no request is labelled twice, so how far people agree is unknown. What they"
        " decide by themselves a day or more later counts as adjudicated, and is marked"
        f"{f' ({alone} requests)' if alone else ''}."
    )


def sentence_on_judging(data: Mapping[str, Any]) -> str:
    """Return the sentence about the labels that judge and those that only train, with the fix where the former are few.

    `data` is `Curated.describe()`; '' where nothing was chosen for its value.
    """
    if not (found := data.get("judging")):
        return ""
    sentence = (
        f"{found['test']} labels of the week judge and {found['calibration']} calibrate; {found['only_train']} were"
        f" chosen for their value and only train, {found['wait']} of this week do so from the next cycle on."
    )
    if found["test"] >= LEAST_JUDGING:
        return sentence
    return f"{sentence} Fewer than {LEAST_JUDGING} labels judge: raise audit_share in [review] of classifier.toml."


def sentence_on_labels(counts: Mapping[str, Any]) -> str:
    """Return the sentence about one week's labels, before its examples are made; '' where all of them judge."""
    if not counts.get("only_train"):
        return ""
    return (
        f"{counts['judging']} labels of the week judge; {counts['only_train']} were chosen for their value and train."
    )
