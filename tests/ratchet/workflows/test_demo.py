"""Tests of the demo's home and script."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.workflows.demo import SAMPLE, SCRIPT, init_demo, need_base, script_of


@pytest.mark.feature(1)
def test_the_demo_starts_anew_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """The sample classifier with its golden set; what an earlier demo left is gone, what others made is not touched."""
    (tmp_path / "kept").write_text("")
    init_demo(Home(tmp_path)).warehouse(SAMPLE).write_text("old")
    home = init_demo(Home(tmp_path))
    assert not home.warehouse(SAMPLE).exists()
    assert (tmp_path / "kept").exists()
    assert len(Specs(home).golden(SAMPLE)) > 100
    spec = Specs(home)[SAMPLE]
    assert {candidate.method for candidate in spec.candidate} == {"lora", "probe"}
    assert (spec.limits.max_golden_loss, spec.promotion.margin, spec.promotion.dwell_minutes) == (0.08, 0.1, 0.0)
    assert spec.window.calibration_share == 0.3


def test_the_causal_demo_has_one_causal_candidate_and_fewer_requests(tmp_path: Path) -> None:
    """The same weeks and endings; a base that is missing is named before an earlier demo is removed."""
    spec = Specs(init_demo(Home(tmp_path), "causal", str(write_tiny_causal(tmp_path / "base", []))))[SAMPLE]
    assert [(each.family, each.layers) for each in spec.candidate] == [("causal", "top:10")]
    assert (spec.limits.golden_floor, spec.promotion.margin) == (0.6, 0.1)
    assert all(less.requests < more.requests for less, more in zip(script_of("causal"), SCRIPT, strict=True))
    assert [scene.expected for scene in script_of("causal")] == [scene.expected for scene in script_of("encoder")]
    with pytest.raises(RatchetError, match="holds no config"):
        need_base("causal", str(tmp_path / "none"), lambda line: None)


def test_a_folder_that_the_demo_did_not_make_is_refused(tmp_path: Path) -> None:
    """Nothing of it is removed."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").write_text("")
    with pytest.raises(RatchetError, match="not made by the demo"):
        init_demo(Home(tmp_path))
    assert (tmp_path / "demo" / "mine").exists()


def test_only_the_third_week_swaps_two_labels(tmp_path: Path) -> None:
    """Both annotators call the one what is the other; in the weeks before nobody does."""
    home = init_demo(Home(tmp_path))
    for scene in SCRIPT:
        scene.write(home)
    third = SCRIPT[2]
    assert [scene.swap for scene in SCRIPT] == [None, None, ("validation_error", "accidental_exit"), None]
    assert [scene.expected for scene in SCRIPT] == ["promoted", "rolled back", "blocked", "passed"]
    logs = home.landing(SAMPLE, "production_logs") / f"{third.week}.jsonl"
    corrections = home.landing(SAMPLE, "corrections") / f"{third.week}.jsonl"
    served = {row["request_id"]: row["label"] for row in map(json.loads, logs.read_text().splitlines())}
    said = Counter(
        (served[row["request_id"]], row["label"])
        for row in map(json.loads, corrections.read_text().splitlines())
        if row["request_id"] in served and not row["saw_prediction"]
    )
    for label, other in (third.swap or ()), (third.swap or ())[::-1]:
        assert said[(label, other)] > 3 * said[(label, label)]


def test_only_in_the_last_week_annotators_disagree(tmp_path: Path) -> None:
    """One of them guesses half of the labels, so that far fewer than nine of ten doubles agree."""
    assert [scene.careless for scene in SCRIPT] == [False, False, False, True]
    labels: dict[str, list[str]] = {}
    for request in SCRIPT[-1].simulation.iter_week(SCRIPT[-1].week, SCRIPT[-1].requests):
        for row in request.corrections:
            labels.setdefault(row["request_id"], []).append(row["label"])
    doubles = [each for each in labels.values() if len(each) == 2]
    assert len(doubles) > 60
    assert sum(one == other for one, other in doubles) < 0.7 * len(doubles)
