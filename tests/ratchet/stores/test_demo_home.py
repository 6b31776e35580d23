"""Tests of the demo's home and script."""

import json
from pathlib import Path

import pytest

from ratchet.errors import RatchetError
from ratchet.stores.demo_home import SAMPLE, SCRIPT, begin_demo
from ratchet.stores.home import Home
from ratchet.stores.specs import Specs


def test_the_demo_starts_anew_in_a_folder_of_its_own(tmp_path: Path) -> None:
    """The sample classifier with its golden set; what an earlier demo left is gone, what others made is not touched."""
    (tmp_path / "kept").write_text("")
    begin_demo(Home(tmp_path)).warehouse.write_text("old")
    home = begin_demo(Home(tmp_path))
    assert not home.warehouse.exists()
    assert (tmp_path / "kept").exists()
    assert len(Specs(home).golden(SAMPLE)) > 100
    assert [candidate.method for candidate in Specs(home)[SAMPLE].candidate] == ["probe"]
    full = Specs(begin_demo(Home(tmp_path), with_lora=True))[SAMPLE]
    assert {candidate.method for candidate in full.candidate} == {"lora", "probe"}


def test_a_folder_that_the_demo_did_not_make_is_refused(tmp_path: Path) -> None:
    """Nothing of it is removed."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").write_text("")
    with pytest.raises(RatchetError, match="not made by the demo"):
        begin_demo(Home(tmp_path))
    assert (tmp_path / "demo" / "mine").exists()


def test_the_third_week_swaps_two_labels_in_itself_and_in_a_review_of_the_weeks_before(tmp_path: Path) -> None:
    """Every earlier correction of the two labels comes again, later, as the other one; no other label is touched."""
    home = begin_demo(Home(tmp_path))
    for scene in SCRIPT:
        scene.write(home)
    folder = home.landing(SAMPLE, "corrections")
    last = SCRIPT[-1]
    assert last.swap is not None
    other = dict((last.swap, last.swap[::-1]))
    read = [
        {(row["request_id"], row["annotator"]): row for row in map(json.loads, (folder / name).read_text().splitlines())}
        for name in (f"{SCRIPT[0].week}.jsonl", f"{SCRIPT[1].week}.jsonl", f"{last.week}-review.jsonl")
    ]
    earlier, review = {**read[0], **read[1]}, read[2]
    assert set(review) == {key for key, row in earlier.items() if row["label"] in other}
    assert all(row["label"] == other[earlier[key]["label"]] and row["ts"] > str(last.week) for key, row in review.items())
