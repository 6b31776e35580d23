"""Two paths to an answer: edge, which gives a label alone, and calibrated, which labels of high stakes always reach.

Live, candidate and shadow use the same paths, so that a pair compares what users got with what they would have got. Add
here how a path is asked; which labels need the calibrated path is in `ratchet/deployment/serving_paths.py`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.serving.batch_jobs import BatchAnswers
from gateway.serving.loading import Answering, export_kind_of
from gateway.serving.slots import SlotChoice
from ratchet.deployment.serving_paths import Path, stands_alone

AskBatcher = Callable[[Answering, Sequence[str]], Awaitable[BatchAnswers | None]]
"""Function that asks an adapter or export; returns None if a shadow's texts were dropped."""


@dataclass(frozen=True)
class PathAnswer:
    """Answer for one text."""

    label: str
    confidence: float | None
    """Calibrated probability of the label; None on the edge path."""
    probabilities: Mapping[str, float]
    """Calibrated probability of every label; empty on the edge path."""
    seconds: float
    """Processor seconds for the text, over both paths if it took both."""
    together: int
    """Number of texts in its last batch."""
    path: Path = "calibrated"
    runtime: str = "in_process"


async def ask_paths(ask: AskBatcher, choice: SlotChoice, texts: Sequence[str]) -> list[PathAnswer] | None:
    """Return the answer for each text: the edge's label where that is enough, else the calibrated answer."""
    if choice.edge is None:
        return await ask_calibrated(ask, choice, texts)
    first = await ask(choice.edge, texts)
    if first is None:
        return None
    runtime = export_kind_of(choice.edge) or "in_process"
    answers = [PathAnswer(label, None, {}, first.seconds, first.together, "edge", runtime) for label in first.labels]
    rest = [index for index, answer in enumerate(answers) if not stands_alone(choice.spec, answer.label)]
    second = await ask_calibrated(ask, choice, [texts[index] for index in rest], first.seconds) if rest else []
    if second is None:
        return None
    for index, answer in zip(rest, second, strict=True):
        answers[index] = answer
    return answers


async def ask_calibrated(
    ask: AskBatcher, choice: SlotChoice, texts: Sequence[str], seconds: float = 0.0
) -> list[PathAnswer] | None:
    """Return the calibrated path's answer for each text, which took `seconds` before."""
    batch = await ask(choice.predictor, texts)
    if batch is None:
        return None
    unknown = dict.fromkeys(choice.spec.labels, 0.0)  # labels that are newer than the adapter
    runtime = export_kind_of(choice.predictor) or "in_process"
    return [
        PathAnswer(
            label,
            float(confidence),
            {**unknown, **dict(zip(choice.predictor.labels, map(float, row), strict=True))},
            batch.seconds + seconds,
            batch.together,
            "calibrated",
            runtime,
        )
        for label, confidence, row in zip(batch.labels, batch.confidence, batch.probabilities, strict=True)
    ]
