"""`ratchet sweep` shows what a real cycle left: its candidates and TF-IDF, with time, energy and cost."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_the_sweep_of_a_cycle_that_ran(call: Any, ran_home: Path) -> None:
    """One document with a row for each model; the table shows the same; the machine's price is that of the
    specification."""
    said = call("--home", ran_home, "sweep", "tickets", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    probe, tfidf = found["sweep"]["rows"]
    assert (probe["kind"], probe["kept"], tfidf["kind"]) == ("candidate", True, "baseline")
    for row in (probe, tfidf):
        assert row["seconds"] > 0
        assert row["energy_wh"] == pytest.approx(row["seconds"] / 3600 * 30)
        assert row["cost"] == pytest.approx(row["seconds"] / 3600 * 0.1)
        assert 0 <= row["ece"] <= 1
        assert 0 <= row["macro_f1"] <= 1
    assert found["sweep"]["cycle"]["seconds"] > probe["seconds"]
    assert found["epochs"] == {"0": []}
    shown = call("--home", ran_home, "sweep", "tickets", "--week", "2026-01-05")
    assert shown.code == 0
    assert re.search(rf"encoder/probe \S+ \*  +{probe['macro_f1']:.3f} ", shown.out)
    assert "TF-IDF + logistic regression" in shown.out
    assert "at 30 watts and 0.1 an hour (assumed" in shown.out


def test_epochs_are_drawn_and_failures_said(call: Any, ran_home: Path) -> None:
    """A loss curve is a row of bars between its ends; a report from before sweeps says how to get one."""
    path = ran_home / "tickets" / "reports" / "2026-01-05" / "eval_report.json"
    document = json.loads(path.read_bytes())
    epochs = [{"epoch": 1, "train_loss": 2.0, "nll": 1.0}, {"epoch": 2, "train_loss": 1.0, "nll": 0.9}]
    document["candidates"] = [{"index": 0, "title": "lora", "epochs": epochs, "selected_epoch": 2}]
    document["sweep"]["rows"][1] |= {"status": "failed", "reason": "it broke \x1b[31m"}
    document["sweep"]["rows"][0]["note"] = "its first pass kept\x1b[31m"
    path.write_text(json.dumps(document))
    shown = call("--home", ran_home, "sweep", "tickets")
    assert "lora: training loss 2.000 █▅ 1.000, calibration NLL 1.000 ██ 0.900, epoch 2 kept" in shown.out
    assert "failed: it broke ?[31m" in shown.out
    assert ": its first pass kept?[31m" in shown.out
    del document["sweep"]
    path.write_text(json.dumps(document))
    said = call("--home", ran_home, "sweep", "tickets")
    assert said.code == 1
    assert "has no sweep" in said.err
