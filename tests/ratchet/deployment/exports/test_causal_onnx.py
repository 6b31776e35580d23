"""A causal adapter as one ONNX graph says what it says itself: for each family, each method, any number of texts of any
length."""

from pathlib import Path

import numpy as np
import pytest

from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports import onnx as onnx_files
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.exports.onnx import ONNX
from ratchet.models.adapters.format import Form
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal

pytestmark = pytest.mark.slow

TEXTS = [
    "where is my parcel?",
    "refund",
    (
        "the courier did not come, and I want my money back today, for it was me who waited the whole of this long day"
        " in vain"
    ),
    "x",
]
LABELS = (Label("parcel"), Label("refund", "money back"), Label("other"))
PROMPT = make_prompt(PromptPolicy(), LABELS)
BARE = make_prompt(PromptPolicy(template="{text}\nAnswer: "), LABELS)


def exported(root: Path, kind: str, family: str = "llama", method: Form = "lora", prompt: Prompt = PROMPT) -> Path:
    """A random adapter on a tiny base of this family, and beside it its export."""
    base = resolve_base(str(write_tiny_causal(root / "base", [prompt.render(text) for text in TEXTS], family)))
    names = [label.name for label in LABELS]
    adapter = write_tiny_adapter(root / "adapter", base, names, seed=1, method=method, max_tokens=64, prompt=prompt)
    (root / kind).mkdir()
    KINDS[kind].write(validate_adapter(adapter), root / kind)
    return adapter


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA on a tiny Llama, with its float32 export."""
    return exported(tmp_path_factory.mktemp("llama"), "onnx")


def ask(adapter: Path, kind: str, texts: list[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """What its export says."""
    with KINDS[kind].ask(validate_adapter(adapter), adapter.parent / kind) as theirs:
        return theirs.logits(texts)


@pytest.mark.supports(
    family="causal",
    architecture=("llama", "mistral", "gemma3"),
    method="lora",
    runtime="onnxruntime",
    export="onnx",
)
@pytest.mark.parametrize(("family", "prompt"), [("llama", PROMPT), ("mistral", BARE), ("gemma3", PROMPT)])
def test_onnx_says_what_the_adapter_says(llama: Path, tmp_path: Path, family: str, prompt: Prompt) -> None:
    """In batches with filling and alone; short texts, and one that is longer than the window that some families look
    back; also where nothing but the opening token is shared."""
    adapter = llama if family == "llama" else exported(tmp_path, "onnx", family, prompt=prompt)
    ours = load_predictor(adapter).logits(TEXTS)
    together = ask(adapter, "onnx", TEXTS)
    np.testing.assert_allclose(together, ours, atol=1e-5)
    np.testing.assert_allclose(np.vstack([ask(adapter, "onnx", [text]) for text in TEXTS]), together, atol=1e-5)
    assert len({tuple(row.round(4)) for row in together}) == len(TEXTS)


@pytest.mark.supports(family="causal", method=("dora", "full"), runtime="onnxruntime", export="onnx")
@pytest.mark.parametrize("method", ["dora", "full"])
def test_whatever_form_its_weights_have(tmp_path: Path, method: Form) -> None:
    """DoRA's magnitudes, and weights that were trained whole."""
    adapter = exported(tmp_path, "onnx", method=method)
    np.testing.assert_allclose(ask(adapter, "onnx", TEXTS), load_predictor(adapter).logits(TEXTS), atol=1e-5)


def test_a_merged_folder_is_asked_with_whole_prompts(tmp_path: Path) -> None:
    """What is compared is what a plain user gets: the adapter's scores, to the rounding of another order of sums."""
    adapter = exported(tmp_path, "merged")
    np.testing.assert_allclose(ask(adapter, "merged", TEXTS), load_predictor(adapter).logits(TEXTS), atol=1e-5)


@pytest.mark.supports(family="causal", method=("lora", "dora", "full"), runtime="onnxruntime", export="onnx_int8")
@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_int8_is_near_and_no_neighbour_changes_an_answer(tmp_path: Path, method: Form) -> None:
    """Asked together or alone, a text gets the very same numbers; they are close to the adapter's, and not equal."""
    adapter = exported(tmp_path, "onnx_int8", method=method)
    ours, together = load_predictor(adapter).logits(TEXTS), ask(adapter, "onnx_int8", TEXTS)
    assert np.array_equal(together, np.vstack([ask(adapter, "onnx_int8", [text]) for text in TEXTS]))
    assert 0 < np.abs(together - ours).max() < 0.1 * np.abs(ours).max()  # 0.009 to 0.047 were measured


def test_the_head_holds_the_label_tokens_alone(llama: Path) -> None:
    """Of the vocabulary only the embeddings are in the file."""
    import onnx

    words = load_predictor(llama).network.config.vocab_size
    shapes = [tuple(each.dims) for each in onnx.load(llama.parent / "onnx" / ONNX).graph.initializer]
    assert sum(words in shape for shape in shapes) == 1


def test_a_model_that_no_file_holds_is_refused(llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before minutes are spent; the sentence names what holds it."""
    monkeypatch.setattr(onnx_files, "MOST_BYTES", 1000)
    with pytest.raises(RatchetError, match="do not fit into one ONNX file") as caught:
        KINDS["onnx"].write(validate_adapter(llama), tmp_path)
    assert "gguf_q8_0" in caught.value.hint
