"""Shared base: one set of base weights in memory serves any number of adapters, also within one batch.

LoRA and DoRA adapters stay unmerged in the model (`batched_lora.py`), their heads are routed (`head_routing.py`), and a
probe reads the hidden states of rows that no LoRA changes. Add here how adapters share a model. The model of an adapter
is chosen in `model_pool.py`, an adapter is validated in `ratchet/models/adapters/validation.py`, and the gateway
decides which adapter gets a request.
"""

import itertools
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.models.adapters.format import AdapterCard, bad_adapter
from ratchet.models.adapters.peft_format import PREFIX
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.base_models import Base
from ratchet.models.embeddings import pool_mean
from ratchet.models.encoders import load_classifier_with_info, pad_id_of, sees_other_rows
from ratchet.models.inference.batched_lora import BASE, BatchedLora, dora_scales, import_peft
from ratchet.models.inference.head_routing import Route, RoutedHeads, build_heads, combine, group_rows
from ratchet.models.inference.predictor import Predictions, Predictor, probe_logits
from ratchet.models.inference.thread_pool import Part, WorkerThreads
from ratchet.models.token_batches import batch_by_tokens, pad_batch
from ratchet.models.tokenization import encode_texts

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class AdapterPredictor(Predictor):
    """An adapter on a shared base; it is removed from there once this object is no longer referenced."""

    model: "MultiAdapterModel"
    name: str
    card: AdapterCard


MixedBatch = Sequence[tuple[AdapterPredictor, Sequence[str]]]
"""Lists of texts, each with its adapter; all adapters are on one base."""

_NUMBERS = itertools.count()  # unique in the process, so that an adapter of one base is unknown to all others


class MultiAdapterModel:
    """One base model and the adapters on it. Thread-safe: adapters are added and removed between two batches.

    A batch is computed in parts by threads of our own (`thread_pool.py`).
    """

    _apart = False
    """True where rows of different adapters must not go through the model together."""

    def __init__(self, base: Base) -> None:
        import torch

        torch.set_num_threads(1)
        model, self._missing = self._load(base)
        self._model, self._encoder = model.requires_grad_(False), model.base_model
        self._hidden = _Hidden()
        self._encoder.register_forward_hook(self._hidden.keep)
        self._route = Route()
        self._heads = RoutedHeads(model, self._route)
        self._mixed: BatchedLora | None = None
        self._probes: dict[str, ValidatedAdapter] = {}
        self._loras: set[str] = set()
        self._gone: deque[str] = deque()
        self._lock, self._pad_id = threading.Lock(), pad_id_of(base.folder)
        self._workers = WorkerThreads("model")

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        """Load the model; returns it, and the names of the parameters that the base does not hold."""
        model, missing = load_classifier_with_info(base.folder, 2)
        self._apart = sees_other_rows(model.base_model)
        return model, missing

    @property
    def adapters(self) -> int:
        """Number of adapters on this base now."""
        with self._lock:
            self._take_out_gone()
            return len(self._loras) + len(self._probes)

    def add(self, opened: ValidatedAdapter) -> AdapterPredictor:
        """Add an adapter to this base. Most of it is prepared outside the lock, which is then held for milliseconds."""
        put_in = self._prepare(opened)
        with self._lock:
            self._take_out_gone()
            name = f"adapter{next(_NUMBERS)}"
            if opened.card.method == "probe":
                self._probes[name] = opened
            else:
                put_in(name)
                self._loras.add(name)
                self._welcome(name, opened)
        k = len(opened.card.labels)

        def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
            with self._lock:
                return self._run([name] * len(ids), ids, mask)[:, :k]

        made = AdapterPredictor(
            opened.card.labels, opened.calibration, opened.tokenizer, self._pad_id, rows, self, name, opened.card
        )
        weakref.finalize(made, self._gone.append, name)
        return made

    def _prepare(self, opened: ValidatedAdapter) -> Callable[[str], None]:
        """Prepare an adapter outside the lock; returns the function that adds it while the lock is held."""
        settings, tensors = opened.settings, opened.tensors
        if settings is None:
            return lambda name: None
        import_peft()  # takes seconds, so before the lock
        heads = build_heads(opened.skeleton, settings.heads, tensors)
        if unset := sorted(name for name in self._missing if f"{PREFIX}{name}" not in tensors):
            raise bad_adapter(f"neither the base model nor the adapter holds {unset[0]}.")
        stretches = dora_scales(self._model, settings, tensors)

        def put_in(name: str) -> None:
            self._mixed = self._mixed or BatchedLora(self._model, self._route)
            self._mixed.add(name, settings, tensors, stretches)
            self._heads.add(name, heads)

        return put_in

    def _welcome(self, name: str, opened: ValidatedAdapter) -> None:
        """Prepare what else a new adapter that goes through the model needs; the lock is held."""

    def _dismiss(self, name: str) -> None:
        """Undo `_welcome`; the lock is held."""

    def _take_spared(self) -> float:
        """Processor seconds that this thread's last part saved, because another adapter got the same texts before.

        They are counted, so that the cost of an adapter does not depend on which one came first.
        """
        return 0.0

    def answer(self, requests: MixedBatch) -> tuple[list[Predictions], float]:
        """Answer every list of texts by its adapter, in common batches of similar length; returns also the processor
        seconds used."""
        import torch

        encoded, names = [], []
        for predictor, texts in requests:
            encoded += encode_texts(predictor.tokenizer, texts)
            names += [predictor.name] * len(texts)
        result = np.zeros((len(encoded), max((len(predictor.labels) for predictor, _ in requests), default=0)))

        def fill(part: Part) -> float:
            started = time.thread_time()
            rows = sorted(part, key=names.__getitem__)  # so that rows of one adapter are adjacent
            ids, mask = pad_batch([encoded[index] for index in rows], self._pad_id)
            with torch.inference_mode():
                logits = self._run([names[index] for index in rows], ids, mask).double().numpy()
            result[rows, : logits.shape[1]] = logits
            return time.thread_time() - started + self._take_spared()

        seconds = sum(self._in_parts(fill, similar) for similar in batch_by_tokens([len(ids) for ids in encoded]))
        ends = list(itertools.accumulate(len(texts) for _, texts in requests))
        predictions = [
            predictor.judge(result[end - len(texts) : end, : len(predictor.labels)])
            for (predictor, texts), end in zip(requests, ends, strict=True)
        ]
        return predictions, seconds

    def _in_parts(self, fill: Callable[[Part], float], batch: Part) -> float:
        """Compute the parts of a batch at once, under the lock; returns the sum of their seconds."""
        with self._lock:
            self._take_out_gone()
            return sum(self._workers.share(fill, batch))

    def _run(self, names: Sequence[str], ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """Logits of one part of a batch, padded with zeros to its widest adapter. The lock must be held."""
        if strange := set(names) - self._loras - self._probes.keys():
            raise LookupError(f"{strange} are not on this base")
        if self._apart and len(set(names)) > 1:
            return combine(
                [
                    (rows, self._run([name] * len(rows), ids[rows], mask[rows]))
                    for name, rows in group_rows(names).items()
                ]
            )
        probed = [name in self._probes for name in names]
        self._route.names = [BASE if probe else name for name, probe in zip(names, probed, strict=True)]
        whole = self._model if self._loras else self._encoder  # probes alone need no head
        compute = self._mixed or whole
        output = compute(input_ids=ids, attention_mask=mask)
        hidden = self._hidden.take()
        parts: list[tuple[list[int], torch.Tensor]] = []
        for name, rows in group_rows(names).items():
            probe = self._probes.get(name)
            part = probe_logits(pool_mean(hidden[rows], mask[rows]), probe) if probe else output.logits[rows]
            parts.append((rows, part))
        return combine(parts)

    def _take_out_gone(self) -> None:
        while self._gone:
            name = self._gone.popleft()
            if self._probes.pop(name, None) is None:
                self._loras.discard(name)
                if self._mixed is not None:
                    self._mixed.remove(name)
                    self._heads.remove(name)
                self._dismiss(name)


class _Hidden(threading.local):
    """Last output of the encoder in each thread, for the probes; holds no reference to the base, so it can be freed."""

    def __init__(self) -> None:
        self._states: Any = None

    def keep(self, _module: Any, _inputs: Any, output: Any) -> None:
        self._states = output[0]

    def take(self) -> Any:
        states, self._states = self._states, None
        return states
