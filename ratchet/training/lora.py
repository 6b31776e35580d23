"""The model under training: in the fast number format, with float32 masters of what it learns, which is adapters or all of it.

Add here what one optimiser step does. Epochs, early stopping and checkpoints are in `epochs.py`.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ratchet.adapter_weights import MAGNITUDE, PREFIX, LoraSettings
from ratchet.candidate import Candidate
from ratchet.encoders import load_classifier_with_info
from ratchet.layers import SplitLayers, find_layers, lower_count
from ratchet.training.dropout import Noise, replace_dropouts
from ratchet.training.joined import JoinedLayer, join_layer
from ratchet.training.targets import resolve_targets

if TYPE_CHECKING:
    import torch

    from ratchet.training.kept import Kept

WEIGHT_DECAY = 0.01
CLIP_NORM = 1.0
_SMOOTHING = 0.1  # of the training labels, some of which are wrong: without it calibration NLL is best long before macro-F1
_LENGTHS = 4  # batches are as long as a multiple of this: torch keeps a kernel, with its memory, for every shape it meets
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")
WARM_UP = 0.1  # share of all steps


@dataclass
class Trainee:
    """A model with trainable LoRA layers and heads, or trainable as a whole, and the optimiser that moves the float32 masters.

    On a machine with a GPU the model is there; masters and optimiser stay with the processor.
    """

    has_head: ClassVar[bool] = True
    """Whether its last layer is one that `head_start.py` may begin."""
    model: Any
    settings: LoraSettings | None
    """None when every weight learns."""
    names: tuple[str, ...]
    """Stored names of the trainable tensors, as PEFT writes them."""
    working: list["torch.nn.Parameter"]
    """The same tensors in the model, in its own, possibly shorter, numbers."""
    flat: "torch.Tensor"
    """All masters behind each other, float32 [p]."""
    masters: list["torch.Tensor"]
    """Each tensor's part of `flat`, in its shape."""
    optimiser: "torch.optim.AdamW"
    layers: list[JoinedLayer]
    """Those that compute joined; none when the LoRA has dropout of its own."""
    noise: Noise
    total_parameters: int
    below: int = field(default=0, kw_only=True)
    """How many layers lie under the lowest that learns."""
    still: list[Any] = field(default_factory=list, kw_only=True)
    """Modules of the encoder that compute without dropout, for they do not learn: all but the upper layers, when only these do."""
    split: SplitLayers | None = field(default=None, kw_only=True)
    """The model's layers, when some of them do not learn."""
    kept: "Kept | None" = field(default=None, kw_only=True)
    """What the lower layers make of the rows that are learned from, once it is known (`kept.py`)."""

    @property
    def device(self) -> "torch.device":
        """Where the model computes."""
        return self.working[0].device

    @property
    def pad_id(self) -> int:
        """The token that fills up a batch."""
        return self.model.config.pad_token_id or 0

    @property
    def trainable_share(self) -> float:
        """Trainable parameters over all parameters."""
        return self.flat.numel() / self.total_parameters

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """The float32 masters by stored name: copies, safe to keep."""
        return {name: master.detach().clone() for name, master in zip(self.names, self.masters, strict=True)}

    def begin_epoch(self, seed: int, epoch: int, rank: int) -> None:
        """Training mode, with all randomness of this epoch in this process derived from the arguments."""
        self.noise.begin_epoch(seed, epoch, rank)
        self.model.train()
        for module in self.still:
            module.training = False  # not `eval`, which would reach what lies inside

    def gradients(
        self, ids: "torch.Tensor", mask: "torch.Tensor", targets: "torch.Tensor", weights: "torch.Tensor"
    ) -> "torch.Tensor":
        """Gradient of sum(weight * smoothed cross-entropy) for all masters, and that sum itself as last value: float32 [p + 1].

        `targets` are class indices, int64 [n], or what to learn of each class, float32 [n, k]; `weights` [n], what each counts.
        """
        import torch

        fill = (0, -ids.shape[1] % _LENGTHS)
        ids, mask = torch.nn.functional.pad(ids, fill, value=self.pad_id), torch.nn.functional.pad(mask, fill)
        logits = self.answer(ids, mask).cpu()
        entropy = torch.nn.functional.cross_entropy(logits.float(), targets, reduction="none", label_smoothing=_SMOOTHING)
        loss = (entropy * weights).sum()
        torch.autograd.backward(loss)
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.working]
        for parameter in self.working:
            parameter.grad = None
        return torch.cat([*(grad.flatten().float().cpu() for grad in found), loss.detach().view(1)])

    def answer(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits [n, k] of a padded batch, as they are while the model learns."""
        with self.giving(self.recall(ids, mask)):
            seen = None if bool(mask.all()) else mask.to(self.device)
            found: torch.Tensor = self.model(input_ids=ids.to(self.device), attention_mask=seen).logits
        return found

    def recall(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor | None":
        """What the lower layers make of a padded batch [n, t, d], where it is kept."""
        return None if self.kept is None else self.kept.recall(ids, mask)

    def giving(self, states: "torch.Tensor | None") -> AbstractContextManager[None]:
        """Have the layers that learn read `states` meanwhile; None changes nothing."""
        states = None if states is None else states.to(self.device)
        return nullcontext() if self.split is None else self.split.giving(self.below, states)

    def catch_lower(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "list[torch.Tensor]":
        """What the lower layers make of a padded batch, last in the list [n, t, d]; before it, of the shared part [1, p, d]."""
        import torch

        if self.split is None:
            raise ValueError("every layer learns")
        with torch.no_grad(), self.split.catching(self.below, stop=True) as caught:
            self.answer(ids, mask)
        return caught

    def step(self, gradient: "torch.Tensor", rate: float) -> None:
        """One optimiser step along `gradient`, float32 [p], cut to length 1, at learning rate `rate`."""
        import torch

        self.flat.grad = gradient
        torch.nn.utils.clip_grad_norm_([self.flat], CLIP_NORM)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        self.publish()

    def adopt(self, masters: "torch.Tensor") -> None:
        """Go on from other masters, float32 [p]."""
        import torch

        with torch.no_grad():
            self.flat.copy_(masters)
        self.publish()

    def publish(self) -> None:
        """Copy the masters into the model."""
        import torch

        with torch.no_grad():
            for parameter, master in zip(self.working, self.masters, strict=True):
                parameter.copy_(master)
            for layer in self.layers:
                layer.refresh()

    def snapshot(self) -> dict[str, "torch.Tensor"]:
        """Masters by `master/<name>` and the optimiser's state: enough for `restore` to go on exactly from here."""
        import torch

        state = self.optimiser.state.get(self.flat, {})
        moments = {name: torch.as_tensor(value, dtype=torch.float32).clone() for name, value in state.items()}
        return {**{f"master/{name}": value for name, value in self.tensors().items()}, **moments}

    def restore(self, tensors: Mapping[str, "torch.Tensor"]) -> None:
        """Put a snapshot back."""
        import torch

        with torch.no_grad():
            for name, master in zip(self.names, self.masters, strict=True):
                master.copy_(tensors[f"master/{name}"])
        self.optimiser.state[self.flat] = {name: tensors[name].clone() for name in _MOMENTS if name in tensors}
        self.publish()


def masters_of(tensors: Mapping[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """The stored tensors of an adapter among those of a snapshot."""
    return {name.removeprefix("master/"): value for name, value in tensors.items() if name.startswith("master/")}


def fast_dtype() -> "torch.dtype":
    """bfloat16 where the GPU, or without one the processor (AVX512-BF16 or AMX), multiplies it natively, else float32."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def learning_device() -> "torch.device":
    """The first GPU where torch sees one, else the processor."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def hidden(package: str) -> Iterator[None]:
    """Have imports find no `package` meanwhile, as on a machine without it; one that is imported already stays."""
    missing = package not in sys.modules
    if missing:
        sys.modules[package] = None  # type: ignore[assignment] # Python's own way to say that it cannot be imported
    try:
        yield
    finally:
        if missing:
            del sys.modules[package]


@hidden("bitsandbytes")  # peft would import it, seconds and 50 MB for nothing: no encoder is quantised here
def build_trainee(folder: Path, base_name: str, candidate: Candidate, k: int, dtype: "torch.dtype | None" = None) -> Trainee:
    """The model of one candidate, freshly initialised from its seed, in `dtype` or the machine's fast format.

    Raises `RatchetError` for unknown targets.
    """
    import torch

    torch.manual_seed(candidate.seed)
    model, missing = load_classifier_with_info(folder, k)
    if candidate.method == "full":
        return train_parameters(Trainee, model.requires_grad_(True), None, candidate, dtype)
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
    return adapt_model(Trainee, model, settings, candidate, dtype)


def lora_config(settings: LoraSettings) -> Any:
    """The settings as PEFT takes them."""
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


T = TypeVar("T", bound=Trainee)


def adapt_model(
    kind: type[T], model: Any, settings: LoraSettings, candidate: Candidate, dtype: "torch.dtype | None" = None, **more: Any
) -> T:
    """A trainee of `kind` with adapters in a model that came with the seed set; `more` are the kind's own fields."""
    from peft import get_peft_model

    config = lora_config(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that transformers renamed
        adapted = get_peft_model(model, config, autocast_adapter_dtype=False)
    trainee = train_parameters(kind, adapted, settings, candidate, dtype, **more)
    masters = dict(zip(trainee.names, trainee.masters, strict=True))
    if candidate.method in ("lora", "dpo") and candidate.dropout == 0:
        for module in settings.target_modules:
            up = masters[f"{PREFIX}{module}.lora_B.weight"]
            trainee.layers.append(join_layer(model.get_submodule(module), up, settings.alpha / settings.rank))
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
    """A trainee of `kind` that learns whatever of `model` wants a gradient; its layers compute as they did before.

    The model moves to the GPU where there is one, and into `dtype` or the fast format, but for weights of four bits.
    """
    import torch

    trainable = [(name, value) for name, value in model.named_parameters() if value.requires_grad]
    flat = torch.cat([value.detach().flatten().float().cpu() for _, value in trainable]).requires_grad_(True)
    parts = torch.split(flat.detach(), [value.numel() for _, value in trainable])
    device, dtype = learning_device(), dtype or fast_dtype()
    if candidate.method == "qlora":  # it was loaded where it learns; only what is beside the four bits has a format to choose
        for _, value in trainable:
            value.data = value.data.to(device, dtype)
    else:
        model.to(device, dtype)
        if device.type == "cpu":
            model.set_attn_implementation("eager")  # the fused attention of torch 2.13 is many times slower backwards there
    noise = Noise()
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
    """How many parameters a model has; those of four bits lie two to a number."""
    return sum(value.numel() * (2 if value.__class__.__name__ == "Params4bit" else 1) for value in model.parameters())


def class_weights(targets: "torch.Tensor", k: int) -> "torch.Tensor":
    """Balanced weights, float32 [k]: n / (k * count), so that every class weighs the same in the loss."""
    import torch

    return (len(targets) / (k * torch.bincount(targets, minlength=k).clamp(min=1))).float()


def learning_rate_at(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over the first tenth of `steps`, then linear decay to zero; `step` counts from 0."""
    warm = max(1, round(steps * WARM_UP))
    return peak * ((step + 1) / warm if step < warm else (steps - step) / max(1, steps - warm))


def stored_name(name: str) -> str:
    """The name under which PEFT stores a parameter of an adapted model; that of a plain model is as it is."""
    plain = name.replace(".modules_to_save.default", "").replace(".default", "")
    return plain.removesuffix(".weight") if plain.endswith(f"{MAGNITUDE}.weight") else plain
