"""Running a merged export with `transformers` alone: its folder provides the weights, label names and tokenizer.

None of Ratchet's shortcuts apply, so its figures are those of a plain user. Add here how another family's folder is
run; `merged.py` writes it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.config.prompt import Prompt
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.encoders import quiet_loading
from ratchet.models.inference.predictor import Predictor
from ratchet.models.prompt_tokenizer import PromptTokenizer, load_prompt_tokenizer
from ratchet.models.token_batches import RunRows
from ratchet.models.tokenization import load_tokenizer

if TYPE_CHECKING:
    import torch


@contextmanager
def merged_predictor(opened: ValidatedAdapter, folder: Path) -> Iterator[Predictor]:
    """Predictor with the labels and calibration of the adapter `opened` and the scores of its export in `folder`."""
    import transformers

    card = opened.card
    family = (
        transformers.AutoModelForSequenceClassification if card.prompt is None else transformers.AutoModelForCausalLM
    )
    with quiet_loading():
        model: Any = family.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
    pad_id = model.config.pad_token_id or 0
    if card.prompt is None:
        names = [model.config.label2id[label] for label in card.labels]
        yield Predictor(
            card.labels,
            opened.calibration,
            load_tokenizer(folder, card.max_tokens, opened.tokenizer.preprocessing),
            pad_id,
            _named(model, names),
        )
    else:
        tokenizer = load_prompt_tokenizer(
            folder, Prompt.from_json(card.prompt), card.max_tokens, opened.tokenizer.preprocessing
        )
        yield Predictor(card.labels, opened.calibration, tokenizer, pad_id, _prompted(model, tokenizer))


def _named(model: Any, names: list[int]) -> RunRows:
    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits[:, names]

    return rows


def _prompted(model: Any, tokenizer: PromptTokenizer) -> RunRows:
    """Run each whole prompt alone: its logits, over all tokens and the vocabulary, take enough memory as it is."""

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        import torch

        prompts = [[*tokenizer.prefix, *row[:n]] for row, n in zip(ids.tolist(), mask.sum(dim=1).tolist(), strict=True)]
        return torch.stack(
            [model(input_ids=torch.tensor([each])).logits[0, -1, list(tokenizer.codes)].float() for each in prompts]
        )

    return rows
