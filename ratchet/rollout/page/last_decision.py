"""The decision that the promoter remembered, read with care: the file is expendable and not signed.

Add a field here that the page or the metrics read. The file is written by `ratchet/workflows/rollout/advance.py`, the
decision made in `ratchet/rollout/decision.py`.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar, cast

from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.guardrail import Guardrail

T = TypeVar("T")
_LARGEST = 1e6


@dataclass(frozen=True)
class LastDecision:
    """The newest decision, and the ledger entry after which it was made."""

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
                if figure is not None and not abs(figure) < _LARGEST:  # nor NaN
                    raise ValueError(f"{guardrail.name[:40]!r} holds {figure}, which is not a figure")


def read_last_decision(document: Any) -> LastDecision | None:
    """Return the decision of a decoded `rollout.json`; None for any other content, also of versions without numbers."""
    return _read(LastDecision, document)


def read_evidence(document: Any) -> Evidence | None:
    """Return the counts of a decoded document, as `Evidence.as_json` writes them; None for anything else."""
    return _read(Evidence, document)


def _read(kind: type[T], document: Any) -> T | None:
    from pydantic import ValidationError

    try:
        return cast(T, _reader_of(kind).validate_python(document))  # type: ignore[arg-type] # a class can be hashed
    except ValidationError:
        return None


@cache
def _reader_of(kind: type[Any]) -> Any:
    """Return what reads one kind; to make it takes longer than to read a document, and a home page reads many."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
