"""GGUF files of a causal adapter, for llama.cpp and the tools built on it, each with a Modelfile for Ollama.

The adapter is merged, converted to 16-bit floats and then quantised. Add here what is written beside a GGUF file; the
tools are `gguf_converter.py` and `gguf_quantizer.py`, and `llama_cpp.py` runs the file.
"""

import tempfile
from pathlib import Path

from ratchet.config.prompt import Prompt
from ratchet.deployment.exports.gguf_converter import convert, read_converter
from ratchet.deployment.exports.gguf_quantizer import quantise
from ratchet.deployment.exports.llama_cpp import context_tokens
from ratchet.deployment.exports.merged import no_export, write_merged
from ratchet.deployment.exports.modelfile import MODEL, MODELFILE, write_modelfile
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.prompt_tokenizer import opening_tokens, surround
from ratchet.models.tokenization import open_tokenizer


def write_gguf(opened: ValidatedAdapter, folder: Path, form: str) -> None:
    """Write `model.gguf` in the form `f16` or one of `gguf_quantizer.FORMS`, and `Modelfile`."""
    card = opened.card
    if card.family != "causal" or card.prompt is None:
        raise no_export(opened, f"gguf_{form}", "llama.cpp gives no head of ours", "Export onnx or onnx_int8.")
    read_converter()  # fail before a minute is spent on merging
    with tempfile.TemporaryDirectory(prefix=".gguf-", dir=folder) as name:
        merged, whole = Path(name) / "merged", Path(name) / MODEL
        write_merged(opened, merged)
        convert(merged, whole)
        if form == "f16":
            whole.rename(folder / MODEL)
        else:
            quantise(whole, folder / MODEL, form)
    prompt = Prompt.from_json(card.prompt)
    # Ollama adds the opening tokens itself, so the Modelfile has to leave them out
    before, after = surround(opened.base.folder, prompt)
    tokenizer = open_tokenizer(opened.base.folder)
    opening = "".join(tokenizer.id_to_token(token) or "" for token in opening_tokens(tokenizer))
    text = write_modelfile(before, after, card.labels, prompt.codes, context_tokens(opened), opening)
    (folder / MODELFILE).write_text(text, encoding="utf-8")
