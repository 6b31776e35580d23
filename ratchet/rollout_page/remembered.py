"""The decision that the promoter remembered, read with care: the file is expendable, and nothing vouches for it.

Add here what the page or the metrics read of it. What is written is `ratchet/stores/promoter.py`, what is decided
`ratchet/promotion.py`.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ratchet.guardrails import Guardrail
from ratchet.shadow import Evidence


@dataclass(frozen=True)
class Remembered:
    """The newest decision, and the ledger entry after which it was taken."""

    at: str
    sequence: int
    action: str
    sentence: str
    state: str
    guardrails: tuple[Guardrail, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for guardrail in self.guardrails:
            for figure in (guardrail.value, guardrail.low, guardrail.high, guardrail.limit):
                if figure is not None and not math.isfinite(figure):
                    raise ValueError(f"{guardrail.name[:40]!r} holds {figure}, which is no figure")

    def count(self, part: str) -> Evidence | None:
        """The counts of one part, `whole` or `step`; None where there are none that can be."""
        return _read(Evidence, self.figures.get(part))


def read_remembered(document: Any) -> Remembered | None:
    """The decision of a decoded `rollout.json`; None for anything that a promoter would not write, or wrote before it numbered."""
    return _read(Remembered, document)


def _read(kind: Any, document: Any) -> Any:
    from pydantic import ValidationError

    try:
        return _adapter(kind).validate_python(document)
    except ValidationError:
        return None


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
