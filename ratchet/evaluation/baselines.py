"""Baselines: simpler models that a candidate must beat.

Add a baseline as a function from training texts to class probabilities of test texts; the verdict on them is in
`ratchet/gates/beats_baselines.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.config.spec import Label, Spec
from ratchet.data.unspaced_text import is_unspaced
from ratchet.evaluation.scoring import Split
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import expected_calibration_error, macro_f1

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_OF_CHARACTERS: Mapping[str, Any] = {"analyzer": "char", "ngram_range": (1, 3)}
"""Terms where words are not separated: a whole sentence would be one word, and occur once."""
_COSINE_SCALE = 20.0  # the scale that the sentence encoder's own contrastive training used


def predict_majority(labels: Integers, n: int, k: int) -> Floats:
    """Return the class shares of the training `labels`, for each of `n` items: [n, k]."""
    return np.tile(np.bincount(labels, minlength=k) / len(labels), (n, 1))


def predict_tfidf(train: Sequence[str], labels: Integers, texts: Sequence[str], k: int) -> Floats:
    """TF-IDF of words and word pairs with logistic regression, [n, k]; of one to three characters without spaces."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, **(_OF_CHARACTERS if is_unspaced(train) else {"ngram_range": (1, 2)})),
        LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced"),
    ).fit(train, labels)
    return spread(model.predict_proba(texts), model.classes_, k)


def predict_probe(train: Floats, labels: Integers, texts: Floats, k: int) -> Floats:
    """Logistic regression on frozen embeddings [n, d]: [n, k]."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced").fit(train, labels)
    return spread(model.predict_proba(texts), model.classes_, k)


def predict_untuned(labels: Floats, texts: Floats) -> Floats:
    """Untuned base model: cosine between text and label name embeddings, both L2-normalised: [n, k]."""
    return softmax(_COSINE_SCALE * texts @ labels.T)


def label_sentences(labels: Sequence[Label]) -> list[str]:
    """Return the text that the untuned base reads for each label: its name in words, and its description if any."""
    return [
        ": ".join(filter(None, (label.name.replace("_", " ").replace("-", " "), label.description))) for label in labels
    ]


def spread(probabilities: Floats, classes: Integers, k: int) -> Floats:
    """Spread the columns of the `classes` that a model knows over all `k`; unknown classes get 0."""
    full = np.zeros((len(probabilities), k))
    full[:, classes] = probabilities
    return full


def answer_baselines(
    train: Split,
    test: Split,
    spec: Spec,
    embed: Callable[[Sequence[str]], Floats],
    untuned: Callable[[Sequence[str]], Floats] | None = None,
) -> dict[str, Floats]:
    """Return the probabilities [n, k] on `test` of each baseline fitted on `train`.

    `embed` is a frozen encoder. `untuned` gives the probabilities of the chosen candidate's own base, [n, k]; without
    it that encoder is the base, and compares a text with the labels' names.
    """
    k = len(spec.labels)
    frozen_train, frozen_test = embed(train.texts), embed(test.texts)
    return {
        "majority": predict_majority(train.labels, len(test.items), k),
        "tfidf_logreg": predict_tfidf(train.texts, train.labels, test.texts, k),
        "linear_probe": predict_probe(frozen_train, train.labels, frozen_test, k),
        "base_model": untuned(test.texts)
        if untuned
        else predict_untuned(embed(label_sentences(spec.label)), frozen_test),
    }


def measure_baselines(answers: Mapping[str, Floats], labels: Integers) -> dict[str, dict[str, float]]:
    """Return macro-F1 and ECE of each baseline's probabilities [n, k] against `labels` [n]."""
    return {
        name: {
            "macro_f1": macro_f1(np.asarray(p.argmax(axis=1)), labels, p.shape[1]),
            "ece": expected_calibration_error(p, labels),
        }
        for name, p in answers.items()
    }


def pair_baselines(
    figures: Mapping[str, Mapping[str, float]], answers: Mapping[str, Floats], predicted: Integers, labels: Integers
) -> dict[str, dict[str, float]]:
    """Return the figures with the items that only the baseline, or only the candidate (`predicted` [n]), gets right."""
    right, paired = predicted == labels, {}
    for name, p in answers.items():
        theirs = p.argmax(axis=1) == labels
        paired[name] = {
            **figures[name],
            "only_baseline_right": int((theirs & ~right).sum()),
            "only_candidate_right": int((right & ~theirs).sum()),
        }
    return paired
