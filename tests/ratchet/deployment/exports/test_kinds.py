"""Each kind of export says what the adapter says, for any number of texts of any length."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.deployment.exports import onnx as onnx_files
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.exports.onnx import ONNX
from ratchet.deployment.exports.onnx_runtime import onnx_predictor
from ratchet.models.adapters.format import Form
from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.testing.tiny_adapter import write_tiny_adapter

pytestmark = pytest.mark.slow

TEXTS = [
    "my card",
    "money back please",
    "which exchange rate applies today to euros, and where did my lost card arrive",
    "post",
    "x",
]
LABELS = ("card", "money", "rate")


@pytest.fixture(scope="module")
def adapter(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA on the tiny encoder."""
    return write_tiny_adapter(tmp_path_factory.mktemp("adapter") / "a", resolve_base(str(tiny_base)), LABELS, seed=1)


@pytest.fixture(scope="module")
def opened(adapter: Path) -> ValidatedAdapter:
    """The same, opened."""
    return validate_adapter(adapter)


@pytest.mark.supports(family="encoder", method="lora", runtime="onnxruntime", export="onnx")
def test_onnx_says_what_the_adapter_says(opened: ValidatedAdapter, adapter: Path, tmp_path: Path) -> None:
    """In batches with padding and alone; rounding is all that differs."""
    KINDS["onnx"].write(opened, tmp_path)
    ours = load_predictor(adapter)
    theirs = onnx_predictor(opened, (tmp_path / ONNX).read_bytes(), one_by_one=False)
    assert np.allclose(theirs.logits(TEXTS), ours.logits(TEXTS), atol=1e-4)
    assert np.allclose(theirs.logits(TEXTS[:1]), ours.logits(TEXTS[:1]), atol=1e-4)
    assert theirs.predict(TEXTS).labels == ours.predict(TEXTS).labels


@pytest.mark.supports(family="encoder", method="lora", runtime="onnxruntime", export="onnx_int8")
def test_int8_is_near_and_no_neighbour_changes_an_answer(
    opened: ValidatedAdapter, adapter: Path, tmp_path: Path
) -> None:
    """Asked together or alone, a text gets the very same numbers; they are close to the adapter's, and not equal."""
    KINDS["onnx_int8"].write(opened, tmp_path)
    theirs = onnx_predictor(opened, (tmp_path / ONNX).read_bytes(), one_by_one=True)
    together = theirs.logits(TEXTS)
    assert np.array_equal(together, np.vstack([theirs.logits([text]) for text in TEXTS]))
    ours = load_predictor(adapter).logits(TEXTS)
    distance = np.abs(together - ours).max()
    assert 0 < distance < 0.2 * np.ptp(ours, axis=0).max()  # 0.12 was measured: nearer than texts are to each other


@pytest.mark.supports(family="encoder", method=("lora", "dora", "full"), runtime="transformers", export="merged")
@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_transformers_alone_loads_a_merged_folder(tiny_base: Path, tmp_path: Path, method: Form) -> None:
    """A process without Ratchet: the pipeline answers with the spec's labels and the adapter's probabilities."""
    adapter = write_tiny_adapter(tmp_path / "a", resolve_base(str(tiny_base)), LABELS, seed=1, method=method)
    opened = validate_adapter(adapter)
    KINDS["merged"].write(opened, tmp_path / "merged")
    script = (
        "import json, sys, torch; from transformers import AutoModelForSequenceClassification as Model\n"
        "folder, ids = json.loads(sys.argv[1]); model = Model.from_pretrained(folder).eval()\n"
        "print(json.dumps([model(input_ids=torch.tensor([ids])).logits[0].tolist(), model.config.id2label]))"
    )
    ids = opened.tokenizer.encode_batch_fast(TEXTS[:1])[0].ids
    given = json.dumps([str(tmp_path / "merged"), ids])
    command = [sys.executable, "-W", "ignore", "-c", script, given]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    logits, names = json.loads(done.stdout.splitlines()[-1])
    assert np.allclose(logits, load_predictor(adapter).logits(TEXTS[:1])[0], atol=1e-5)
    assert tuple(names.values()) == LABELS
    assert (tmp_path / "merged" / "tokenizer.json").is_file()


@pytest.mark.parametrize("kind", ["onnx", "onnx_int8"])
@pytest.mark.parametrize(("method", "cure"), [("lora", "Export merged."), ("probe", "smaller base")])
def test_an_encoder_that_no_onnx_file_holds_is_refused(
    opened: ValidatedAdapter,
    probe: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    method: Form,
    cure: str,
) -> None:
    """Before the exporter would fail in words of its own; what else to do depends on the method."""
    monkeypatch.setattr(onnx_files, "MOST_BYTES", 1000)
    with pytest.raises(RatchetError, match=r"GB do not fit into one ONNX file \(2 GB\)") as caught:
        KINDS[kind].write(opened if method == "lora" else validate_adapter(probe), tmp_path)
    assert cure in caught.value.hint


def test_a_merged_folder_names_the_rendering_in_which_it_reads(tiny_base: Path, tmp_path: Path) -> None:
    """In its README, since plain transformers reads a text as it is; the comparison puts texts into it. Others have
    no README."""
    base, texts = resolve_base(str(tiny_base)), ["focus:email, input:email(x9), blur:email, exit", "focus:name, submit"]
    for name in ("form_events/1", ""):
        adapter = write_tiny_adapter(tmp_path / (name[:4] or "raw"), base, LABELS, seed=1, rendering=name)
        opened, folder = validate_adapter(adapter), tmp_path / f"merged-{name[:4]}"
        KINDS["merged"].write(opened, folder)
        with KINDS["merged"].ask(opened, folder) as theirs:
            np.testing.assert_allclose(theirs.logits(texts), load_predictor(adapter).logits(texts), atol=1e-5)
        note = folder / "README.md"
        assert f'render(text, "{name}")' in note.read_text() if name else not note.exists(), name


def test_a_merged_folder_is_asked_by_its_own_names_and_weights(
    opened: ValidatedAdapter, adapter: Path, tmp_path: Path
) -> None:
    """What is compared is what a plain user gets: the adapter's scores, in its order of labels whatever the folder's,
    until the folder is harmed."""
    KINDS["merged"].write(opened, tmp_path)
    ours = load_predictor(adapter).logits(TEXTS)
    with KINDS["merged"].ask(opened, tmp_path) as theirs:
        np.testing.assert_allclose(theirs.logits(TEXTS), ours, atol=1e-5)
    config = json.loads((tmp_path / "config.json").read_text())
    names = {"card": 2, "money": 0, "rate": 1}
    told = {"label2id": names, "id2label": {number: name for name, number in names.items()}}
    (tmp_path / "config.json").write_text(json.dumps({**config, **told}))
    with KINDS["merged"].ask(opened, tmp_path) as theirs:
        np.testing.assert_allclose(theirs.logits(TEXTS), ours[:, [2, 0, 1]], atol=1e-5)
    tokens = json.loads((tmp_path / "tokenizer.json").read_text())
    # no [CLS] at the beginning
    (tmp_path / "tokenizer.json").write_text(json.dumps({**tokens, "post_processor": None}))
    with KINDS["merged"].ask(opened, tmp_path) as theirs:
        assert np.abs(theirs.logits(TEXTS) - ours[:, [2, 0, 1]]).max() > 1e-3


@pytest.mark.supports(family="encoder", method=("dora", "full"), runtime="onnxruntime", export=("onnx", "onnx_int8"))
@pytest.mark.parametrize("method", ["dora", "full"])
def test_onnx_says_it_whatever_form_the_weights_had(tiny_base: Path, tmp_path: Path, method: Form) -> None:
    """DoRA's magnitudes, and weights that were trained whole; in eight bits near, and the same without neighbours."""
    adapter = write_tiny_adapter(tmp_path / "a", resolve_base(str(tiny_base)), LABELS, seed=1, method=method)
    opened, ours = validate_adapter(adapter), load_predictor(adapter).logits(TEXTS)
    for kind, tolerance in (("onnx", 1e-4), ("onnx_int8", 0.05 * np.abs(ours).max())):  # 0.007 and 0.027 were measured
        (tmp_path / kind).mkdir()
        KINDS[kind].write(opened, tmp_path / kind)
        theirs = onnx_predictor(opened, (tmp_path / kind / ONNX).read_bytes(), one_by_one=KINDS[kind].one_by_one)
        together = theirs.logits(TEXTS)
        np.testing.assert_allclose(together, ours, atol=tolerance)
        np.testing.assert_allclose(theirs.logits(TEXTS[:1]), together[:1], atol=1e-5)


@pytest.fixture(scope="module")
def probe(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random probe on the tiny encoder."""
    return write_tiny_adapter(
        tmp_path_factory.mktemp("probe") / "p", resolve_base(str(tiny_base)), LABELS, method="probe"
    )


@pytest.mark.supports(family="encoder", method="probe", runtime="onnxruntime", export=("onnx", "onnx_int8"))
def test_a_probe_is_one_graph_with_its_mean_over_tokens(probe: Path, tmp_path: Path) -> None:
    """Padding is no part of the mean; in eight bits near."""
    opened, ours = validate_adapter(probe), load_predictor(probe).logits(TEXTS)
    for kind, tolerance in (("onnx", 1e-5), ("onnx_int8", 0.02 * np.abs(ours).max())):  # 0.003 was measured
        (tmp_path / kind).mkdir()
        KINDS[kind].write(opened, tmp_path / kind)
        with KINDS[kind].ask(opened, tmp_path / kind) as theirs:
            np.testing.assert_allclose(theirs.logits(TEXTS), ours, atol=tolerance)


@pytest.mark.supports(
    family="encoder",
    method="probe",
    runtime="transformers",
    export="merged",
    refused="has no merged export: transformers has no class",
)
def test_a_merged_probe_is_refused(probe: Path, tmp_path: Path) -> None:
    """With the sentence that says what can be exported."""
    with pytest.raises(RatchetError, match="has no merged export: transformers has no class") as caught:
        KINDS["merged"].write(validate_adapter(probe), tmp_path)
    assert "onnx" in caught.value.hint


@pytest.mark.supports(
    family="encoder",
    method=("lora", "probe"),
    runtime="llama_cpp",
    export=("gguf_f16", "gguf_q8_0", "gguf_q4_0", "gguf_q4_k_m"),
    refused="llama.cpp gives no head of ours",
)
def test_an_encoder_is_no_gguf(opened: ValidatedAdapter, probe: Path, tmp_path: Path) -> None:
    """Whatever the form; nothing is written."""
    for kind in ("gguf_f16", "gguf_q8_0", "gguf_q4_0", "gguf_q4_k_m"):
        for adapter in (opened, validate_adapter(probe)):
            with pytest.raises(RatchetError, match=r"llama\.cpp gives no head of ours"):
                KINDS[kind].write(adapter, tmp_path)
    assert not list(tmp_path.iterdir())
