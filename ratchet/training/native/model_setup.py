"""Setup of a candidate's model: loaded, adapted or made trainable as a whole, and wrapped as a `TrainableModel`.

Add here how a model is prepared for training; one step of it is in `trainable_model.py`, what differs for causal models
in `causal_model.py`.
"""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ratchet.config.candidate import Candidate
from ratchet.core.blocked_imports import hidden
from ratchet.models.adapters.peft_format import MAGNITUDE, PREFIX, LoraSettings, stored_name
from ratchet.models.encoders import load_classifier_with_info
from ratchet.models.layers import SplitLayers, find_layers, lower_count
from ratchet.training.device import fast_dtype, learning_device
from ratchet.training.native.dropout import DropoutNoise, replace_dropouts
from ratchet.training.native.fused_dora import fuse_dora
from ratchet.training.native.fused_lora import fuse_lora
from ratchet.training.native.trainable_model import TrainableModel
from ratchet.training.target_modules import resolve_targets

if TYPE_CHECKING:
    import torch

WEIGHT_DECAY = 0.01


@hidden("bitsandbytes")  # peft would import it, at seconds and 50 MB; encoders are never quantised
def build_encoder_model(
    folder: Path, base_name: str, candidate: Candidate, k: int, dtype: "torch.dtype | None" = None
) -> TrainableModel:
    """Build the model of an encoder candidate, initialised from its seed, in `dtype` or the machine's fast format.

    Raises `RatchetError` for unknown targets.
    """
    import torch

    torch.manual_seed(candidate.seed)
    model, missing = load_classifier_with_info(folder, k)
    if candidate.method == "full":
        return train_parameters(TrainableModel, model.requires_grad_(True), None, candidate, dtype)
    targets = resolve_targets(model, candidate.target_modules, missing, candidate.layers)
    settings = LoraSettings(
        base_name,
        candidate.rank,
        candidate.alpha,
        candidate.dropout,
        targets.modules,
        targets.heads,
        dora=candidate.method == "dora",
    )
    return adapt_model(TrainableModel, model, settings, candidate, dtype)


def lora_config(settings: LoraSettings) -> Any:
    """Convert the settings to PEFT's `LoraConfig`."""
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM" if settings.causal else "SEQ_CLS",
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.target_modules),
        modules_to_save=list(settings.heads) or None,
        use_dora=settings.dora,
    )


T = TypeVar("T", bound=TrainableModel)


def adapt_model(
    kind: type[T],
    model: Any,
    settings: LoraSettings,
    candidate: Candidate,
    dtype: "torch.dtype | None" = None,
    **more: Any,
) -> T:
    """Build a trainable model of `kind` with new adapters, after the seed was set; `more` are the kind's own fields."""
    from peft import get_peft_model

    config = lora_config(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses a name that transformers renamed
        adapted = get_peft_model(model, config, autocast_adapter_dtype=False)
    trainee = train_parameters(kind, adapted, settings, candidate, dtype, **more)
    masters = dict(zip(trainee.names, trainee.masters, strict=True))
    # the fused layers are exact only without dropout before A, and need a weight that is not quantised
    if candidate.method != "qlora" and candidate.dropout == 0:
        for module in settings.target_modules:
            layer, up = model.get_submodule(module), masters[f"{PREFIX}{module}.lora_B.weight"]
            scale = settings.alpha / settings.rank
            joined = fuse_dora(layer, up, masters[f"{PREFIX}{module}{MAGNITUDE}"], scale) if settings.dora else None
            trainee.layers.append(joined or fuse_lora(layer, up, scale))
    trainee.below = lower_count(model, candidate.layers)
    if trainee.below:
        trainee.split = SplitLayers(model)
        upper = find_layers(model)[1][trainee.below :]
        learning = {id(module) for layer in upper for module in layer.modules()}
        trainee.still = [module for module in model.base_model.modules() if id(module) not in learning]
    trainee.publish()
    return trainee


def train_parameters(
    kind: type[T],
    model: Any,
    settings: LoraSettings | None,
    candidate: Candidate,
    dtype: "torch.dtype | None" = None,
    **more: Any,
) -> T:
    """Build a trainable model of `kind` that learns every parameter of `model` that requires a gradient.

    The model moves to the GPU, if any, and to `dtype` or the fast format; weights of four bits stay as they are.
    """
    import torch

    trainable = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    # one flat tensor: one fused optimiser call, and one vector for the two processes to add
    flat = torch.cat([value.detach().flatten().float().cpu() for _, value in trainable]).requires_grad_(True)
    parts = torch.split(flat.detach(), [value.numel() for _, value in trainable])
    device, dtype = learning_device(), dtype or fast_dtype()
    # a quantised base was loaded onto its device; only the adapters have a format to choose
    if candidate.method == "qlora":
        for _, value in trainable:
            value.data = value.data.to(device, dtype)
    else:
        model.to(device, dtype)
        if device.type == "cpu":
            # the backward pass of torch 2.13's fused attention is many times slower on a CPU
            model.set_attn_implementation("eager")
    noise = DropoutNoise()
    replace_dropouts(model, noise)
    if candidate.checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False, "context_fn": noise.contexts})
    trainee = kind(
        model=model,
        settings=settings,
        names=tuple(stored_name(name) for name, _ in trainable),
        working=[value for _, value in trainable],
        flat=flat,
        masters=[part.view(value.shape) for part, (_, value) in zip(parts, trainable, strict=True)],
        optimiser=torch.optim.AdamW([flat], lr=candidate.learning_rate, weight_decay=WEIGHT_DECAY, fused=True),
        layers=[],
        noise=noise,
        total_parameters=count_parameters(model),
        **more,
    )
    trainee.publish()
    return trainee


def count_parameters(model: Any) -> int:
    """Count the parameters of a model; those of four bits are stored two to a number."""
    return sum(value.numel() * (2 if value.__class__.__name__ == "Params4bit" else 1) for value in model.parameters())
