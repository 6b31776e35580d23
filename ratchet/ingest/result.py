"""What became of one file: the value that the command prints and the asset counts.

Add a figure about an intake here; how it comes about is `loader.py` and `landing.py`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class IngestResult:
    """What became of one file: rows accepted, already known, refused; `reasons` counts the refusals."""

    kind: str
    file: str
    accepted: int
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    unknown_labels: dict[str, int] = field(default_factory=dict)
    """The commonest labels for which rows were refused: the classifier lacks them."""
