"""A result is believed only when its figures belong to the weights that lie beside it (fault F32)."""

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.core.files import write_json
from ratchet.training import result as outcome
from ratchet.training.result import FAILURE, choose_best, read_result, summarise

pytestmark = pytest.mark.slow


@pytest.fixture
def work(trained: Path, tmp_path: Path) -> Path:
    """A copy of a finished training that a test may damage."""
    return Path(shutil.copytree(trained, tmp_path / trained.name))


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_finished_training_is_read_back(work: Path) -> None:
    """The best candidate's folder is the one that the report is about."""
    result = read_result(work)
    assert result.best_folder == work / f"candidate-{result.best}" / "adapter"
    assert json.loads((work / "result.json").read_text()) == json.loads(json.dumps(result.as_json()))


def test_a_trainer_that_left_nothing_is_refused(work: Path) -> None:
    """Fault F32: exit code 0 without a result is no result."""
    (work / "result.json").unlink()
    with pytest.raises(RatchetError, match="left no result"):
        read_result(work)


def damage_weights(work: Path) -> None:
    """Flip the last bit of the first candidate's weights."""
    path = work / "candidate-0" / "adapter" / "adapter_model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_metrics_of_other_weights_are_refused(work: Path) -> None:
    """Fault F32: one byte of the weights differs from what was reported."""
    damage_weights(work)
    with pytest.raises(RatchetError, match="weights of candidate 0 differ from those that were reported"):
        read_result(work)


def test_a_reader_that_believes_the_figures_is_noticed(work: Path, plant: Callable[..., ModuleType]) -> None:
    """F32's mutant compares no digest, and takes the figures of other weights."""
    mutant = plant(outcome, "if weights_digest(work / found.folder) != found.weights_digest:", "if False:")
    damage_weights(work)
    assert mutant.read_result(work).candidates[0].calibration is not None


def test_a_reported_digest_of_other_weights_is_refused(work: Path) -> None:
    """Fault F32: the digest in the result is of something else."""
    rewrite(work / "result.json", lambda content: content["candidates"][1].update(weights_digest="0" * 64))
    with pytest.raises(RatchetError, match="weights of candidate 1 differ"):
        read_result(work)


def test_a_best_that_is_not_is_refused(work: Path) -> None:
    """The figures themselves decide which candidate is best."""
    rewrite(work / "result.json", lambda content: content.update(best=1 - content["best"]))
    with pytest.raises(RatchetError, match="but its own figures name another"):
        read_result(work)


def test_the_result_of_another_plan_is_refused(work: Path) -> None:
    """A result copied from another work folder is not taken for this one's."""
    rewrite(work / "result.json", lambda content: content.update(plan="0" * 64))
    with pytest.raises(RatchetError, match="is the result of another plan"):
        read_result(work)


def test_a_result_from_before_the_second_try_is_read(work: Path) -> None:
    """A result.json without the field `halved` is one that was not."""
    rewrite(work / "result.json", lambda content: [found.pop("halved") for found in content["candidates"]])
    assert not any(found.halved for found in read_result(work).candidates)


def test_half_the_texts_at_once_is_shown(work: Path) -> None:
    """The table of candidates says which one needed it."""
    rewrite(work / "result.json", lambda content: content["candidates"][0].update(halved=True))
    rows = [summarise(found)["status"] for found in read_result(work).candidates]
    assert rows == ["trained with half as many texts at once", "trained"]


def fail_with_a_sentence(work: Path, explain: Callable[[Path], AbstractContextManager[None]]) -> None:
    """A training that leaves its sentence, and whose caller knows no more than an exit code."""
    with explain(work):
        write_json(work / FAILURE, RatchetError("it hung.", "Look.", code="training_hung").as_json())
        raise RuntimeError("exit code 1")


def test_the_sentence_of_a_training_is_what_its_caller_raises(work: Path, plant: Callable[..., ModuleType]) -> None:
    """Not the bare exit code, as the planted mutant does; one that left no sentence now fails as it did."""
    with pytest.raises(RatchetError, match=r"it hung\. hint: Look\.") as told:
        fail_with_a_sentence(work, outcome.explain_failure)
    assert told.value.code == "training_hung"
    with pytest.raises(ZeroDivisionError), outcome.explain_failure(work):
        raise ZeroDivisionError
    mutant = plant(outcome, "        if not (work / FAILURE).is_file():\n            raise\n", "        raise\n")
    with pytest.raises(RuntimeError):
        fail_with_a_sentence(work, mutant.explain_failure)


def test_a_torn_result_is_refused(work: Path) -> None:
    """Half a file is an error in one sentence."""
    path = work / "result.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RatchetError, match="cannot be read"):
        read_result(work)


def test_without_a_trained_candidate_there_is_no_best(work: Path) -> None:
    """Every reason is in the sentence."""
    rewrite(work / "result.json", lambda content: None)
    failed = [
        found.__class__(found.index, "t", "f", "m", "failed", reason="because.")
        for found in read_result(work).candidates
    ]
    with pytest.raises(RatchetError, match=r"t: because\. t: because\."):
        choose_best(failed)


def test_the_best_is_the_one_that_serves_best(work: Path) -> None:
    """An underconfident candidate that a temperature mends beats one whose raw NLL is lower."""
    first, second = read_result(work).candidates
    assert first.calibration is not None
    assert second.calibration is not None
    raw_better = replace(first, calibration=replace(first.calibration, nll=0.50), served_macro_nll=0.49)
    mended = replace(second, calibration=replace(second.calibration, nll=0.55), served_macro_nll=0.40)
    assert choose_best([raw_better, mended]) == mended.index


def test_candidates_are_chosen_by_class_unless_one_is_of_an_earlier_version(work: Path) -> None:
    """A rare class counts like the others; figures over items and over classes are never compared."""
    first, second = read_result(work).candidates
    frequent = replace(first, served_nll=0.10, served_macro_nll=0.90)
    fair = replace(second, served_nll=0.15, served_macro_nll=0.30)
    assert choose_best([frequent, fair]) == fair.index
    assert choose_best([replace(frequent, served_macro_nll=None), fair]) == frequent.index


def test_a_result_of_an_earlier_version_is_read(work: Path) -> None:
    """Its candidates and epochs have no figures by class, and its best is that by items."""

    def strip(content: dict[str, Any]) -> None:
        for found in content["candidates"]:
            del found["served_macro_nll"]
            for figures in (found["calibration"], *found["epochs"]):
                del figures["macro_nll"]
        by_item = [found["served_nll"] for found in content["candidates"]]
        content["best"] = by_item.index(min(by_item))

    rewrite(work / "result.json", strip)
    found = read_result(work).best_candidate
    assert found.calibration is not None
    assert (found.served_macro_nll, found.calibration.macro_nll) == (None, None)
