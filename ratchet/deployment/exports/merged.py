"""The plain model with an adapter merged into its base, saved in the format of `transformers`.

Add here what a form of adapter needs to be merged. Other kinds of export start from the merged model.
"""

import shutil
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.merge import apply_adapter
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.causal import load_causal
from ratchet.models.encoders import load_classifier
from ratchet.models.tokenization import tokenizer_file

_TOKENIZER = ("*token*.json", "*.model", "vocab.json", "merges.txt", "chat_template.jinja")

_RENDERED = """\
This model reads texts in Ratchet's rendering `{rendering}`. Put each text into it before the tokenizer, or the model
reads another language:

    from ratchet.data.rendering import render

    text = render(text, "{rendering}")
"""


def merged_model(opened: ValidatedAdapter) -> Any:
    """The base with the trained weights merged in, float32; an encoder's configuration names the labels.

    Raises `RatchetError` for a probe, whose base has no head to merge it into.
    """
    card = opened.card
    if card.method == "probe":
        raise no_export(
            opened,
            "merged",
            "transformers has no class for mean pooling and one linear layer",
            "Export onnx or onnx_int8.",
        )
    model = (
        load_causal(opened.base.folder)
        if card.family == "causal"
        else load_classifier(opened.base.folder, len(card.labels))
    )
    apply_adapter(model, opened.settings, opened.tensors)
    if card.family == "encoder":
        model.config.id2label = dict(enumerate(card.labels))
        model.config.label2id = {label: index for index, label in enumerate(card.labels)}
    return model


def write_merged(opened: ValidatedAdapter, folder: Path) -> None:
    """Write a folder that plain `transformers` loads: safetensors, configuration, tokenizer.

    Where the adapter reads texts in a rendering, `README.md` names it, since nothing else in the folder can.
    """
    merged_model(opened).save_pretrained(folder)
    source = tokenizer_file(opened.base.folder).parent
    for path in sorted({path for pattern in _TOKENIZER for path in source.glob(pattern)}):
        shutil.copyfile(path, folder / path.name)
    if rendering := opened.card.rendering:
        (folder / "README.md").write_text(_RENDERED.format(rendering=rendering), encoding="utf-8")


def no_export(opened: ValidatedAdapter, kind: str, why: str, hint: str) -> RatchetError:
    """The error for an adapter that a kind of export cannot represent."""
    family, method = opened.card.family, opened.card.method
    return RatchetError(f"an adapter of {family}/{method} has no {kind} export: {why}.", hint, code="no_export")
