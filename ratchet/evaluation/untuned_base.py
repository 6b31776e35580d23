"""The base of the chosen candidate, untuned: its answers without an example, and with a few from the training split.

Both families have one: a causal base answers the classifier's prompt, an encoder compares a text with an embedding of
each label. Add here another way to use an untuned base; the baseline for the gate is its zero-shot answer on the whole
test split.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import make_prompt
from ratchet.config.spec import Spec
from ratchet.evaluation.baselines import label_sentences, predict_untuned
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.metrics.classification import Floats
from ratchet.models.base_models import Base, resolve_base
from ratchet.models.causal import load_causal
from ratchet.models.embeddings import Embed, open_embedder
from ratchet.models.few_shot import Shot, load_few_shot_tokenizer
from ratchet.models.inference.predictor import CausalPredictor, causal_predictor


class Untuned(Protocol):
    """A base model that was not trained on this task."""

    @property
    def name(self) -> str:
        """The base's name."""
        ...

    @property
    def ways(self) -> tuple[str, str]:
        """Method of its answers without an example and with a few, in words."""
        ...

    def zero_shot(self, texts: Sequence[str]) -> Floats:
        """Return probabilities [n, k], without an example."""
        ...

    def few_shot(self, shots: Sequence[Shot]) -> Callable[[Sequence[str]], Floats] | None:
        """Return a function that gives probabilities [n, k] after the `shots`; None when they do not fit."""
        ...


class UntunedEncoder:
    """A frozen encoder: the cosine between a text and each label's name and description, or the mean of its examples.

    It is opened once, at its first call, as the tuned model was, so that timed calls do not include loading.
    """

    ways = ("text against the labels' names", "text against the mean of each label's examples")

    def __init__(self, candidate: Candidate, spec: Spec) -> None:
        self.name, self._candidate, self._spec = candidate.base, candidate, spec

    @cached_property
    def _embed(self) -> Embed:
        return open_embedder(self._candidate.base, self._candidate.max_tokens)

    @cached_property
    def _names(self) -> Floats:
        return self._embed(label_sentences(self._spec.label))

    def zero_shot(self, texts: Sequence[str]) -> Floats:
        """Answer by the labels' names."""
        return predict_untuned(self._names, self._embed(texts))

    def few_shot(self, shots: Sequence[Shot]) -> Callable[[Sequence[str]], Floats] | None:
        """Answer by the mean of each label's shots; a label without any keeps its name."""
        means = self._names.copy()
        embedded, labels = self._embed([shot.text for shot in shots]), [shot.label for shot in shots]
        for label in set(labels):
            mean = embedded[np.asarray(labels) == label].mean(axis=0)
            means[label] = mean / np.linalg.norm(mean)
        return lambda texts: predict_untuned(means, self._embed(texts))


class UntunedCausal:
    """A causal base, run with the prompt and by the path that serve. Its weights are loaded once, at its first call."""

    ways = ("the prompt that serves", "the prompt with solved examples before the text")

    def __init__(self, candidate: Candidate, spec: Spec) -> None:
        self.name, self._candidate, self._spec = candidate.base, candidate, spec
        self._prompt = make_prompt(spec.prompt, spec.label)

    @cached_property
    def _base(self) -> Base:
        return resolve_base(self._candidate.base)

    @cached_property
    def _model(self) -> Any:
        return load_causal(self._base.folder)

    def _predictor(self, shots: Sequence[Shot]) -> CausalPredictor:
        tokenizer = load_few_shot_tokenizer(
            self._base.folder, self._spec.prompt, self._prompt, self._candidate.max_tokens, shots
        )
        return causal_predictor(self._model, self._spec.labels, UNCALIBRATED, tokenizer)

    @cached_property
    def _zero(self) -> CausalPredictor:
        return self._predictor(())

    def zero_shot(self, texts: Sequence[str]) -> Floats:
        """Answer by the prompt alone."""
        return self._zero.predict(texts).probabilities

    def few_shot(self, shots: Sequence[Shot]) -> Callable[[Sequence[str]], Floats] | None:
        """Answer by the prompt after the shots; None when the longest text would exceed what the model can read."""
        predictor = self._predictor(shots)
        room = getattr(self._model.config, "max_position_embeddings", None)
        if (
            room is not None
            and len(predictor.tokenizer.prefix) + self._candidate.max_tokens + len(predictor.tokenizer.suffix) > room
        ):
            return None
        return lambda texts: predictor.predict(texts).probabilities
