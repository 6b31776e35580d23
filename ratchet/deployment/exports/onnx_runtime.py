"""Running an ONNX export: tokenizer, calibration and labels of the adapter, matrix products of ONNX Runtime.

No torch is used between text and answer: for one short text its tensors and threads cost more than an int8 layer. Add
here settings of the runtime; `onnx.py` writes the file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ratchet.metrics.classification import Floats
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.encoders import pad_id_of
from ratchet.models.inference.predictor import Predictor
from ratchet.models.token_batches import TokenMatrix, batch_by_tokens, pad_rows
from ratchet.models.tokenization import encode_texts

if TYPE_CHECKING:
    import onnxruntime
    import torch

# the fusion of a sum with its layer norm, measured 8 times slower than the two apart
_SLOWER = ["SkipLayerNormFusion"]


@dataclass(frozen=True)
class OnnxPredictor(Predictor):
    """Predictor whose logits come from an ONNX session. It takes texts, no tensors: `rows` raises `TypeError`."""

    session: "onnxruntime.InferenceSession"
    one_by_one: bool
    """True where each text runs alone, without padding."""

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw scores, float64 [n, k]."""
        encoded = encode_texts(self.tokenizer, texts)
        result = np.empty((len(encoded), len(self.labels)), dtype=np.float64)
        if self.one_by_one:
            for row, ids in enumerate(encoded):
                result[row] = _ask(
                    self.session, np.array([ids], dtype=np.int64), np.ones((1, len(ids)), dtype=np.int64)
                )
        else:
            for batch in batch_by_tokens([len(ids) for ids in encoded]):
                result[batch] = _ask(self.session, *pad_rows([encoded[index] for index in batch], self.pad_id))
        return result


def onnx_predictor(opened: ValidatedAdapter, model: bytes, *, one_by_one: bool) -> Predictor:
    """Predictor of the adapter `opened` whose logits come from the ONNX file `model`; one thread for each call."""
    card = opened.card
    # any id serves a causal model: padding is on the right, where no real token attends to it
    pad_id = 0 if card.family == "causal" else pad_id_of(opened.base.folder)
    return OnnxPredictor(
        card.labels, opened.calibration, opened.tokenizer, pad_id, _no_rows, _open_session(model), one_by_one
    )


def _no_rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    raise TypeError("an ONNX export takes texts, not tensors; load the adapter itself to inspect it")


def _open_session(model: bytes) -> "onnxruntime.InferenceSession":
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"], disabled_optimizers=_SLOWER)


def _ask(
    session: "onnxruntime.InferenceSession", ids: TokenMatrix, mask: TokenMatrix
) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
    result: np.ndarray[tuple[int, int], np.dtype[np.float32]] = session.run(
        None, {"input_ids": ids, "attention_mask": mask}
    )[0]
    return result
