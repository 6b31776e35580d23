"""The model under training: a PEFT sequence classifier in the fast number format, with float32 masters of what it learns.

Add here what one optimiser step does. Epochs, early stopping and checkpoints are in `epochs.py`.
"""

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.adapter_weights import PREFIX, LoraSettings
from ratchet.encoders import load_classifier_with_info
from ratchet.spec import Candidate
from ratchet.training.batching import seeded
from ratchet.training.dropout import Noise, replace_dropouts
from ratchet.training.merged import MergedLayer, merge_layer
from ratchet.training.targets import resolve_targets

if TYPE_CHECKING:
    import torch

_WEIGHT_DECAY = 0.01
_CLIP_NORM = 1.0
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
_WARM_UP = 0.1  # share of all steps


@dataclass
class Trainee:
    """A model with trainable LoRA layers and heads, and the optimiser that moves their float32 masters."""

    model: Any
    settings: LoraSettings
    names: tuple[str, ...]
    """Stored names of the trainable tensors, as PEFT writes them."""
    working: list["torch.nn.Parameter"]
    masters: list["torch.Tensor"]
    optimiser: "torch.optim.AdamW"
    total_parameters: int
    noise: Noise
    pad_id: int
    layers: list[MergedLayer]
    """Those that compute merged; none when the LoRA has dropout of its own."""

    @property
    def trainable_share(self) -> float:
        """Trainable parameters over all parameters."""
        return sum(master.numel() for master in self.masters) / self.total_parameters

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """The float32 masters by stored name: copies, safe to keep."""
        return {name: master.detach().clone() for name, master in zip(self.names, self.masters, strict=True)}

    def begin_epoch(self, seed: int, epoch: int) -> None:
        """Training mode, with all randomness of this epoch derived from `seed` and `epoch`."""
        import torch

        torch.manual_seed(int(seeded(seed, epoch).integers(2**63)))
        self.noise.begin_epoch(seed, epoch)
        self.model.train()

    def step(
        self, ids: "torch.Tensor", mask: "torch.Tensor", targets: "torch.Tensor", weights: "torch.Tensor", rate: float
    ) -> float:
        """One weighted cross-entropy step at learning rate `rate`; returns the loss of the batch before it."""
        import torch

        logits = self.model(input_ids=ids, attention_mask=None if bool(mask.all()) else mask).logits
        loss = torch.nn.functional.cross_entropy(logits.float(), targets, weight=weights)
        torch.autograd.backward(loss)
        for master, parameter in zip(self.masters, self.working, strict=True):
            master.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters, _CLIP_NORM)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.step()
        self.publish()
        return float(loss.detach())

    def publish(self) -> None:
        """Copy the masters into the model's own, possibly shorter, numbers."""
        import torch

        with torch.no_grad():
            for parameter, master in zip(self.working, self.masters, strict=True):
                parameter.copy_(master)
            for layer in self.layers:
                layer.refresh()


def snapshot(trainee: Trainee) -> dict[str, "torch.Tensor"]:
    """Masters and the optimiser's moments, by name: enough for `restore` to go on exactly from here."""
    import torch

    tensors = {f"master/{name}": value for name, value in trainee.tensors().items()}
    for name, master in zip(trainee.names, trainee.masters, strict=True):
        for key, value in trainee.optimiser.state.get(master, {}).items():
            tensors[f"{key}/{name}"] = torch.as_tensor(value, dtype=torch.float32).clone()
    return tensors


def masters_of(tensors: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """The stored tensors of an adapter among those of a snapshot."""
    return {name.removeprefix("master/"): value for name, value in tensors.items() if name.startswith("master/")}


def restore(trainee: Trainee, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Put a snapshot back."""
    import torch

    with torch.no_grad():
        for name, master in zip(trainee.names, trainee.masters, strict=True):
            master.copy_(tensors[f"master/{name}"])
            state = {key: tensors[f"{key}/{name}"].clone() for key in _MOMENTS if f"{key}/{name}" in tensors}
            if state:
                trainee.optimiser.state[master] = state
    trainee.publish()


def fast_dtype() -> "torch.dtype":
    """bfloat16 where this processor multiplies it natively (AVX512-BF16 or AMX), else float32."""
    import torch

    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def build_trainee(folder: Path, base_name: str, candidate: Candidate, k: int) -> Trainee:
    """The model of one LoRA candidate, freshly initialised from its seed. Raises `RatchetError` for unknown targets."""
    import torch

    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # it complains of a kernel package that nothing here needs
    from peft import LoraConfig, TaskType, get_peft_model

    torch.manual_seed(candidate.seed)
    model, missing = load_classifier_with_info(folder, k)
    targets = resolve_targets(model, candidate.target_modules, missing)
    settings = LoraSettings(base_name, candidate.rank, candidate.alpha, candidate.dropout, targets.modules, targets.heads)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.target_modules),
        modules_to_save=list(settings.heads),
    )
    model.set_attn_implementation("eager")  # the fused attention of torch 2.13 is many times slower backwards on a CPU
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that transformers renamed
        adapted = get_peft_model(model, config, autocast_adapter_dtype=False)
    trainable = [(name, value) for name, value in adapted.named_parameters() if value.requires_grad]
    masters = [value.detach().clone().float() for _, value in trainable]
    for master in masters:
        master.requires_grad_(True)
    frozen = {module: model.get_submodule(module).base_layer.weight.detach().clone() for module in targets.modules}
    adapted.to(fast_dtype())
    noise = Noise()
    replace_dropouts(adapted, noise)
    trainee = Trainee(
        model=adapted,
        settings=settings,
        names=tuple(_stored_name(name) for name, _ in trainable),
        working=[value for _, value in trainable],
        masters=masters,
        optimiser=torch.optim.AdamW(masters, lr=candidate.learning_rate, weight_decay=_WEIGHT_DECAY, fused=True),
        total_parameters=sum(value.numel() for value in adapted.parameters()),
        noise=noise,
        pad_id=model.config.pad_token_id or 0,
        layers=[],
    )
    if candidate.dropout == 0:
        by_name = dict(zip(trainee.names, masters, strict=True))
        for module, weight in frozen.items():
            down, up = (by_name[f"{PREFIX}{module}.lora_{side}.weight"] for side in "AB")
            scale = settings.alpha / settings.rank
            trainee.layers.append(merge_layer(model.get_submodule(module), weight, down, up, scale))
    trainee.publish()
    return trainee


def class_weights(targets: Sequence[int], k: int) -> "torch.Tensor":
    """Balanced weights, float32 [k]: n / (k * count), so that every class weighs the same in the loss."""
    import torch

    counts = torch.bincount(torch.tensor(targets), minlength=k)
    return (len(targets) / (k * counts.clamp(min=1))).float()


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over the first tenth of `steps`, then linear decay to zero; `step` counts from 0."""
    warm = max(1, round(steps * _WARM_UP))
    return peak * ((step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm))


def _stored_name(name: str) -> str:
    return name.replace(".modules_to_save.default", "").replace(".default", "")
