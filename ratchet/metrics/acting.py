"""Thresholds for acting: the least confidence from which on an action is wrong in at most an allowed share of cases.

A threshold that is searched for on some hundred items breaks its promise on others about every second time. Here it is
learned and then tested (Angelopoulos et al. 2021), by MAPIE. Add here another promise about an action;
thresholds that promise nothing are in `thresholds.py`.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.config.spec import Spec

ERROR = 0.1
"""Chance that any action of an adapter breaks its promise; shared among the actions (Bonferroni)."""
_GRID = 1 / (1 + np.exp(-np.linspace(8.0, -4.0, 121)))
"""Thresholds that are tried, from the strictest down: even steps of log-odds, from .9997 to .018."""


@dataclass(frozen=True)
class ActingThreshold:
    """Result of one fit: the threshold (None where none is shown), and what would have been done on the items."""

    threshold: float | None
    n: int
    """Items on which the action might be taken."""
    acted: int
    errors: int
    needed: int
    """Error-free items without which nothing can be shown."""


def fit_acting_threshold(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], max_error: float, *, error: float = ERROR
) -> ActingThreshold:
    """Return the least threshold at which at most `max_error` of the actions are wrong, shown at 1 - `error`.

    `confidence` and `right` are [n], of items drawn at random that chose nothing about the model: not its epoch, nor
    the candidate, nor the temperature. Thresholds are tested from a first one down, each by the exact binomial test,
    until one is not shown (fixed sequence, Bauer 1991). The first is the one most likely to be shown if confidences
    are true: it depends on them alone, never on `right`.
    """
    needed = int(np.ceil(np.log(error) / np.log1p(-max_error)))
    n = len(confidence)
    if n < needed:
        return ActingThreshold(None, n, 0, 0, needed)
    thresholds = _GRID[_choose_first(confidence, max_error, error) :]
    valid = thresholds[_test(confidence, right, max_error, error, thresholds)]
    if not len(valid):
        return ActingThreshold(None, n, 0, 0, needed)
    threshold = float(min(valid))
    acted = confidence >= threshold
    return ActingThreshold(threshold, n, int(acted.sum()), int((acted & ~right).sum()), needed)


def _choose_first(confidence: NDArray[np.float64], max_error: float, error: float) -> int:
    """Return the place in the grid at which as many errors as `confidence` expects are the likeliest to be few enough.

    Errors among those who are at least so sure count as Poisson.
    """
    from scipy.stats import binom, poisson

    is_acted = confidence[:, None] >= _GRID
    counts, expected = is_acted.sum(axis=0), ((1 - confidence)[:, None] * is_acted).sum(axis=0)
    allowed = binom.ppf(error, np.maximum(counts, 1), max_error)
    allowed -= binom.cdf(allowed, np.maximum(counts, 1), max_error) > error
    return int(np.where(counts > 0, poisson.cdf(allowed, expected), 0.0).argmax())


def _test(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    max_error: float,
    error: float,
    thresholds: NDArray[np.float64],
) -> NDArray[np.int_]:
    """Return the places in `thresholds` that are shown to keep the share of wrong actions."""
    from mapie.risk_control import BinaryClassificationController, BinaryRisk, FWERFixedSequenceTesting, control_fwer

    class WrongShare(BinaryRisk):  # type: ignore[misc]
        """Share of the actions that are wrong; a hair less, since it is multiplied by their number and rounded up."""

        def get_value_and_effective_sample_size(self, y_true: Any, y_pred: Any) -> tuple[float, int]:
            value, n = super().get_value_and_effective_sample_size(y_true, y_pred)
            return value * (1 - 1e-12), n

    controller = BinaryClassificationController(
        predict_function=lambda items: np.column_stack([1 - items, items]),
        risk=WrongShare(
            risk_occurrence=lambda y_true, y_pred: y_pred.ravel() != y_true.ravel(),
            risk_condition=lambda y_true, y_pred: y_pred.ravel() == 1,
            higher_is_better=False,
        ),
        target_level=max_error,
        confidence_level=1.0 - error,
        best_predict_param_choice="recall",
        list_predict_params=thresholds,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where its own choice finds no threshold
        controller.calibrate(confidence, right.astype(int))
    # Its "fixed_sequence" turns the order around where the errors that it counted fall: an order that labels choose
    # promises nothing. Its p-values, in the order that was fixed before, do.
    return np.asarray(control_fwer(controller.p_values[:, 0], error, FWERFixedSequenceTesting()))


def fit_actions(
    probabilities: NDArray[np.float64],
    truth: NDArray[np.int64],
    labels: Sequence[str],
    spec: Spec,
    former: Mapping[str, float] | None = None,
) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Return the least confidence by label, and one record for each `[[action]]` of the specification.

    `probabilities` [n, k] are calibrated, `truth` [n] the labels of the same drawn items, both in the order of
    `labels`. An action has the items that are answered with one of its labels at the label's own threshold or more,
    which is a floor. Where nothing is shown the label keeps its `former` threshold, that of live, or its floor.
    """
    confidence, predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
    found, records = dict[str, float](), list[dict[str, Any]]()
    floors = np.array([next((each.threshold for each in spec.label if each.name == name), 1.0) for name in labels])
    for action in spec.action:
        mine = [name for name in labels if any(each.name == name and each.action == action.name for each in spec.label)]
        chosen = np.isin(predicted, [list(labels).index(name) for name in mine]) & (confidence >= floors[predicted])
        fit = fit_acting_threshold(
            confidence[chosen], (predicted == truth)[chosen], action.max_error, error=ERROR / len(spec.action)
        )
        kept = {name: float((former or {})[name]) for name in mine if name in (former or {})}
        found |= kept if fit.threshold is None else dict.fromkeys(mine, fit.threshold)
        records.append(
            {
                "action": action.name, "max_error": action.max_error, "labels": mine, **asdict(fit),
                "remark": _remark(action.name, action.max_error, fit, bool(kept)),
            }
        )  # fmt: skip
    return found, records


def _remark(action: str, max_error: float, fit: ActingThreshold, is_former: bool) -> str:
    if fit.threshold is not None:
        return (
            f"{action}: from a confidence of {fit.threshold:.3f} on at most {max_error:.1%} are wrong, shown on"
            f" {fit.acted} of {fit.n} drawn labels, {fit.errors} of them wrong."
        )
    old = "that of live" if is_former else "that of [[label]]"
    few = f"{fit.needed} without an error are needed" if fit.n < fit.needed else "too many of them are wrong"
    return (
        f"{action}: no threshold at which at most {max_error:.1%} are wrong is shown by {fit.n} drawn labels ({few});"
        f" the old one stays, {old}."
    )
