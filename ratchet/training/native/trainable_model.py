"""The model under training: in the fast number format, with float32 master weights of its trainable parts.

Add here what one optimiser step does. The trainable parts are chosen in `model_setup.py`; epochs, early stopping and
checkpoints are in `loop.py`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.layers import SplitLayers
from ratchet.training.native.dropout import DropoutNoise
from ratchet.training.native.fused_dora import FusedDoraLayer
from ratchet.training.native.fused_lora import FusedLoraLayer

if TYPE_CHECKING:
    import torch

    from ratchet.training.native.activation_cache import ActivationCache

CLIP_NORM = 1.0
_SMOOTHING = 0.1  # of training labels, some of which are wrong: without it calibration NLL is best long before macro-F1
_LENGTHS = 4  # batches are padded to a multiple of this: torch caches a kernel, with its memory, for every shape
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


@dataclass
class TrainableModel:
    """A model with trainable LoRA layers and heads, or trainable as a whole, and the optimiser of its float32 masters.

    With a GPU the model is there; masters and optimiser stay on the CPU.
    """

    has_head: ClassVar[bool] = True
    """True where `head_init.py` may initialise the last layer."""
    model: Any
    settings: LoraSettings | None
    """None when every weight learns."""
    names: tuple[str, ...]
    """Stored names of the trainable tensors, as PEFT writes them."""
    working: list["torch.nn.Parameter"]
    """The same tensors in the model, in its own, possibly shorter, format."""
    flat: "torch.Tensor"
    """Concatenation of the masters, float32 [p]."""
    masters: list["torch.Tensor"]
    """View of each tensor's part of `flat`, in its shape."""
    optimiser: "torch.optim.AdamW"
    layers: list[FusedLoraLayer | FusedDoraLayer]
    """Fused layers; none where the LoRA or DoRA has dropout of its own."""
    noise: DropoutNoise
    total_parameters: int
    below: int = field(default=0, kw_only=True)
    """Number of layers below the lowest that learns."""
    still: list[Any] = field(default_factory=list, kw_only=True)
    """Frozen modules of the encoder, which compute without dropout; none where every layer learns."""
    split: SplitLayers | None = field(default=None, kw_only=True)
    """Layers of the model, where some of them do not learn."""
    kept: "ActivationCache | None" = field(default=None, kw_only=True)
    """Cached activations of the lower layers, once computed (`activation_caching.py`)."""

    @property
    def device(self) -> "torch.device":
        """Device of the model."""
        return self.working[0].device

    @property
    def pad_id(self) -> int:
        """Padding token of a batch."""
        return self.model.config.pad_token_id or 0

    @property
    def trainable_share(self) -> float:
        """Trainable parameters over all parameters."""
        return self.flat.numel() / self.total_parameters

    def tensors(self) -> dict[str, "torch.Tensor"]:
        """Copies of the float32 masters, by stored name."""
        return {name: master.detach().clone() for name, master in zip(self.names, self.masters, strict=True)}

    def begin_epoch(self, seed: int, epoch: int, rank: int) -> None:
        """Enter training mode, with all randomness of this epoch in this process derived from the arguments."""
        self.noise.begin_epoch(seed, epoch, rank)
        self.model.train()
        for module in self.still:
            module.training = False  # not `eval`, which would reach what lies inside

    def gradients(
        self, ids: "torch.Tensor", mask: "torch.Tensor", targets: "torch.Tensor", weights: "torch.Tensor"
    ) -> "torch.Tensor":
        """Gradient of sum(weight * smoothed cross-entropy) for all masters, then that sum itself: float32 [p + 1].

        `targets` are class indices, int64 [n], or soft targets, float32 [n, k]; `weights` are those of the rows, [n].
        """
        import torch

        fill = (0, -ids.shape[1] % _LENGTHS)
        ids, mask = torch.nn.functional.pad(ids, fill, value=self.pad_id), torch.nn.functional.pad(mask, fill)
        logits = self.answer(ids, mask).cpu()
        entropy = torch.nn.functional.cross_entropy(
            logits.float(), targets, reduction="none", label_smoothing=_SMOOTHING
        )
        loss = (entropy * weights).sum()
        torch.autograd.backward(loss)
        result = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.working]
        for parameter in self.working:
            parameter.grad = None
        return torch.cat([*(grad.flatten().float().cpu() for grad in result), loss.detach().view(1)])

    def answer(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits [n, k] of a padded batch, in the format and mode of training."""
        with self.giving(self.recall(ids, mask)):
            seen = None if bool(mask.all()) else mask.to(self.device)
            result: torch.Tensor = self.model(input_ids=ids.to(self.device), attention_mask=seen).logits
        return result

    def recall(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor | None":
        """Cached lower activations [n, t, d] of a padded batch; None where they are not cached."""
        return None if self.kept is None else self.kept.recall(ids, mask)

    def giving(self, states: "torch.Tensor | None") -> AbstractContextManager[None]:
        """Let the layers that learn read `states` in this context; None changes nothing."""
        states = None if states is None else states.to(self.device)
        return nullcontext() if self.split is None else self.split.giving(self.below, states)

    def lower_activations(self, ids: "torch.Tensor", mask: "torch.Tensor") -> "list[torch.Tensor]":
        """Activations of the lower layers: last in the list those of a padded batch [n, t, d].

        Those of the shared part [1, p, d] come before them, for a prompt.
        """
        import torch

        if self.split is None:
            raise ValueError("every layer learns")
        with torch.no_grad(), self.split.catching(self.below, stop=True) as caught:
            self.answer(ids, mask)
        return caught

    def step(self, gradient: "torch.Tensor", rate: float) -> None:
        """Take one optimiser step along `gradient`, float32 [p], clipped to norm 1, at learning rate `rate`."""
        import torch

        self.flat.grad = gradient
        torch.nn.utils.clip_grad_norm_([self.flat], CLIP_NORM)
        self.optimiser.param_groups[0]["lr"] = rate
        self.optimiser.step()
        self.publish()

    def adopt(self, masters: "torch.Tensor") -> None:
        """Replace the masters, float32 [p]."""
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
        """Masters by `master/<name>` and the optimiser's state: all that `restore` needs to continue exactly."""
        import torch

        state = self.optimiser.state.get(self.flat, {})
        moments = {name: torch.as_tensor(value, dtype=torch.float32).clone() for name, value in state.items()}
        return {**{f"master/{name}": value for name, value in self.tensors().items()}, **moments}

    def restore(self, tensors: Mapping[str, "torch.Tensor"]) -> None:
        """Restore a snapshot."""
        import torch

        with torch.no_grad():
            for name, master in zip(self.names, self.masters, strict=True):
                master.copy_(tensors[f"master/{name}"])
        self.optimiser.state[self.flat] = {name: tensors[name].clone() for name in _MOMENTS if name in tensors}
        self.publish()


def class_weights(targets: "torch.Tensor", k: int) -> "torch.Tensor":
    """Balanced weights, float32 [k]: n / (k * count), so that every class has the same weight in the loss."""
    import torch

    return (len(targets) / (k * torch.bincount(targets, minlength=k).clamp(min=1))).float()
