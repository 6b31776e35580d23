"""Result of ingesting one file: the command prints it and the asset counts it.

Add a figure here; it is computed in `loader.py` and `landing.py`.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class IngestResult:
    """Rows of one file that were accepted, already known, and rejected; `reasons` counts the rejected ones."""

    kind: str
    file: str
    accepted: int
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    unknown_labels: dict[str, int] = field(default_factory=dict)
    """The most frequent labels that the classifier does not have, with the number of rows rejected for each."""
    nulled: dict[str, int] = field(default_factory=dict)
    """Values that the accepted rows were taken without, by reason: a row may lack them."""
    encoding: str = ""
    """Encoding in which a text file was read that is not UTF-8 and does not say which it is."""
