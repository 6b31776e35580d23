"""State of a stock trainer for resuming after a kill: trained tensors and the optimiser's moments, by name.

Transformers would write pickles, which may run code when they are read. These are safetensors with digests, as in our
own loop (`ratchet/training/checkpoints.py`). The optimiser holds the number of steps, the learning rates follow from
it, and the randomness of an epoch from its number (`trainer_setup.py`). Add here what else a resumed trainer needs.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ratchet.models.adapters.peft_format import stored_name
from ratchet.training.checkpoints import MASTER
from ratchet.training.history import Tensors

if TYPE_CHECKING:
    import torch

_STEP = "step/"


def learning_parts(model: Any) -> "Iterator[tuple[str, torch.nn.Parameter]]":
    """Iterate over stored name and parameter of everything that learns in a model."""
    return ((stored_name(name), value) for name, value in model.named_parameters() if value.requires_grad)


def learned_tensors(model: Any) -> Tensors:
    """Copies of the trained tensors, float32 by stored name."""
    import torch

    return {name: value.detach().to("cpu", torch.float32, copy=True) for name, value in learning_parts(model)}


def put_tensors(model: Any, tensors: "Mapping[str, torch.Tensor]") -> None:
    """Copy stored tensors into the trainable parameters, each exactly once; raises ValueError for other names."""
    import torch

    learning = dict(learning_parts(model))
    if set(learning) != set(tensors):
        raise ValueError(f"the model learns {len(learning)} tensors, not the {len(tensors)} that are put into it")
    with torch.no_grad():
        for name, value in learning.items():
            value.copy_(tensors[name])


def take_snapshot(model: Any, optimiser: Any) -> Tensors:
    """Trained tensors as `master/<name>`, and the optimiser's state of each as `<key>/<name>`; float32."""
    import torch

    result = {f"{MASTER}{name}": value for name, value in learned_tensors(model).items()}
    for name, value in learning_parts(model):
        for what, known in optimiser.state.get(value, {}).items():
            result[f"{what}/{name}"] = torch.as_tensor(known).detach().to("cpu", torch.float32, copy=True)
    return result


def restore_optimiser(model: Any, optimiser: Any, snapshot: "Mapping[str, torch.Tensor]") -> None:
    """Restore the optimiser's state from a snapshot; its learning rates stay."""
    names = {id(value): name for name, value in learning_parts(model)}
    known: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in snapshot.items():
        what, _, name = key.partition("/")
        if not key.startswith(MASTER):
            known.setdefault(name, {})[what] = value
    now = optimiser.state_dict()
    state = {
        number: known[names[id(value)]]
        for group, numbers in zip(optimiser.param_groups, now["param_groups"], strict=True)
        for value, number in zip(group["params"], numbers["params"], strict=True)
        if names[id(value)] in known
    }
    optimiser.load_state_dict({"state": state, "param_groups": now["param_groups"]})


def count_steps(snapshot: "Mapping[str, torch.Tensor]") -> int:
    """Number of steps that the optimiser of a snapshot has taken."""
    return max((int(value) for key, value in snapshot.items() if key.startswith(_STEP)), default=0)
