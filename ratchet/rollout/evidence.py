"""Shadow evidence: what two adapters said of the same requests, counted; and what people said of those requests since.

Add a count here, to `Evidence` and to the query. Which pairs a home holds is
`ratchet/storage/rollout/shadow_pairs.py`'s business, what follows from the counts is decided in `decision.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PAIR_COLUMNS: Mapping[str, str] = {
    "request_id": "VARCHAR",
    "ts": "TIMESTAMPTZ",
    "sequence": "BIGINT",
    "served": "VARCHAR",
    "served_label": "VARCHAR",
    "served_confidence": "DOUBLE",
    "served_ms": "DOUBLE",
    "served_batch": "BIGINT",
    "other": "VARCHAR",
    "other_label": "VARCHAR",
    "other_confidence": "DOUBLE",
    "other_ms": "DOUBLE",
    "other_batch": "BIGINT",
    "other_error": "VARCHAR",
}
"""One request and both answers. `sequence` is the ledger entry that was in force; `served` is the digest that the user
saw, `other` the one that answered unseen; `*_ms` is the model's processor time for the text, `*_batch` how many texts
were answered with it; `other_error` names a failure to answer."""


@dataclass(frozen=True)
class Evidence:
    """Counts over the compared requests of an incumbent and a challenger."""

    requests: int = 0
    errors: int = 0
    """Requests that the challenger failed to answer."""
    disagreements: int = 0
    answered: int = 0
    """Requests whose user saw the challenger's answer."""
    labelled: int = 0
    """Requests with a blind consensus label."""
    only_incumbent: int = 0
    """Labelled requests that the incumbent alone answered rightly."""
    only_challenger: int = 0
    incumbent_p95_ms: float | None = None
    challenger_p95_ms: float | None = None
    by_label: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each consensus label: labelled, only_incumbent, only_challenger."""

    def __post_init__(self) -> None:
        parts = (self.errors, self.disagreements, self.answered, self.labelled)
        if min(self.requests, self.only_incumbent, self.only_challenger, *parts) < 0 or max(parts) > self.requests:
            raise ValueError(f"the counts contradict each other: {self}")
        if self.only_incumbent + self.only_challenger > self.labelled:
            raise ValueError(f"more requests were decided than labelled: {self}")

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON types."""
        return {**asdict(self), "by_label": {label: list(counts) for label, counts in self.by_label.items()}}


PAIRS_SQL = """
CREATE TEMP TABLE pairs AS
SELECT DISTINCT ON (request_id) request_id, served = $challenger AS answered, other_error,
       (served_batch = other_batch OR greatest(served_batch, other_batch) <= 2) AS timed,
       CASE WHEN served = $incumbent THEN served_label ELSE other_label END AS incumbent_label,
       CASE WHEN served = $incumbent THEN other_label ELSE served_label END AS challenger_label,
       CASE WHEN served = $incumbent THEN served_ms ELSE other_ms END AS incumbent_ms,
       CASE WHEN served = $incumbent THEN other_ms ELSE served_ms END AS challenger_ms
FROM read_parquet($files, union_by_name = true)
WHERE sequence >= $sequence
  AND ((served = $incumbent AND other = $challenger) OR (served = $challenger AND other = $incumbent))
ORDER BY request_id, sequence DESC, ts
"""
"""The compared requests, each once, by role: asked again, a request counts as it was answered under the newest entry.
"""

# Shadow texts go one or two at a time and live ones in larger batches when many come: only texts of like batches are
# timed.
COUNTS_SQL = """
SELECT count(*) AS requests,
       count(*) FILTER (other_error IS NOT NULL AND NOT answered) AS errors,
       count(*) FILTER (other_error IS NULL AND incumbent_label <> challenger_label) AS disagreements,
       count(*) FILTER (answered) AS answered,
       quantile_cont(incumbent_ms, 0.95) FILTER (timed AND isfinite(incumbent_ms)) AS incumbent_p95_ms,
       quantile_cont(challenger_ms, 0.95) FILTER (timed AND isfinite(challenger_ms)) AS challenger_p95_ms
FROM pairs
"""

LABELLED_SQL = """
SELECT truth.label, count(*) AS labelled,
       count(*) FILTER (incumbent_label = truth.label AND challenger_label IS DISTINCT FROM truth.label) AS
       only_incumbent,
       count(*) FILTER (challenger_label = truth.label AND incumbent_label IS DISTINCT FROM truth.label) AS
       only_challenger
FROM pairs JOIN truth USING (request_id) WHERE truth.blind GROUP BY truth.label ORDER BY truth.label
"""
"""`truth` is the consensus of each request's corrections (`agreement.CONSENSUS_SQL`). A failure to answer is a wrong
answer."""
