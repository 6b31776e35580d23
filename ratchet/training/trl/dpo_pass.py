"""Decision after a candidate's first pass: if a preference pass follows, and which of the two is kept.

Add here what decides between the two. Pairs are mined and learned from in `dpo.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.native.trainer import TrainedModel
from ratchet.training.task import Task
from ratchet.training.trl.dpo import FEWEST_PAIRS, Pair, keep_pairs, mine_pairs, train_dpo
from ratchet.training.validation import evaluate, measure_served, served_predictor, validation_logits, watched


@dataclass(frozen=True)
class DpoResult:
    """Outcome of both passes: the better one's tensors, and the history of both."""

    tensors: Tensors
    history: History
    pairs: int
    first_kept: str = ""
    """Reason for keeping the first pass's tensors; empty where the second pass was better."""


def run_dpo_pass(task: Task, found: TrainedModel, report: Callable[[Epoch], None]) -> DpoResult:
    """Train the first pass further on its errors on training examples; keep the better of the two.

    The better one has the lower NLL on the calibration split as served, averaged over true classes: the figure that
    candidates are chosen by.
    """
    tokenizer, settings, examples = found.tokenizer, found.settings, len(task.train)
    if not isinstance(tokenizer, PromptTokenizer) or settings is None:
        raise ValueError("a preference pass needs a prompt with codes, and a LoRA as its reference")
    pairs, before = _look_back(task, tokenizer, settings, found.tensors)
    if len(pairs) < FEWEST_PAIRS:
        few = f"wrong or unsure on {len(pairs)} of {examples} training examples; a pass needs {FEWEST_PAIRS}"
        return DpoResult(found.tensors, found.history, len(pairs), f"its first pass kept: {few}")
    behind = len(found.history.epochs)

    def judged(tensors: Tensors) -> ValidationMetrics:
        return evaluate(task, tokenizer, settings, tensors)

    # epochs of both passes are numbered on, as in the joined history
    def renumbered(epoch: Epoch) -> None:
        report(replace(epoch, epoch=epoch.epoch + behind))

    tensors, second = train_dpo(task, tokenizer, settings, found.tensors, pairs, judged, renumbered)
    after = measure_served(
        *validation_logits(watched(served_predictor(task, tokenizer, settings, tensors), task), task.calibration)
    ).macro_nll
    if after < before:
        return DpoResult(tensors, join_histories(found.history, second, better=True), len(pairs))
    worse = f"its first pass kept: calibrated NLL by class {before:.4f}, with preferences {after:.4f}"
    return DpoResult(found.tensors, join_histories(found.history, second, better=False), len(pairs), worse)


def _look_back(
    task: Task, tokenizer: PromptTokenizer, settings: LoraSettings, tensors: Tensors
) -> tuple[list[Pair], float]:
    """Return the pairs of the first pass, and its NLL by class on the calibration split as served."""
    predictor = watched(served_predictor(task, tokenizer, settings, tensors), task)
    pairs = keep_pairs(task.checkpoints, lambda: mine_pairs(validation_logits(predictor, task.train)[0], task.targets))
    return pairs, measure_served(*validation_logits(predictor, task.calibration)).macro_nll


def join_histories(first: History, second: History, *, better: bool) -> History:
    """Join both histories: epochs count on, and the best is the second pass's where that one was `better`."""
    behind = len(first.epochs)
    epochs = (*first.epochs, *(replace(epoch, epoch=epoch.epoch + behind) for epoch in second.epochs))
    best = second.best + behind if better else first.best
    resumed_from = first.resumed_from if second.resumed_from is None else behind + second.resumed_from
    return History(epochs, best, resumed_from, first.halved or second.halved)
