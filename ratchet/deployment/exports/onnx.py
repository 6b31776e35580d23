"""ONNX files of an adapter or probe, in float32 or with int8 weights.

Add here settings of the exporter or the quantiser. `onnx_runtime.py` runs the file.
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
MOST_BYTES = 2_000_000_000  # an ONNX file is one protobuf message, which holds at most 2 GiB


def write_onnx(opened: ValidatedAdapter, folder: Path) -> None:
    """Write `model.onnx`, float32: `input_ids` and `attention_mask` [batch, length] to `logits` [batch, labels].

    A causal adapter's tokens are those after the shared prefix of its prompt.
    """
    _export(opened).save(folder / ONNX, external_data=False)


def write_onnx_int8(opened: ValidatedAdapter, folder: Path) -> None:
    """Write `model.onnx` with int8 weights; the inputs of matrix products are quantised dynamically."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    graph = _export(opened).model_proto
    del graph.graph.value_info[:]  # the exporter's shapes conflict with those that the quantiser infers
    with _quiet():
        quantize_dynamic(graph, folder / ONNX, weight_type=QuantType.QInt8)


def _export(opened: ValidatedAdapter) -> Any:
    import torch

    graph = causal_graph(opened) if opened.card.family == "causal" else _encoder_graph(opened)
    _check_size(opened, graph)
    ids = torch.ones(2, 7, dtype=torch.int64)  # both sizes above 1: the exporter treats a size of 1 as a constant
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
    """Raise `RatchetError` for a model that does not fit into one file, before minutes are spent on exporting it."""
    size = sum(
        tensor.numel() * tensor.element_size() for tensor in itertools.chain(graph.parameters(), graph.buffers())
    )
    if size <= MOST_BYTES:
        return
    hint = "Export gguf_q8_0." if opened.card.family == "causal" else "Export merged."
    hint = "Train a probe on a smaller base." if opened.card.method == "probe" else hint
    raise no_export(opened, "onnx", f"{size / 1e9:.1f} GB do not fit into one ONNX file (2 GB)", hint)


def _encoder_graph(opened: ValidatedAdapter) -> "torch.nn.Module":
    import torch

    is_probe = opened.card.method == "probe"
    # a probe's encoder is shared with other predictors, so the change below is made on a copy
    model = copy.deepcopy(load_encoder(opened.base.folder)) if is_probe else merged_model(opened)
    # the exporter takes torch's fused attention apart, into twice as many nodes
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
    """Suppress the exporter's and the quantiser's own log messages and warnings."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.filterwarnings("ignore", message="# The axis name", category=UserWarning)
            yield
    finally:
        logging.disable(logging.NOTSET)
