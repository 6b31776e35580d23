"""What is judged is what was stored, and the gates decide alike from memory and from the warehouse."""

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.config.slices import Slices
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.data.label_selection import LabelSelection, count_confirming
from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.model_gates import decide_model_gates
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.golden_agreement import CONFUSIONS_SQL, decide_golden_agreement, labels_of_test
from ratchet.gates.golden_set_regression import GOLDEN_SQL, decide_regression, read_golden_answers
from ratchet.gates.paired_answers import PAIRED_SQL, read_paired_answers
from ratchet.gates.slices import decide_slices
from ratchet.ingest.rebuild import open_warehouse
from ratchet.metrics.calibration import softmax
from ratchet.storage.home import Home
from ratchet.workflows.gates.stored_answers import read_stored_answers

SPEC = Spec("tickets", (Label("a"), Label("b")))
BASELINES = {name: {"macro_f1": 0.3, "ece": 0.1} for name in ("majority", "tfidf_logreg", "linear_probe", "base_model")}


@dataclass(frozen=True)
class Item:
    """A golden item."""

    text: str
    label: str


def test_splits_keep_items_texts_and_labels_together() -> None:
    """Rows by split in their order, labels as places in the specification; golden items are named by line."""
    rows = pd.DataFrame(
        [("test", "r2", "x", "b"), ("train", "r1", "y", "a"), ("test", "r3", "z", "a")],
        columns=["split", "request_id", "text", "label"],
    )
    found = read_splits(rows, [Item("g", "b"), Item("h", "a")], SPEC.labels)
    assert set(found) == {"test", "train", "golden"}
    assert (found["test"].items, found["test"].texts, found["test"].labels.tolist()) == (
        ("r2", "r3"),
        ("x", "z"),
        [1, 0],
    )
    assert (found["golden"].items, found["golden"].labels.tolist()) == (("golden-1", "golden-2"), [1, 0])


def test_an_example_of_a_label_that_is_not_judged_is_an_error() -> None:
    """Not a zero; golden items of a label that waits are left out, and the others keep their lines."""
    columns = ["split", "request_id", "text", "label"]
    with pytest.raises(KeyError, match="z"):
        read_splits(pd.DataFrame([("test", "r", "t", "z")], columns=columns), [], SPEC.labels)
    golden = [Item("g", "z"), Item("h", SPEC.labels[0])]
    assert read_splits(pd.DataFrame(columns=columns), golden, SPEC.labels)["golden"].items == ("golden-2",)


def scores(wrong: int) -> dict[str, Scored]:
    """Answers on 50 test and 50 golden items of which the first so many are wrong."""
    truth = np.array([i % 2 for i in range(50)], dtype=np.int64)
    answer = np.where(np.arange(50) < wrong, 1 - truth, truth)
    p = softmax(np.eye(2)[answer] * 4)
    names = {split: tuple(f"{split}-{i}" for i in range(1, 51)) for split in ("test", "golden")}
    return {split: Scored(Split(split, items, items, truth), p, p) for split, items in names.items()}


@pytest.mark.parametrize("wrong", [0, 2, 3, 20])
@pytest.mark.parametrize("live", [True, False])
def test_the_gate_in_the_report_and_the_gate_of_the_check_say_the_same(tmp_path: Path, wrong: int, live: bool) -> None:
    """From the scores in memory, and from the predictions read back by the check's own query."""
    mine, theirs = scores(wrong), scores(0) if live else None
    verdicts = decide_model_gates(mine, theirs, BASELINES, SPEC)
    warehouse, week = open_warehouse(Home(tmp_path), "tickets"), date(2026, 2, 23)
    rows = [
        {"classifier": "tickets", "week": week, "model": model, "adapter": model, **row}
        for model, found in (("candidate", mine), ("live", theirs or {}))
        for scored in found.values()
        for row in scored.rows(SPEC.labels)
    ]
    warehouse.replace("predictions", "tickets", week, pd.DataFrame(rows))
    stored = warehouse.frame(GOLDEN_SQL, {"classifier": "tickets", "week": week, "adapter": "candidate"})
    assert (
        decide_regression(read_golden_answers(stored.to_dict("records")), SPEC.limits)
        == verdicts["golden_set_regression"]
    )
    key = {"classifier": "tickets", "week": week, "adapter": "candidate"}
    paired = read_paired_answers(warehouse.frame(PAIRED_SQL, key).to_dict("records"), SPEC.labels, ())
    assert decide_calibration(paired, SPEC.limits.max_nll_rise) == verdicts["calibration_regression"]
    assert decide_slices(paired, SPEC.slices, SPEC.limits.max_golden_loss) == verdicts["slices"]
    outcome = {0: "inconclusive", 2: "inconclusive", 3: "inconclusive", 20: "failed"}[wrong] if live else "passed"
    assert verdicts["golden_set_regression"].outcome == outcome
    assert verdicts["beats_baselines"].outcome == "passed"


def test_columns_of_the_logs_become_slices_alike_from_memory_and_from_the_warehouse(tmp_path: Path) -> None:
    """A channel that the candidate ruins blocks by itself; what was served is read from the same rows."""
    spec = replace(SPEC, slices=Slices(columns=("channel",)))
    truth = np.array([i % 2 for i in range(120)], dtype=np.int64)
    items = {split: tuple(f"{split}-{i}" for i in range(120)) for split in ("test", "golden")}
    is_chat = np.arange(120) < 40
    channels = ["chat" if chat else "mail" for chat in is_chat]
    extra = tuple(json.dumps({"channel": channel, "country": None}) for channel in channels)
    found: dict[str, dict[str, Scored]] = {"candidate": {}, "live": {}}
    for model, wrong in (("candidate", is_chat & (np.arange(120) % 2 == 0)), ("live", np.arange(120) > 110)):
        for split in ("test", "golden"):
            p = softmax(np.eye(2)[np.where(wrong & (split == "test"), 1 - truth, truth)] * 4)
            of_test = split == "test"
            served = tuple(spec.labels[i] for i in truth) if of_test else ()
            each = Split(split, items[split], items[split], truth, (), served, extra if of_test else ())
            found[model][split] = Scored(each, p, p)
    verdict = decide_model_gates(found["candidate"], found["live"], BASELINES, spec)["slices"]
    assert (verdict.outcome, verdict.evidence["lost"]) == ("failed", ["label a", "channel chat"])
    warehouse, week = open_warehouse(Home(tmp_path), "tickets"), date(2026, 2, 23)
    rows = [
        {"classifier": "tickets", "week": week, "model": model, "adapter": model, **row}
        for model, splits in found.items()
        for scored in splits.values()
        for row in scored.rows(spec.labels)
    ]
    warehouse.replace("predictions", "tickets", week, pd.DataFrame(rows))
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO production_logs VALUES ('tickets', ?, '2026-02-24 00:00:00+00', 'x', ?, NULL, NULL, NULL, ?,"
            " ?)",
            [(name, spec.labels[i], more, week) for name, i, more in zip(items["test"], truth, extra, strict=True)],
        )
    stored = warehouse.frame(PAIRED_SQL, {"classifier": "tickets", "week": week, "adapter": "candidate"})
    paired = read_paired_answers(stored.to_dict("records"), spec.labels, spec.slices.columns)
    assert decide_slices(paired, spec.slices, spec.limits.max_golden_loss) == verdict


@pytest.mark.parametrize(("requests_of_a_kind", "outcome"), [(100, "warned"), (30, "failed")])
def test_errors_alone_are_seen_alike_from_memory_and_from_the_warehouse(
    tmp_path: Path, requests_of_a_kind: int, outcome: str
) -> None:
    """What was served is joined by request; where most requests are contradicted, the labels were swapped."""
    spec = Spec("tickets", (Label("a"), Label("b"), Label("c")))
    truth = np.array([i % 2 for i in range(50)], dtype=np.int64)
    items, golden = tuple(f"r{i}" for i in range(50)), tuple(f"golden-{i}" for i in range(50))
    served = tuple(spec.labels[1 - i % 2] for i in range(50))
    wrong, right = (softmax(np.eye(3)[answers] * 4) for answers in (1 - truth, truth))
    mine = {
        "test": Scored(Split("test", items, items, truth, (), served), wrong, wrong),
        "golden": Scored(Split("golden", golden, golden, truth), right, right),
    }
    requests = {"a": requests_of_a_kind, "b": requests_of_a_kind, "c": 1}
    verdicts = decide_model_gates(mine, None, BASELINES, spec, requests=requests)
    assert verdicts["beats_baselines"].outcome == "inconclusive"
    assert verdicts["golden_agreement"].outcome == outcome
    warehouse, week = open_warehouse(Home(tmp_path), "tickets"), date(2026, 2, 23)
    rows = [
        {"classifier": "tickets", "week": week, "model": "candidate", "adapter": "d", **row}
        for scored in mine.values()
        for row in scored.rows(spec.labels)
    ]
    warehouse.replace("predictions", "tickets", week, pd.DataFrame(rows))
    ids = [*items, *(f"more-{i}" for i in range(2 * requests_of_a_kind - 50))]
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO production_logs VALUES ('tickets', ?, '2026-02-24 00:00:00+00', 'x', ?, NULL, NULL, NULL,"
            " NULL, ?)",
            [*((name, spec.labels[1 - i % 2], week) for i, name in enumerate(ids)), ("third", "c", week)],
        )
    answers = read_stored_answers(Home(tmp_path), Cycle("tickets", week), "d")
    assert answers.requests == requests
    assert decide_golden_agreement(answers.confusions, answers.requests) == verdicts["golden_agreement"]
    assert count_confirming(labels_of_test(answers.confusions)) == LabelSelection(50, 0)
    with warehouse.connect() as connection:
        connection.execute("INSERT INTO label_images VALUES ('tickets', 'a', NULL, NULL, 'former', ['b', 'z'], NULL)")
        key = {"classifier": "tickets", "week": week, "adapter": "d"}
        rows = connection.execute(CONFUSIONS_SQL, key).df().to_dict("records")
    assert count_confirming(labels_of_test(rows)) == LabelSelection(50, 25)  # `b`, which `a` was split into
