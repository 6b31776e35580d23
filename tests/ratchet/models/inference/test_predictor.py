"""One path from texts to probabilities: exact, order-keeping, equal in every process and to PEFT's own."""

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from ratchet.core.errors import RatchetError
from ratchet.metrics.calibration import Calibration, softmax
from ratchet.models.encoders import load_classifier
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.preprocessing import FIRST
from ratchet.models.token_batches import pad_batch
from ratchet.models.tokenization import encode_texts, load_tokenizer
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore

TEXTS = [
    "my card never arrived in the post",
    "  money back please ",
    "which rate",
    "unheard words only",
    "",
    "how do I get my old money back please, which exchange rate applies today, my card never arrived " * 3,
]
PRINT_LOGITS = """
import json, sys
from pathlib import Path
from ratchet.models.inference.predictor import load_predictor
print(json.dumps([load_predictor(Path(folder)).logits(json.loads(sys.argv[1])).tolist() for folder in sys.argv[2:]]))
"""


@pytest.fixture(scope="module")
def adapters(trained: Path) -> list[Path]:
    """The trained LoRA and the trained probe."""
    return [trained / f"candidate-{index}" / "adapter" for index in (0, 1)]


@pytest.mark.supports(family="encoder", method=("lora", "probe"), runtime="ratchet", export="adapter")
def test_a_fresh_process_gives_equal_logits(adapters: list[Path]) -> None:
    """Reloaded elsewhere, LoRA and probe answer bit for bit as here, heads included."""
    command = [sys.executable, "-c", PRINT_LOGITS, json.dumps(TEXTS), *map(str, adapters)]
    there = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout)
    for folder, logits in zip(adapters, there, strict=True):
        np.testing.assert_array_equal(load_predictor(folder).logits(TEXTS), np.array(logits))


@pytest.mark.supports(family="encoder", method="lora", runtime="peft", export="adapter")
@pytest.mark.feature(29)
def test_peft_loads_the_folder_with_equal_logits(adapters: list[Path], tiny_base: Path) -> None:
    """The LoRA folder is plain PEFT: its own loader on a fresh base gives our merged logits to float32 rounding."""
    from peft import PeftModel

    torch.manual_seed(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model = PeftModel.from_pretrained(load_classifier(tiny_base, 3), adapters[0]).eval()
    rows = encode_texts(load_tokenizer(tiny_base, 32), TEXTS)
    ids, mask = pad_batch(rows, 0)
    with torch.inference_mode():
        expected = model(input_ids=ids, attention_mask=mask).logits.double().numpy()
    np.testing.assert_allclose(load_predictor(adapters[0]).logits(TEXTS), expected, atol=2e-6)


@pytest.mark.parametrize("index", [0, 1], ids=["lora", "probe"])
def test_a_text_is_answered_alike_in_any_company(adapters: list[Path], index: int) -> None:
    """Neither order nor neighbours change a text's logits beyond rounding; no texts give no rows."""
    predictor = load_predictor(adapters[index])
    together = predictor.logits(TEXTS)
    np.testing.assert_allclose(predictor.logits(TEXTS[::-1])[::-1], together, atol=1e-6)
    np.testing.assert_allclose(np.vstack([predictor.logits([text]) for text in TEXTS]), together, atol=1e-6)
    assert predictor.logits([]).shape == (0, 3)
    assert predictor.predict([]).labels == []


def test_the_calibration_of_the_card_is_applied(adapters: list[Path], tmp_path: Path) -> None:
    """Sealed with a temperature, the predictor divides its logits by it; unsealed it does not."""
    store = AdapterStore(Home(tmp_path))
    calibration = Calibration("temperature", 2.5, accepted=True, reason="better")
    digest = store.seal("tickets", adapters[0], {"calibration": calibration.as_json()})
    raw, sealed = load_predictor(adapters[0]), load_predictor(store.open("tickets", digest))
    logits = raw.logits(TEXTS)
    np.testing.assert_array_equal(sealed.logits(TEXTS), logits)
    np.testing.assert_allclose(raw.predict(TEXTS).probabilities, softmax(logits))
    answers = sealed.predict(TEXTS)
    np.testing.assert_allclose(answers.probabilities, softmax(logits, 2.5))
    assert answers.labels == [sealed.labels[index] for index in logits.argmax(axis=1)]
    np.testing.assert_allclose(answers.confidence, answers.probabilities.max(axis=1))


def test_another_base_model_is_refused(adapters: list[Path], tmp_path: Path) -> None:
    """An adapter whose card pins another revision of the base, or another tokenizer, is not served."""
    for key in ("base_revision", "tokenizer_digest", "preprocessing"):
        folder = tmp_path / key
        folder.mkdir()
        for path in adapters[1].iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        card = json.loads((folder / "ratchet.json").read_text())
        (folder / "ratchet.json").write_text(json.dumps({**card, key: "0" * 64}))
        with pytest.raises(RatchetError, match=f"was trained with {key} '0000"):
            load_predictor(folder)


def test_tokens_are_those_of_the_base_models_own_tokenizer() -> None:
    """On the default base our token ids equal those of transformers' tokenizer."""
    from transformers import AutoTokenizer

    from ratchet.models.base_models import base_folder

    folder = base_folder("all-MiniLM-L6-v2")
    own, texts = AutoTokenizer.from_pretrained(folder), [text.strip() for text in TEXTS]
    cut = own(texts, truncation=True, max_length=32)["input_ids"]
    whole = own(texts)["input_ids"]
    assert encode_texts(load_tokenizer(folder, 32, FIRST), TEXTS) == cut
    ends = [row if len(row) <= 32 else row[:16] + row[-16:] for row in whole]
    assert encode_texts(load_tokenizer(folder, 32), TEXTS) == ends
    assert cut != ends
