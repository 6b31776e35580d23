"""Thresholds for acting of a new adapter, fitted on the drawn labels of its week that chose nothing about it.

Add here where such labels, and the thresholds of live, come from; the fit is `ratchet/metrics/acting.py`.
"""

from typing import Any

import numpy as np
import pandas as pd

from ratchet.config.spec import Spec
from ratchet.metrics.acting import fit_actions
from ratchet.metrics.calibration import Calibration, apply_calibration
from ratchet.models.adapters.folder import open_folder
from ratchet.models.inference.predictor import Predictor
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger


def fit_acting(
    home: Home, spec: Spec, predictor: Predictor, calibration: Calibration, drawn: pd.DataFrame
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return the least confidence by label and a record for each `[[action]]`; empty where there is none.

    `drawn` has the text and label of each item, `calibration` is what the adapter is sealed with.
    """
    if not spec.action:
        return {}, []
    known = drawn[drawn["label"].isin(predictor.labels)]
    truth = known["label"].map(predictor.labels.index).to_numpy(dtype="int64")
    live = Ledger(home).live(spec.name)
    logits = predictor.logits(list(known["text"])) if len(known) else np.empty((0, len(predictor.labels)))
    probabilities = apply_calibration(logits, calibration)
    return fit_actions(probabilities, truth, predictor.labels, spec, read_thresholds(home, spec.name, live))


def read_thresholds(home: Home, name: str, digest: str | None) -> dict[str, float]:
    """Return the least confidence by label that an adapter was sealed with; empty for none.

    Raises `RatchetError` for an adapter that is damaged or missing.
    """
    if digest is None:
        return {}
    with open_folder(AdapterStore(home).open(name, digest)) as opened:
        return dict(opened.card.thresholds or {})
