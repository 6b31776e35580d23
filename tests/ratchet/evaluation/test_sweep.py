"""The sweep's table: every candidate and TF-IDF, with what their seconds come to."""

from typing import Any

import numpy as np
import pytest

from ratchet.config.machine import Machine
from ratchet.config.spec import Label, Spec
from ratchet.evaluation.scoring import Split
from ratchet.evaluation.sweep import TFIDF, build_sweep, measure_tfidf

SUBJECTS = {"card": "my {} card never arrived", "money": "send the {} money back", "rate": "what {} rate applies"}
FILLERS = [f"word{number}" for number in range(30)]


def split(name: str, words: list[str]) -> Split:
    """A text of each subject for each word."""
    rows = [(text.format(word), index) for word in words for index, text in enumerate(SUBJECTS.values())]
    truth = np.array([index for _, index in rows], dtype=np.int64)
    return Split(name, tuple(f"{name}-{i}" for i in range(len(rows))), tuple(text for text, _ in rows), truth)


def result(**more: Any) -> dict[str, Any]:
    """A candidate as `result.json` holds it."""
    return {
        "index": 0, "title": "encoder/probe base", "status": "trained", "reason": "", "seconds": 36.0,
        "samples_per_second": 120.0,
        "served_nll": 0.4, "calibration": {"macro_f1": 0.9, "nll": 0.5, "ece": 0.03, "brier": 0.1}, **more,
    }  # fmt: skip


def test_seconds_become_energy_and_cost() -> None:
    """36 seconds are a hundredth of an hour, for each row and for the cycle as a whole."""
    found = build_sweep(
        {"best": 0, "candidates": [result()]}, None, Machine(50.0, 2.0), {"train": 3600.0, "rest": 1800.0}
    )
    row = found["rows"][0]
    assert (row["seconds"], row["energy_wh"], row["cost"]) == pytest.approx((36.0, 0.5, 0.02))
    assert row["kept"]
    assert found["cycle"] == {"seconds": 5400.0, "energy_wh": 75.0, "cost": 3.0}
    assert found["machine"] == {"watts": 50.0, "price_per_hour": 2.0, "assumed": False}
    assert build_sweep({"best": 0, "candidates": [result()]}, None, Machine(), {})["machine"]["assumed"]


def test_a_candidate_that_failed_has_its_reason_and_no_figures() -> None:
    """A missing figure is none, never a zero; the time was spent nevertheless."""
    failed = result(
        index=1, status="failed", reason="too few errors.", calibration=None, served_nll=None, samples_per_second=0.0
    )
    row = build_sweep({"best": 0, "candidates": [result(), failed]}, None, Machine(), {})["rows"][1]
    assert (row["status"], row["reason"], row["kept"]) == ("failed", "too few errors.", False)
    assert [row[key] for key in ("macro_f1", "nll", "served_nll", "ece", "samples_per_second")] == [None] * 5
    assert row["seconds"] == 36.0


def test_tfidf_is_judged_on_the_calibration_split() -> None:
    """It learns from train alone: labels that are shuffled on calibration cost it its score."""
    spec = Spec("small", tuple(Label(name) for name in SUBJECTS))
    splits = {"train": split("train", FILLERS[:20]), "calibration": split("calibration", FILLERS[20:])}
    found = measure_tfidf(splits, spec)
    assert (found["title"], found["macro_f1"]) == (TFIDF, 1.0)
    assert found["seconds"] > 0
    assert found["samples_per_second"] == pytest.approx(60 / found["seconds"])
    assert 0 < found["nll"] < 0.5
    assert found["served_nll"] <= found["nll"] + 1e-9
    other = Split(
        "calibration", splits["calibration"].items, splits["calibration"].texts, (splits["calibration"].labels + 1) % 3
    )
    assert measure_tfidf({**splits, "calibration": other}, spec)["macro_f1"] == 0.0
    row = build_sweep({"best": 0, "candidates": [result()]}, found, Machine(), {})["rows"][-1]
    assert (row["kind"], row["title"], row["kept"]) == ("baseline", TFIDF, False)
    assert row["energy_wh"] == pytest.approx(found["seconds"] / 3600 * 30)
