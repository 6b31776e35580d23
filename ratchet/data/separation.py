"""Separation of the splits: what golden, test or calibration contain leaves train, and near-duplicates leave it too.

Texts are compared without their boilerplate. Add here which rows exclude each other; how two texts are compared is in
`near_duplicates.py` and `boilerplate.py`, and the independent check in `ratchet/gates/leakage.py`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ratchet.config.policy import Limits
from ratchet.data.boilerplate import Boilerplate, Rest, describe_boilerplate, find_boilerplate
from ratchet.data.near_duplicates import NearDuplicates, normalise, one_word_apart
from ratchet.data.sift import Sift

_LABELLED = ", labelled "
_NEAR = ("near_golden", "near_held_out", "near_duplicate", "near_duplicate_other_label")


@dataclass(frozen=True)
class Separated:
    """Boilerplate of a cycle's texts, and the description of their comparison as JSON types."""

    boilerplate: Boilerplate
    described: dict[str, Any]


def keep_apart(sift: Sift, limits: Limits, golden: Sequence[str]) -> Separated:
    """Drop from train what golden, test or calibration contain, exactly or nearly, then near-duplicates within train.

    Calibration chooses among candidates and fits the temperature, so texts of the golden set or of test leave it too,
    those of test only when equal. One index of texts grows in that order: golden, held out, train. `golden` is
    redacted, as the rows are; rows have a column `key`, their normalised text.
    """
    keys = [normalise(text) for text in golden]
    boilerplate = find_boilerplate([*keys, *sift.kept["key"]], limits.boilerplate_share)
    golden_rests, rests = boilerplate.set_aside(keys), boilerplate.set_aside([*sift.kept["key"]])
    sift.kept["compared"] = [rest.text for rest in rests]
    described: dict[str, Any] = {"boilerplate": describe_boilerplate([*golden_rests, *rests])}

    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split != "test") & key.isin(set(keys)), "golden")
    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split == "calibration") & key.isin(set(key[split == "test"])), "held_out")
    split, key = sift.kept["split"], sift.kept["key"]
    sift.drop((split == "train") & key.isin(set(key[split != "train"])), "held_out")

    matches = _find_near(sift, limits.near_duplicate_jaccard, golden_rests)
    described["alike_other_label"] = sum(_LABELLED in name for _, name in matches.values())
    for reason in _NEAR:
        detail = pd.Series({row: f"like {name}" for row, (why, name) in matches.items() if why == reason}, dtype=object)
        sift.drop(sift.kept.index.to_series().isin(detail.index), reason, detail.reindex(sift.kept.index))
    reworded = set().union(*(one_word_apart(rest.text) for rest in golden_rests))
    meets = [
        split == "train" and not reworded.isdisjoint(one_word_apart(text))
        for split, text in zip(sift.kept["split"], sift.kept["compared"], strict=True)
    ]
    sift.drop(pd.Series(meets, sift.kept.index, dtype=bool), "reworded_golden")
    return Separated(boilerplate, described)


def _find_near(sift: Sift, threshold: float, golden: Sequence[Rest]) -> dict[Any, tuple[str, str]]:
    """Return (reason, name of the other) of each row that is a near-duplicate, by its index."""
    index = NearDuplicates(threshold, [rest.text for rest in golden])
    # known[i] describes the text that the index has as number i, so both grow together.
    known = [("near_golden", f"golden item {number}", "") for number in range(1, len(golden) + 1)]
    # A golden text that is boilerplate alone is compared whole with whole texts: repeated often enough, it would
    # otherwise hide itself.
    bare = [number for number, rest in enumerate(golden) if rest.bare]
    whole = NearDuplicates(threshold, [golden[number].text for number in bare])

    matches: dict[Any, tuple[str, str]] = {}
    for row in sift.kept.loc[sift.kept["split"] != "test"].itertuples():
        if bare and (match := whole.find(str(row.key))) is not None:
            matches[row.Index] = known[bare[match]][:2]
    for row in _rows_of(sift, "calibration"):
        if row.Index not in matches and (match := index.find(row.compared)) is not None:
            matches[row.Index] = known[match][:2]
    for row in sift.kept.loc[sift.kept["split"] != "train"].itertuples():
        if row.Index not in matches:
            index.add(str(row.compared))
            known.append(("near_held_out", str(row.request_id), str(row.label)))
    for row in _rows_of(sift, "train"):
        if row.Index in matches:
            continue
        if (match := index.find_or_add(row.compared)) is None:
            known.append(("near_duplicate", row.request_id, row.label))
            continue
        why, name, label = known[match]
        other = label not in {"", row.label}
        reason = f"{why}_other_label" if other and why == "near_duplicate" else why
        matches[row.Index] = reason, f"{name}{_LABELLED}{label}" if other else name
    return matches


def _rows_of(sift: Sift, split: str) -> Iterator[Any]:
    return iter(sift.kept[sift.kept["split"] == split].itertuples())
