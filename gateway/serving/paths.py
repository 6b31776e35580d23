"""The two paths of an answer: an edge that says a label alone, and the calibrated one, which high stakes always reach.

Live, candidate and shadow go the same way, so that a pair compares what users got with what they would have got. Add
here how a path is asked; which labels need the calibrated one is `ratchet/deployment/serving_paths.py`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.serving.batching import BatchAnswers
from gateway.serving.loading import Answering, export_kind_of
from gateway.serving.slots import SlotChoice
from ratchet.deployment.serving_paths import Path, stands_alone

AskBatcher = Callable[[Answering, Sequence[str]], Awaitable[BatchAnswers | None]]
"""Asks an adapter or an export; None when a shadow's texts were dropped."""


@dataclass(frozen=True)
class PathAnswer:
    """What was said of one text."""

    label: str
    confidence: float | None
    """None where the label alone was said."""
    probabilities: Mapping[str, float]
    """Calibrated; empty where the label alone was said."""
    seconds: float
    """Processor time for the text, on both paths where it went both."""
    together: int
    """How many texts were in its last batch."""
    path: Path = "calibrated"
    runtime: str = "in_process"


async def ask_paths(ask: AskBatcher, choice: SlotChoice, texts: Sequence[str]) -> list[PathAnswer] | None:
    """What `choice` says of each text: the edge's label where that is enough, else the calibrated answer."""
    if choice.edge is None:
        return await ask_calibrated(ask, choice, texts)
    first = await ask(choice.edge, texts)
    if first is None:
        return None
    runtime = export_kind_of(choice.edge) or "in_process"
    said = [PathAnswer(label, None, {}, first.seconds, first.together, "edge", runtime) for label in first.labels]
    on = [index for index, result in enumerate(said) if not stands_alone(choice.spec, result.label)]
    second = await ask_calibrated(ask, choice, [texts[index] for index in on], first.seconds) if on else []
    if second is None:
        return None
    for index, result in zip(on, second, strict=True):
        said[index] = result
    return said


async def ask_calibrated(
    ask: AskBatcher, choice: SlotChoice, texts: Sequence[str], seconds: float = 0.0
) -> list[PathAnswer] | None:
    """What the calibrated path says of each text, which took `seconds` already."""
    result = await ask(choice.predictor, texts)
    if result is None:
        return None
    unknown = dict.fromkeys(choice.spec.labels, 0.0)  # labels that are newer than the adapter
    runtime = export_kind_of(choice.predictor) or "in_process"
    return [
        PathAnswer(
            label,
            float(confidence),
            {**unknown, **dict(zip(choice.predictor.labels, map(float, row), strict=True))},
            result.seconds + seconds,
            result.together,
            "calibrated",
            runtime,
        )
        for label, confidence, row in zip(result.labels, result.confidence, result.probabilities, strict=True)
    ]
