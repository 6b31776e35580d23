"""What earlier trainings took is read from their folders; one that cannot be read stops no forecast."""

import json
import shutil
from pathlib import Path

import pytest

from ratchet.storage.past_trainings import read_past_trainings


def test_a_training_is_remembered_with_its_candidates_and_examples(trained: Path) -> None:
    """Both candidates, with what they took; the probe has no epochs."""
    found = read_past_trainings(trained.parent)
    reported = json.loads((trained / "result.json").read_bytes())["candidates"]
    assert [(past.candidate.method, past.examples, past.epochs) for past in found] == [
        ("lora", 30, 2),
        ("probe", 30, 0),
    ]
    assert [past.seconds for past in found] == [candidate["seconds"] for candidate in reported]


def test_after_a_crash_the_epochs_of_before_count(trained: Path, tmp_path: Path) -> None:
    """`seconds` are those of the last process alone."""
    work = Path(shutil.copytree(trained, tmp_path / trained.name))
    content = json.loads((work / "result.json").read_bytes())
    content["candidates"][0]["seconds"] = 0.001
    (work / "result.json").write_text(json.dumps(content))
    epochs = content["candidates"][0]["epochs"]
    assert read_past_trainings(tmp_path)[0].seconds == pytest.approx(sum(epoch["seconds"] for epoch in epochs))


@pytest.mark.parametrize(
    ("file", "content"), [("result.json", "{"), ("plan.json", "{}"), ("train.parquet", "no parquet")]
)
def test_a_folder_that_cannot_be_read_is_left_out(trained: Path, tmp_path: Path, file: str, content: str) -> None:
    """Work folders are expendable, and a forecast is no reason to fail."""
    work = Path(shutil.copytree(trained, tmp_path / trained.name))
    (work / file).write_text(content)
    assert read_past_trainings(tmp_path) == []
    assert read_past_trainings(tmp_path / "nowhere") == []
