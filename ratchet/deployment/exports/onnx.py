"""ONNX files of an adapter or probe, in 32-bit floats or with weights of eight bits.

Add here what the exporter or the quantiser must be told. How such a file is asked is `onnx_runtime.py`.
"""

import copy
import itertools
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.deployment.exports.causal_graph import causal_graph
from ratchet.deployment.exports.merged import merged_model, no_export
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.embeddings import mean_pooled
from ratchet.models.encoders import load_encoder
from ratchet.models.inference.predictor import probe_logits

if TYPE_CHECKING:
    import torch

ONNX = "model.onnx"
MOST_BYTES = 2_000_000_000  # a protobuf message, which an ONNX file is, ends at 2 GiB


def write_onnx(opened: ValidatedAdapter, folder: Path) -> None:
    """`model.onnx`, float32: `input_ids` and `attention_mask` [batch, length] to `logits` [batch, labels].

    A causal adapter's tokens are those that follow the shared part of its prompt.
    """
    _export(opened).save(folder / ONNX, external_data=False)


def write_onnx_int8(opened: ValidatedAdapter, folder: Path) -> None:
    """`model.onnx` with weights of eight bits, and what enters a product quantised when it comes."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = _export(opened).model_proto
    del graph.graph.value_info[:]  # the shapes that the exporter noted do not fit what quantising infers
    with _quiet():
        quantize_dynamic(graph, folder / ONNX, weight_type=QuantType.QInt8)


def _export(opened: ValidatedAdapter) -> Any:
    import torch

    graph = causal_graph(opened) if opened.card.family == "causal" else _encoder_graph(opened)
    _check_size(opened, graph)
    ids = torch.ones(2, 7, dtype=torch.int64)  # both sizes above 1: a size of 1 would be taken for a constant
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    sizes = {0: "batch", 1: "length"}
    with _quiet():
        return torch.onnx.export(
            graph.eval(),
            (ids, mask),
            dynamo=True,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=(sizes, sizes),
            verbose=False,
        )


def _check_size(opened: ValidatedAdapter, graph: "torch.nn.Module") -> None:
    """Raise `RatchetError` for a model that does not fit into one file, before minutes are spent on it."""
    size = sum(
        tensor.numel() * tensor.element_size() for tensor in itertools.chain(graph.parameters(), graph.buffers())
    )
    if size <= MOST_BYTES:
        return
    cure = "Export gguf_q8_0." if opened.card.family == "causal" else "Export merged."
    cure = "Train a probe on a smaller base." if opened.card.method == "probe" else cure
    raise no_export(opened, "onnx", f"{size / 1e9:.1f} GB do not fit into one ONNX file (2 GB)", cure)


def _encoder_graph(opened: ValidatedAdapter) -> "torch.nn.Module":
    import torch

    is_probe = opened.card.method == "probe"
    # others ask the first
    model = copy.deepcopy(load_encoder(opened.base.folder)) if is_probe else merged_model(opened)
    # half as many nodes as of torch's fused attention, which the exporter takes apart
    model.set_attn_implementation("eager")

    class Logits(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
            if is_probe:
                return probe_logits(mean_pooled(self.model, input_ids, attention_mask), opened)
            result: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
            return result

    return Logits()


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
