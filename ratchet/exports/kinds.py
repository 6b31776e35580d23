"""The kinds of export, and how the files of each are written from an adapter.

Add a kind here, as a function and a row of `KINDS`. How an export is asked is `onnx_runtime.py`, whether it may be used
`parity.py`, where it lies `ratchet/stores/exports.py`.
"""

import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.encoders import apply_adapter, load_classifier
from ratchet.encoding import tokenizer_file
from ratchet.errors import RatchetError
from ratchet.opened_adapter import OpenedAdapter

if TYPE_CHECKING:
    import torch

ONNX = "model.onnx"


@dataclass(frozen=True)
class Kind:
    """One form of export."""

    write: Callable[[OpenedAdapter, Path], None]
    """Writes the files of an adapter into an empty folder."""
    runs_here: bool
    """Whether it is asked by a runtime other than the adapter's own, so that its answers must be compared."""
    one_by_one: bool = False
    """Whether texts are asked one at a time: numbers of eight bits are scaled by all that is in the batch."""


def merged_model(opened: OpenedAdapter) -> Any:
    """The plain classifier with what was trained in its weights and the label names in its configuration, float32.

    Raises `RatchetError` for a probe, and for an adapter that is no encoder's.
    """
    card = opened.card
    if card.method == "probe" or card.family != "encoder":
        raise RatchetError(
            f"an adapter of {card.family}/{card.method} cannot be exported yet.",
            "Export the adapter of an encoder's LoRA candidate.",
            code="no_export",
        )
    model = load_classifier(opened.base.folder, len(card.labels))
    apply_adapter(model, opened.settings, opened.tensors)
    model.config.id2label = dict(enumerate(card.labels))
    model.config.label2id = {label: index for index, label in enumerate(card.labels)}
    return model


def write_merged(opened: OpenedAdapter, folder: Path) -> None:
    """A folder that plain `transformers` loads: safetensors, configuration with the labels, tokenizer."""
    merged_model(opened).save_pretrained(folder)
    for path in sorted(tokenizer_file(opened.base.folder).parent.glob("*token*.json")):
        shutil.copyfile(path, folder / path.name)


def write_onnx(opened: OpenedAdapter, folder: Path) -> None:
    """`model.onnx`, float32: `input_ids` and `attention_mask` [batch, length] to `logits` [batch, labels]."""
    _export(opened).save(folder / ONNX, external_data=False)


def write_onnx_int8(opened: OpenedAdapter, folder: Path) -> None:
    """`model.onnx` with weights of eight bits, and what enters a product quantised when it comes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = _export(opened).model_proto
    del graph.graph.value_info[:]  # the shapes that the exporter noted do not fit what quantising infers
    with _quiet():
        quantize_dynamic(graph, folder / ONNX, weight_type=QuantType.QInt8)


def _export(opened: OpenedAdapter) -> Any:
    import torch

    class Logits(torch.nn.Module):
        def __init__(self, model: Any) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
            found: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
            return found

    model = merged_model(opened)
    model.set_attn_implementation("eager")  # half as many nodes as of torch's fused attention, which the exporter takes apart
    ids = torch.ones(2, 7, dtype=torch.int64)  # both sizes above 1: a size of 1 would be taken for a constant
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    sizes = {0: "batch", 1: "length"}
    with _quiet():
        return torch.onnx.export(
            Logits(model).eval(),
            (ids, mask),
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=(sizes, sizes),
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what exporter and quantiser say of their own insides."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", message="# The axis name", category=UserWarning)
            yield
    finally:
        logging.disable(logging.NOTSET)


KINDS: Mapping[str, Kind] = {
    "merged": Kind(write_merged, runs_here=False),
    "onnx": Kind(write_onnx, runs_here=True),
    "onnx_int8": Kind(write_onnx_int8, runs_here=True, one_by_one=True),
}
