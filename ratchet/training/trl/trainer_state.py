"""All that a stock trainer goes on from after a kill, as named tensors: what it learned, and its optimiser's moments.

Transformers would write these as pickles, which may run code when they are read. As named tensors they lie in the same
safetensors with digests as those of our own loop (`ratchet/training/checkpoints.py`). The optimiser has counted the
steps, the rates follow from them, and the randomness of an epoch from its number (`trainer_setup.py`). Add here what
else a trainer must not forget.
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
    """Stored name and parameter of all that learns in a model."""
    return ((stored_name(name), value) for name, value in model.named_parameters() if value.requires_grad)


def learned_tensors(model: Any) -> Tensors:
    """What a model learned, float32 by stored name: copies, safe to keep."""
    import torch

    return {name: value.detach().to("cpu", torch.float32, copy=True) for name, value in learning_parts(model)}


def put_tensors(model: Any, tensors: "Mapping[str, torch.Tensor]") -> None:
    """Give the learning parts of a model these stored tensors, each exactly once; raises ValueError for other names."""
    import torch

    learning = dict(learning_parts(model))
    if set(learning) != set(tensors):
        raise ValueError(f"the model learns {len(learning)} tensors, not the {len(tensors)} that are put into it")
    with torch.no_grad():
        for name, value in learning.items():
            value.copy_(tensors[name])


def take_snapshot(model: Any, optimiser: Any) -> Tensors:
    """What the model learned as `master/<name>`, and of each part what the optimiser knows, as `<what>/<name>`;
    float32."""
    import torch

    result = {f"{MASTER}{name}": value for name, value in learned_tensors(model).items()}
    for name, value in learning_parts(model):
        for what, known in optimiser.state.get(value, {}).items():
            result[f"{what}/{name}"] = torch.as_tensor(known).detach().to("cpu", torch.float32, copy=True)
    return result


def restore_optimiser(model: Any, optimiser: Any, snapshot: "Mapping[str, torch.Tensor]") -> None:
    """Give an optimiser of the model what it knew when the snapshot was taken; its rates stay."""
    names = {id(value): name for name, value in learning_parts(model)}
    known: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in snapshot.items():
        what, _, name = key.partition("/")
        if not key.startswith(MASTER):
            known.setdefault(name, {})[what] = value
    now = optimiser.state_dict()
    state = {
        number: known[names[id(value)]]
        for group, told in zip(optimiser.param_groups, now["param_groups"], strict=True)
        for value, number in zip(group["params"], told["params"], strict=True)
        if names[id(value)] in known
    }
    optimiser.load_state_dict({"state": state, "param_groups": now["param_groups"]})


def count_steps(snapshot: "Mapping[str, torch.Tensor]") -> int:
    """How many steps the optimiser of a snapshot has taken."""
    return max((int(value) for key, value in snapshot.items() if key.startswith(_STEP)), default=0)
