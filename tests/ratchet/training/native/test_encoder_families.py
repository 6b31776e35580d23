"""Encoders of every family learn, and their adapters answer the same wherever they are loaded."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_json
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.exports.onnx import ONNX
from ratchet.deployment.exports.onnx_runtime import onnx_predictor
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import load_predictor
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import CandidateResult, TrainingResult

pytestmark = pytest.mark.slow

Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")
METHODS: tuple[Literal["lora", "probe"], ...] = ("lora", "probe")
FAMILIES = ("distilbert", "deberta", "deberta_v3")  # BERT is everywhere else
TARGETS = {
    "distilbert": ("k_lin", "lin1", "lin2", "out_lin", "q_lin", "v_lin"),
    "deberta": ("dense", "in_proj", "pos_proj", "pos_q_proj"),
    "deberta_v3": ("dense", "key_proj", "query_proj", "value_proj"),
}
HEADS = {
    "distilbert": ("classifier", "pre_classifier"),
    "deberta": ("classifier", "pooler"),
    "deberta_v3": ("classifier", "pooler"),
}
TEXTS = [
    "my old card never arrived",
    "",
    "money back please",
    "which exchange rate " * 9,
    "unheard words, ümlaut 你好",
    "rate",
]
CLOSE = 1e-5


@dataclass(frozen=True)
class Family:
    """What one family's training left: results and folders of its LoRA and its probe, and a random LoRA of other
    shape."""

    lora: CandidateResult
    probe: CandidateResult
    folders: tuple[Path, Path, Path]


@pytest.fixture(scope="module")
def families(
    tmp_path_factory: pytest.TempPathFactory,
    examples: Examples,
    train_here: Callable[[Path], TrainingResult],
) -> dict[str, Family]:
    """One finished training of a LoRA and a probe on a tiny base of each family."""
    root = tmp_path_factory.mktemp("families")
    texts = [text for rows in examples.values() for text, _ in rows]
    bases = [resolve_base(str(write_tiny_encoder(root / family, texts, family))) for family in FAMILIES]
    learnt = Candidate(rank=4, alpha=8, epochs=12, patience=12, batch=8, learning_rate=2e-2, max_tokens=32)
    candidates = [replace(learnt, base=base.name, method=method) for base in bases for method in METHODS]
    pinned = {base.name: base.revision for base in bases}
    plan = TrainingPlan(LABELS, tuple(candidates), pinned, digest_json(examples), "test")
    work = prepare(root / "work", plan, examples["train"], examples["calibration"])
    found, results = {}, train_here(work).candidates
    for number, (family, base) in enumerate(zip(FAMILIES, bases, strict=True)):
        lora, probe = results[2 * number : 2 * number + 2]
        other = write_tiny_adapter(
            root / f"other-{family}", base, ("yes", "no"), seed=3, targets=TARGETS[family][:3], rank=5
        )
        found[family] = Family(lora, probe, (work / lora.folder, work / probe.folder, other))
    return found


@pytest.mark.supports(
    family="encoder",
    architecture=("distilbert", "deberta", "deberta_v3"),
    method=("lora", "probe"),
    runtime="training",
    export="adapter",
)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_by_both_methods(families: dict[str, Family], family: str) -> None:
    """The loss falls, and the layers and heads that learn go by the names of their family."""
    found = families[family]
    assert (found.lora.status, found.probe.status) == ("trained", "trained"), found.lora.reason
    assert found.lora.epochs[-1].train_loss < 0.9 * found.lora.epochs[0].train_loss
    assert (found.lora.target_modules, found.lora.matched_layers) == (TARGETS[family], 12)
    settings = validate_adapter(found.folders[0]).settings
    assert settings is not None
    assert settings.heads == HEADS[family]
    assert found.probe.calibration is not None
    assert found.probe.calibration.macro_f1 > 0.8


@pytest.mark.supports(
    family="encoder",
    architecture=("distilbert", "deberta", "deberta_v3"),
    method=("lora", "probe"),
    runtime="ratchet",
    export="adapter",
)
@pytest.mark.parametrize("family", FAMILIES)
def test_alone_and_in_a_mixed_batch_it_says_the_same(families: dict[str, Family], family: str) -> None:
    """Trained LoRA, probe, and a LoRA of other labels on one base, their texts in one batch: each as it answers
    alone."""
    bases = ModelPool()
    shared = [bases.load(folder) for folder in families[family].folders]
    alone = [load_predictor(folder) for folder in families[family].folders]
    answers, _ = shared[0].model.answer([(predictor, TEXTS) for predictor in shared])
    assert len(bases) == 1
    for one, beside, said in zip(alone, shared, answers, strict=True):
        assert np.allclose(beside.logits(TEXTS), one.logits(TEXTS), atol=CLOSE)
        assert np.allclose(said.probabilities, one.predict(TEXTS).probabilities, atol=CLOSE)


@pytest.mark.parametrize(("family", "apart"), [("distilbert", False), ("deberta", True), ("deberta_v3", True)])
def test_adapters_go_apart_where_a_layer_sees_more_than_the_texts(
    families: dict[str, Family], family: str, apart: bool
) -> None:
    """DeBERTa's layers see the distances between tokens, once for all rows: going together would be noticed, not
    guessed."""
    bases = ModelPool()
    shared = [bases.load(folder) for folder in families[family].folders]
    base = shared[0].model
    assert base._apart is apart
    if apart:
        base._apart = False
        with pytest.raises(ValueError, match="cannot choose their adapters"):
            base.answer([(predictor, TEXTS) for predictor in shared])


@pytest.mark.supports(
    family="encoder",
    architecture=("distilbert", "deberta", "deberta_v3"),
    method="lora",
    runtime="peft",
    export="adapter",
)
def test_peft_alone_gives_the_same_logits(families: dict[str, Family], tmp_path: Path) -> None:
    """A process without Ratchet: PEFT on the plain model answers as the adapter does here."""
    asked, expected = [], []
    for found in families.values():
        opened, predictor = validate_adapter(found.folders[0]), load_predictor(found.folders[0])
        ids = opened.tokenizer.encode_batch_fast(TEXTS[:1])[0].ids
        asked.append([str(opened.base.folder), str(found.folders[0]), ids, len(LABELS)])
        expected.append(predictor.logits(TEXTS[:1])[0])
    script = (
        "import json, sys, torch; from peft import PeftModel; from transformers import"
        " AutoModelForSequenceClassification as A\nfor base, folder, ids, k in json.loads(sys.argv[1]):\n    model ="
        " PeftModel.from_pretrained(A.from_pretrained(base, num_labels=k), folder).eval()\n    print('logits',"
        " json.dumps(model(input_ids=torch.tensor([ids])).logits[0].tolist()))"
    )
    command = [sys.executable, "-W", "ignore", "-c", script, json.dumps(asked)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = [json.loads(line.removeprefix("logits")) for line in done.stdout.splitlines() if line.startswith("logits")]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.supports(
    family="encoder",
    architecture=("distilbert", "deberta", "deberta_v3"),
    method="lora",
    runtime="onnxruntime",
    export="onnx",
)
@pytest.mark.parametrize("family", FAMILIES)
def test_onnx_says_what_the_adapter_says(families: dict[str, Family], family: str, tmp_path: Path) -> None:
    """Texts of several lengths in one batch, with padding."""
    opened = validate_adapter(families[family].folders[0])
    KINDS["onnx"].write(opened, tmp_path)
    theirs = onnx_predictor(opened, (tmp_path / ONNX).read_bytes(), one_by_one=False)
    assert np.allclose(theirs.logits(TEXTS), load_predictor(families[family].folders[0]).logits(TEXTS), atol=1e-4)
