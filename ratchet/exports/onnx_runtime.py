"""Asking an ONNX export: the tokens, calibration and labels of the adapter, the products of ONNX Runtime.

Add here what another setting of the runtime needs; `kinds.py` writes what is asked here.
"""

from typing import TYPE_CHECKING

from ratchet.encoders import pad_id_of
from ratchet.encoding import Rows
from ratchet.opened_adapter import OpenedAdapter
from ratchet.prediction import Predictor

if TYPE_CHECKING:
    import torch


def onnx_predictor(opened: OpenedAdapter, model: bytes, *, one_by_one: bool) -> Predictor:
    """A predictor of the adapter `opened` whose logits come from the ONNX file `model`; one thread for each batch."""
    return Predictor(
        opened.card.labels,
        opened.calibration,
        opened.tokenizer,
        pad_id_of(opened.base.folder),
        onnx_rows(model, one_by_one=one_by_one),
    )


def onnx_rows(model: bytes, *, one_by_one: bool) -> Rows:
    """What answers padded rows; `one_by_one` asks each row alone, without its padding."""
    import numpy as np
    import onnxruntime as ort
    import torch

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def ask(ids: "torch.Tensor", mask: "torch.Tensor") -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        found: np.ndarray[tuple[int, int], np.dtype[np.float32]] = session.run(
            None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
        )[0]
        return found

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        if not one_by_one:
            return torch.from_numpy(ask(ids, mask))
        lengths = mask.sum(dim=1).tolist()
        return torch.from_numpy(np.vstack([ask(ids[i : i + 1, :n], mask[i : i + 1, :n]) for i, n in enumerate(lengths)]))

    return rows
