"""Adapters with random weights, written in milliseconds, for tests that do not need a trained one.

They pass every check that a trained adapter passes. Add a parameter when a test needs another shape; their base is from
`tiny_encoder.py` or any other.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ratchet.config.layer_choice import ALL
from ratchet.config.prompt import Prompt
from ratchet.core.digests import canonical_json
from ratchet.models.adapters import format as form
from ratchet.models.adapters.peft_format import LoraSettings, expected_tensors
from ratchet.models.adapters.validation import make_card
from ratchet.models.base_models import Base
from ratchet.models.causal import empty_causal
from ratchet.models.encoders import empty_classifier, hidden_size_of, load_classifier_with_info, parameter_shapes
from ratchet.models.inference.reference_logits import record_reference_logits
from ratchet.models.preprocessing import LATEST, Preprocessing
from ratchet.training.target_modules import resolve_targets


def write_tiny_adapter(
    folder: Path,
    base: Base,
    labels: Sequence[str],
    *,
    seed: int = 0,
    method: form.Form = "lora",
    rank: int = 2,
    targets: Sequence[str] = ("auto",),
    max_tokens: int = 32,
    layers: str = ALL,
    prompt: Prompt | None = None,
    rendering: str = "",
    preprocessing: Preprocessing = LATEST,
) -> Path:
    """Write an unsealed adapter on `base`, canary included, and return its folder.

    Its answers depend on the text and on `seed`. With a `prompt` it is a causal LoRA, else an encoder's adapter.
    """
    import torch
    from safetensors.torch import save

    k = len(labels)
    folder.mkdir(parents=True)
    shapes: dict[str, tuple[int, ...]] = {"coef": (k, hidden_size_of(base.folder)), "intercept": (k,)}
    empty = empty_causal(base.folder) if prompt else empty_classifier(base.folder, k)
    if method == "full":
        shapes = parameter_shapes(empty)
    elif method in form.LOW_RANK:
        missing = set[str]() if prompt else load_classifier_with_info(base.folder, k)[1]
        resolved = resolve_targets(empty, targets, missing, layers)
        settings = LoraSettings(
            base.name,
            rank,
            2.0 * rank,
            0.0,
            resolved.modules,
            () if prompt else resolved.heads,
            causal=prompt is not None,
            dora=method == "dora",
        )
        (folder / form.CONFIG).write_text(canonical_json(settings.as_json()))
        shapes = expected_tensors(settings, parameter_shapes(empty))
    draw = torch.Generator().manual_seed(seed)
    tensors = {name: torch.randn(shape, generator=draw) / shape[-1] ** 0.5 for name, shape in sorted(shapes.items())}
    (folder / form.WEIGHTS[method]).write_bytes(save(tensors))
    card = replace(
        make_card(base, method, tuple(labels), max_tokens, prompt, rendering), preprocessing=preprocessing.name
    )
    # first without its canary, which is recorded by loading this very folder
    (folder / form.CARD).write_text(canonical_json(card.as_json()))
    (folder / form.CARD).write_text(canonical_json(replace(card, canary=record_reference_logits(folder)).as_json()))
    return folder
