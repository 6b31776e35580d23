"""Encoder models from a base folder, always float32 and in evaluation mode: bare, or with a classification head.

Add here how a model is built. Training is in `ratchet/training/`, inference in `ratchet/models/inference/`.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def quiet_loading() -> Iterator[None]:
    """Silence the warnings of transformers about missing heads, and its progress bars."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def empty_classifier(folder: Path, k: int) -> Any:
    """Build the classifier's architecture on the meta device: names and shapes without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(folder, num_labels=k))


def parameter_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, by its dotted name."""
    return {name: tuple(value.shape) for name, value in model.named_parameters()}


def load_classifier(folder: Path, k: int) -> Any:
    """Load the base model with a new `k`-label head, float32, in evaluation mode; torch's seed decides the head."""
    return load_classifier_with_info(folder, k)[0]


def load_classifier_with_info(folder: Path, k: int) -> tuple[Any, set[str]]:
    """Do `load_classifier`, and return also the names of the parameters that the base model does not hold."""
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
    """True where a linear layer gets other rows than those of the batch, such as DeBERTa's distances between tokens.

    All rows of a batch share the output of such a layer, so only rows of one adapter may go through it together.
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
    """Load the bare encoder, without a head; the last two are kept for the life of the process."""
    import torch
    from transformers import AutoModel

    with quiet_loading():
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True)
    return model.eval()


def pad_id_of(folder: Path) -> int:
    """Token that pads a batch."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder).pad_token_id or 0


def hidden_size_of(folder: Path) -> int:
    """Size of the encoder's hidden state of a token."""
    from transformers import AutoConfig

    return int(AutoConfig.from_pretrained(folder).hidden_size)
