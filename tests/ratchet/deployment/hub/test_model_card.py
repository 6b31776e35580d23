"""The model card: valid for the Hub's own reader, without an empty section, and without any text of a user."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.deployment.hub.model_card import confusions, ece_interval
from ratchet.metrics.classification import reliability
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.testing.homes import write_publishable
from ratchet.testing.hub.server import LocalHub
from ratchet.workflows.publication.prepare import Upload, prepare

pytestmark = pytest.mark.slow

READ = """
import sys
from huggingface_hub import ModelCard
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
card = ModelCard.load(sys.argv[1])
card.validate()
index = eval_results_to_model_index("small", card.data.eval_results)
assert model_index_to_eval_results(index)[1] == card.data.eval_results
for each in card.data.eval_results:
    print(each.metric_type, each.metric_value, each.metric_args["n"], len(each.metric_args["interval_95"]),
        each.dataset_split)
print(card.data.base_model, card.data.license, card.data.pipeline_tag, card.data.to_dict()["base_model_relation"])
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> tuple[Home, Upload]:
    """A home, and what would be uploaded of its adapter."""
    home = Home(tmp_path_factory.mktemp("carded"))
    told = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{"a" * 40}"'
    return home, prepare(home, "small", write_publishable(home, tiny_base, publish=told))


@pytest.mark.feature(28)
def test_the_hubs_own_reader_takes_the_card_and_gives_the_figures_back(
    made: tuple[Home, Upload], tmp_path: Path
) -> None:
    """Metadata validate at the Hub; every figure of the model index has its n and its interval."""
    path = tmp_path / "README.md"
    path.write_bytes(made[1].files["README.md"])
    with LocalHub() as hub:
        environment = {**os.environ, **hub.environment, "HF_HOME": str(tmp_path / "hf")}
        done = subprocess.run(
            [sys.executable, "-c", READ, str(path)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert ("POST", "/api/validate-yaml") in hub.requests
    *figures, last = done.stdout.splitlines()
    report = Reports(made[0]).read(Cycle("small", parse_week("2026-01-05")))
    found = {tuple(line.split()[:1] + line.split()[-1:]): line.split() for line in figures}
    assert len(found) == 6
    for split in ("test", "golden"):
        for kind, key in (("f1", "macro_f1"), ("accuracy", "accuracy"), ("ece", "ece")):
            line = found[kind, split]
            assert float(line[1]) == pytest.approx(report["metrics"][split][key], abs=1e-6)
            assert line[2:4] == [str(report["metrics"][split]["n"]), "2"]
    assert last == "org/base apache-2.0 text-classification adapter"


@pytest.mark.feature(28)
def test_no_section_is_empty_and_no_text_of_a_user_is_told(made: tuple[Home, Upload]) -> None:
    """Every heading is followed by words; texts of errors stay in the report."""
    home, upload = made
    card = upload.files["README.md"].decode()
    body = card.split("---\n", 2)[2]
    sections = re.split(r"^## ", body, flags=re.MULTILINE)[1:]
    assert len(sections) == 8
    assert all(len(section.partition("\n")[2].split()) > 5 for section in sections)
    assert "More Information Needed" not in card
    report = Reports(home).read(Cycle("small", parse_week("2026-01-05")))
    texts = {row["text"] for row in report["worst_errors"]} | set(home.golden("small").read_text().splitlines())
    assert texts
    assert not [text for text in texts if any(text.encode() in content for content in upload.files.values())]


def test_a_card_says_that_labelled_examples_judged(made: tuple[Home, Upload], tmp_path: Path) -> None:
    """In the section on data, at the figures and in the metadata of the Hub; a card of requests says nothing of it."""
    home = Home(Path(shutil.copytree(made[0].root, tmp_path / "home", symlinks=True)))
    cycle = Cycle("small", parse_week("2026-01-05"))
    document = Reports(home).read(cycle)
    data = {**document["data"], "split_by": "text", "judged_on_examples": "No request is labelled yet."}
    Reports(home).write(cycle, {**document, "data": data})
    card = prepare(home, "small", document["adapter"]).files["README.md"].decode()
    for card_of, times in ((card, 1), (made[1].files["README.md"].decode(), 0)):
        assert card_of.count("No request was labelled yet") == times
        assert ("labelled examples, split by text" in card_of) == bool(times)
        assert ("blind corrections of the week" in card_of) != bool(times)


def test_the_commonest_mistakes_come_first() -> None:
    """Of each: how often, out of how many."""
    rows: list[dict[str, Any]] = confusions([[5, 1], [3, 0]], ["a", "b"])
    assert rows == [
        {"label": "b", "answered": "a", "count": 3, "of": 3},
        {"label": "a", "answered": "b", "count": 1, "of": 6},
    ]
    assert confusions([[5, 0], [0, 3]], ["a", "b"]) == []


def test_the_interval_of_the_calibration_error_narrows_with_the_answers() -> None:
    """Four times the answers of the same kind halve it, about."""
    import numpy as np

    def width(n: int) -> float:
        draw = np.random.default_rng(3)
        confidence = draw.uniform(0.5, 1.0, n)
        right = draw.random(n) < confidence
        low, high = ece_interval(reliability(np.column_stack([confidence, 1 - confidence]), 1 - right.astype(np.int64)))
        assert 0 <= low <= high <= 1
        return high - low

    assert 0.3 < width(4000) / width(1000) < 0.7
