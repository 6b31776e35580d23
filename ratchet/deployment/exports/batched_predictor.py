"""An export that answers in batches as an adapter on a shared base does, so that whoever gathers texts asks both alike.

Add here how an export shares the cores; what it is asked is `onnx_runtime.py`, who gathers the texts
`gateway/serving/batching.py`.
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
    """One export of an adapter, alone on its model: its texts are never in a batch with those of another."""

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
        """Itself."""
        return self

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw scores, float64 [n, k]."""
        return self._predictor.logits(texts)

    def answer(self, asked: Sequence[tuple[object, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """One lot of predictions for each lot of texts, computed in parts; and the processor seconds of it."""
        texts = [text for _, lot in asked for text in lot]
        parts = self._workers.share(lambda part: self._timed([texts[index] for index in part]), range(len(texts)))
        logits = np.concatenate([result for result, _ in parts])
        ends = list(itertools.accumulate(len(lot) for _, lot in asked))
        lots = [self._predictor.judge(logits[end - len(lot) : end]) for (_, lot), end in zip(asked, ends, strict=True)]
        return lots, sum(seconds for _, seconds in parts)

    def _timed(self, texts: Sequence[str]) -> tuple[Floats, float]:
        started = time.thread_time()
        result = self._predictor.logits(texts)
        return result, time.thread_time() - started
