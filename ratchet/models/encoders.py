"""Encoder models from a base folder, always float32 and in evaluation mode: bare, with a classification head, or
adapted.

Add here how a model is built. How it learns is in `ratchet/training/`, how it answers in
`ratchet/models/inference/predictor.py`.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Without what transformers says of missing heads and of its progress."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def empty_classifier(folder: Path, k: int) -> Any:
    """The classifier's architecture on the meta device: names and shapes without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(folder, num_labels=k))


def parameter_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, by its dotted name."""
    return {name: tuple(value.shape) for name, value in model.named_parameters()}


def load_classifier(folder: Path, k: int) -> Any:
    """The base model with a fresh `k`-label head, float32, in evaluation mode; the head's weights follow torch's
    seed."""
    return load_classifier_with_info(folder, k)[0]


def load_classifier_with_info(folder: Path, k: int) -> tuple[Any, set[str]]:
    """`load_classifier` and the names of the parameters that the base model does not hold."""
    import torch
    from transformers import AutoModelForSequenceClassification

    with quiet_loading():
        model, info = AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=k,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    missing = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    return model.eval(), missing


def sees_other_rows(encoder: Any) -> bool:
    """Whether a linear layer is given more than the rows of the batch, as DeBERTa's are the distances between tokens.

    The rows of a batch then share what such a layer says, so that only rows of one adapter may go through it together.
    """
    import torch

    rows, seen = 3, set[int]()
    hooks = [
        module.register_forward_pre_hook(lambda _module, inputs: seen.add(len(inputs[0])))
        for module in encoder.modules()
        if isinstance(module, torch.nn.Linear)
    ]
    try:
        with torch.inference_mode():
            ids = torch.zeros(rows, 5, dtype=torch.int64)
            encoder(input_ids=ids, attention_mask=torch.ones_like(ids))
    finally:
        for hook in hooks:
            hook.remove()
    return seen != {rows}


@functools.lru_cache(maxsize=2)
def load_encoder(folder: Path) -> Any:
    """The bare encoder, without a head; kept for the life of the process."""
    import torch
    from transformers import AutoModel

    with quiet_loading():
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True)
    return model.eval()


def pad_id_of(folder: Path) -> int:
    """The token that fills up a batch."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder).pad_token_id or 0


def hidden_size_of(folder: Path) -> int:
    """How many numbers the encoder gives for each token."""
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(folder).hidden_size)
