"""An export that answers batches through the same interface as an adapter on a shared base.

Add here how an export shares the cores; `onnx_runtime.py` runs the model, `gateway/serving/batching.py` collects texts.
"""

import itertools
import time
from collections.abc import Sequence

import numpy as np

from ratchet.metrics.classification import Floats
from ratchet.models.inference.predictor import Predictions, Predictor
from ratchet.models.inference.thread_pool import WorkerThreads
from ratchet.models.tokenization import TextTokenizer


class ExportPredictor:
    """One export of an adapter, alone on its model: its texts never share a batch with those of another adapter."""

    def __init__(self, kind: str, predictor: Predictor) -> None:
        self.kind, self._predictor = kind, predictor
        self._workers = WorkerThreads("export")

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the adapter."""
        return self._predictor.labels

    @property
    def tokenizer(self) -> TextTokenizer:
        """The tokenizer of the adapter."""
        return self._predictor.tokenizer

    @property
    def model(self) -> "ExportPredictor":
        """The predictor itself: an export shares its model with no other adapter."""
        return self

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw scores, float64 [n, k]."""
        return self._predictor.logits(texts)

    def answer(self, batch: Sequence[tuple[object, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """Predictions for each lot of texts, computed in parallel parts, and the processor seconds they took."""
        texts = [text for _, lot in batch for text in lot]
        parts = self._workers.share(lambda part: self._timed([texts[index] for index in part]), range(len(texts)))
        logits = np.concatenate([rows for rows, _ in parts])
        ends = list(itertools.accumulate(len(lot) for _, lot in batch))
        lots = [self._predictor.judge(logits[end - len(lot) : end]) for (_, lot), end in zip(batch, ends, strict=True)]
        return lots, sum(seconds for _, seconds in parts)

    def _timed(self, texts: Sequence[str]) -> tuple[Floats, float]:
        started = time.thread_time()
        logits = self._predictor.logits(texts)
        return logits, time.thread_time() - started
