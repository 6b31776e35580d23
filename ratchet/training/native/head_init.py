"""Initialisation of the head: a logistic regression on the untuned encoder's features, instead of random numbers.

With few examples a random head spends most epochs on what a regression finds at once, and harms the encoder meanwhile
(linear probing before fine-tuning: Kumar et al. 2022). Add here how a head begins; its training is in
`trainable_model.py`.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.models.token_batches import batch_by_tokens, pad_batch
from ratchet.training.linear_probe import one_row_for_each_class
from ratchet.training.supervision.watchdog import heartbeat

if TYPE_CHECKING:
    from ratchet.training.native.trainable_model import TrainableModel

_MOST_EXAMPLES = 1024  # enough for a start, and a second or two of forward passes
_INVERSE_REGULARISATION = 1.0
_MAX_STEPS = 200


def init_head(
    trainee: "TrainableModel",
    rows: Sequence[Sequence[int]],
    targets: Sequence[int],
    k: int,
    seed: int,
    *,
    at_once: int = 2,
) -> bool:
    """Fit the last layer of the head on at most 1,024 examples drawn by `seed`; False where no layer has `k` outputs.

    `rows` are token ids, `targets` class indices, [n] each. Each class of the sample gets its row; a class missing from
    the sample keeps the random one. The same arguments give the same head for any `at_once`, the number of batches
    computed in parallel.
    """
    result = _last_layer(trainee, k) if trainee.has_head else None
    if result is None:
        return False
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:_MOST_EXAMPLES])
    features = _features(trainee, result, [rows[i] for i in chosen], at_once)
    coef, intercept, classes = _fit(features, np.array(targets)[chosen], seed)
    _put(trainee, result, coef, intercept, classes)
    return True


def _last_layer(trainee: "TrainableModel", k: int) -> Any:
    """Return the last trainable linear layer with `k` outputs; None without one."""
    import torch

    own = {id(value) for value in trainee.working}
    layers = [
        module
        for module in trainee.model.modules()
        if isinstance(module, torch.nn.Linear)
        and module.out_features == k
        and id(module.weight) in own
        and module.bias is not None
    ]
    return layers[-1] if layers else None


def _features(
    trainee: "TrainableModel", layer: Any, rows: Sequence[Sequence[int]], at_once: int
) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Return the inputs of the layer for each row, float64 [n, d], without dropout.

    `at_once` threads compute whole batches, which changes no bit; the peer process waits meanwhile and leaves its core.
    """
    import torch

    seen = threading.local()  # the hook is shared by all threads
    handle = layer.register_forward_pre_hook(
        lambda module, inputs: setattr(seen, "features", inputs[0].detach().float())
    )
    features = np.zeros((len(rows), layer.in_features))

    def fill(batch: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
        ids, mask = pad_batch([rows[i] for i in batch], trainee.pad_id)
        with torch.no_grad():
            trainee.answer(ids, mask)
        features[batch] = seen.features.cpu().numpy()
        heartbeat()

    trainee.model.eval()
    try:
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(fill, batch_by_tokens([len(row) for row in rows])))
    finally:
        handle.remove()
    return features


def _fit(features: Any, targets: Any, seed: int) -> tuple[Any, Any, Any]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(
        C=_INVERSE_REGULARISATION, class_weight="balanced", max_iter=_MAX_STEPS, random_state=seed
    )
    with warnings.catch_warnings():
        # a start need not be an optimum: training continues from it
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(features, targets)
    return *one_row_for_each_class(model.coef_, model.intercept_, len(model.classes_)), model.classes_


def _put(trainee: "TrainableModel", layer: Any, coef: Any, intercept: Any, classes: Any) -> None:
    import torch

    places = {id(value): master for value, master in zip(trainee.working, trainee.masters, strict=True)}
    with torch.no_grad():
        places[id(layer.weight)][torch.as_tensor(classes)] = torch.from_numpy(coef).float()
        places[id(layer.bias)][torch.as_tensor(classes)] = torch.from_numpy(intercept).float()
    trainee.publish()
