"""Shadow evidence: counts of two adapters' answers to the same requests, and of the labels that people gave since.

Add a count here, to `Evidence` and to the query. The pairs of a home are read by
`ratchet/storage/rollout/shadow_pairs.py`; decisions from the counts are made in `decision.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ratchet.core.sql import literal
from ratchet.data.consensus import VOTES_SQL

Meanings = Mapping[str, Sequence[str]]
"""Labels of an adapter, and what each is called now: one label, several of one that was split, none of a retired one.
A label that is not named stands for itself."""

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
    "draw": "DOUBLE",
    "user_hmac": "VARCHAR",
    "asked": "TIMESTAMPTZ",
}
"""One request and both answers. `sequence` is the ledger entry that was in force; `served` is the digest whose answer
the user saw, `other` the one that answered in the shadow; `*_ms` is the model's processor time for the text, `*_batch`
the number of texts in its batch; `other_error` names a failure to answer, or that the
work was dropped under load. `draw` is the keyed hash of the request id, 0..1; `user_hmac` stands for the user of that
classifier, NULL where the client named none; `asked` is the time of a request that was replayed, `ts` that of its pair.
Pairs of before have none of these three."""


@dataclass(frozen=True)
class Evidence:
    """Counts over the requests that two adapters answered: the incumbent (live) and the challenger (the candidate).

    While a newly promoted adapter is watched, the incumbent is the previous live adapter and the challenger is live.
    """

    requests: int = 0
    errors: int = 0
    """Requests that the challenger failed to answer."""
    disagreements: int = 0
    """Requests with answers that mean different labels."""
    answered: int = 0
    """Requests whose user saw the challenger's answer."""
    labelled: int = 0
    """Requests with a blind consensus label."""
    only_incumbent: int = 0
    """Labelled requests that only the incumbent answered correctly."""
    only_challenger: int = 0
    incumbent_p95_ms: float | None = None
    challenger_p95_ms: float | None = None
    timed: int = 0
    """Requests that both answered in like batches, with the processor time of each."""
    slower: int = 0
    """Timed pairs on which the challenger took over the largest allowed ratio of the incumbent's time."""
    median_time_ratio: float | None = None
    """Median of the challenger's time over the incumbent's, on the same request; text lengths cancel."""
    stalls: int = 0
    """Timed pairs on which the challenger alone stalled (`timed_pairs.py`)."""
    live_stalls: int = 0
    by_label: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each consensus label: labelled, only_incumbent, only_challenger."""
    quarantined: int = 0
    """Requests with a blind consensus label of a quarantined week, which counts nowhere else."""
    one_sided: int = 0
    """Requests with a blind consensus label of a week whose labels hardly ever confirm what was served: they were
    labelled for being wrong, and count nowhere else."""
    confirming: int = 0
    """Those of `one_sided` whose label confirms what was served."""
    daily_labels: float | None = None
    """Blind labels a day that could count, over the last four weeks of all requests; None where nobody measured."""
    renamed: int = 0
    """Requests with answers of different names that mean one label, or of which one covers the other since it was
    split."""
    people: int = 0
    """People whose blind votes the labels are made of: by person, however many names they write under."""
    compared: int = 0
    """Requests of the evidence stream that are ripe, one of each group of near-duplicates and of each user and day."""
    losses: int = 0
    """Labelled disagreements among them where only the incumbent is right."""
    wins: int = 0
    """Labelled disagreements where only the challenger is right."""
    neither: int = 0
    """Labelled disagreements where both are wrong, "none of these" included."""
    waiting: int = 0
    """Disagreements without a usable vote: losses for the climb, wins for the way back."""
    cannot_tell: int = 0
    """Those of `waiting` with the vote "cannot tell"."""
    unripe: int = 0
    """Disagreements that are too young to count."""
    stream_disagreements: int = 0
    """Disagreements among `compared`: losses, wins, neither and waiting."""
    by_label_counts: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each label: compared, losses, wins."""
    by_person: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """For each person: losses and wins that rest on their votes."""
    labelled_share_of_differences: float | None = None
    """Share of the labelled requests whose answers differ; None where nobody counted."""
    selection_p: float | None = None
    """Exact chance that labelled requests drawn like all compared ones differ so much or so little from them."""
    drawn: bool = False
    """True where the compared requests were drawn by us, before anybody looked at the answers."""
    digests: int = 0
    """Different adapters that were compared; 0 where nobody counted."""
    pace_labels_per_day: float | None = None
    """Labels on disagreements a day, over the last four weeks; None where nobody measured."""
    dropped: int = 0
    """Requests of the stream whose second answer was dropped under load; they are among `waiting`."""
    relabelled: int = 0
    """Requests of the stream with an answer or a label that the list of now lacks, and that no rule explains."""
    repeated_users: int = 0
    """Drawn requests of a user who had asked earlier that day; they count nowhere in the stream."""
    repeated_texts: int = 0
    """Drawn requests that are near-duplicates of an earlier one; they count nowhere in the stream."""
    agreements_labelled: int = 0
    """Requests with one answer that were drawn to be labelled, and have a verdict."""
    agreements_right: int = 0
    """Those of them on which both are right."""
    cost_rises: tuple[tuple[float, int], ...] = ()
    """For each rise of cost from live's answer to the candidate's: the labelled disagreements of the stream with it."""
    largest_cost: float = 0.0
    """Largest `cost_wrong` of a label, which bounds a rise."""

    def __post_init__(self) -> None:
        parts = (self.errors, self.disagreements, self.answered, self.labelled, self.quarantined, self.one_sided)
        if min(self.requests, self.only_incumbent, self.only_challenger, *parts) < 0 or max(parts) > self.requests:
            raise ValueError(f"the counts contradict each other: {self}")
        if max(self.slower, self.stalls + self.live_stalls) > self.timed or self.timed > self.requests:
            raise ValueError(f"more pairs were slow than timed: {self}")
        if not 0 <= self.confirming <= self.one_sided:
            raise ValueError(f"more labels confirm than were left out: {self}")
        if self.only_incumbent + self.only_challenger > self.labelled:
            raise ValueError(f"more requests were decided than labelled: {self}")
        stream = (self.losses, self.wins, self.neither, self.waiting)
        if min(*stream, self.cannot_tell, self.unripe, self.stream_disagreements, self.digests) < 0:
            raise ValueError(f"the counts contradict each other: {self}")
        if max(sum(stream), self.stream_disagreements) > self.compared or self.cannot_tell > self.waiting:
            raise ValueError(f"more requests were decided than compared: {self}")

    def as_json(self) -> dict[str, Any]:
        """The counts as JSON types: as whoever reads the entry of the ledger gets them, people by number."""
        result: dict[str, Any] = _listed(asdict(self))
        # an entry is kept for ever, and leaving out any one person needs no name
        result["by_person"] = {str(n): counts for n, counts in enumerate(sorted(result["by_person"].values()), 1)}
        return result


def _listed(value: Any) -> Any:
    """Return a value with lists in place of tuples."""
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, list | tuple) else value


PAIRS_SQL = """
CREATE TEMP TABLE pairs AS
SELECT DISTINCT ON (request_id) request_id, served = $challenger AS answered, other_error,
       {served} AS served_parts,
       (served_batch = other_batch OR greatest(served_batch, other_batch) <= 2) AS timed,
       {incumbent} AS incumbent_parts, {challenger} AS challenger_parts,
       nfc_normalize(served_label) <> nfc_normalize(other_label) AS differ,
       CASE WHEN served = $incumbent THEN served_ms ELSE other_ms END AS incumbent_ms,
       CASE WHEN served = $incumbent THEN other_ms ELSE served_ms END AS challenger_ms
FROM all_pairs
WHERE other_error IS DISTINCT FROM 'dropped' AND sequence >= $sequence
  AND ((served = $incumbent AND other = $challenger) OR (served = $challenger AND other = $incumbent))
ORDER BY request_id, sequence DESC, ts
"""
"""The compared requests, each once, by role: one that was sent again counts as answered under the newest entry.

Labels are compared as what they are called now, in the one form of `ratchet/core/label_names.py`: a renamed label is
no disagreement. One that was split covers its parts, so that the two are compared by what both can say.
"""


_BY_SIDE = "CASE WHEN served = $incumbent THEN {} ELSE {} END"


def pairs_sql(incumbent: Meanings, challenger: Meanings) -> str:
    """Return `PAIRS_SQL` for two adapters, by what their labels mean."""
    served = [_parts_sql("nfc_normalize(served_label)", means) for means in (incumbent, challenger)]
    of_incumbent, of_challenger = parts_sql(incumbent, challenger)
    return PAIRS_SQL.format(served=_BY_SIDE.format(*served), incumbent=of_incumbent, challenger=of_challenger)


def parts_sql(incumbent: Meanings, challenger: Meanings) -> tuple[str, str]:
    """Return SQL for the labels of now that live's answer of a pair and the candidate's stand for."""
    by_incumbent, by_challenger = (
        [_parts_sql(f"nfc_normalize({column})", means) for column in ("served_label", "other_label")]
        for means in (incumbent, challenger)
    )
    return _BY_SIDE.format(*by_incumbent), _BY_SIDE.format(by_challenger[1], by_challenger[0])


def _parts_sql(label: str, means: Meanings) -> str:
    """Return SQL for the labels of now that a label stands for: a list, NULL for no answer."""
    others = {name: parts for name, parts in means.items() if [*parts] != [name]}
    mapped = "".join(
        f" WHEN {label} = {literal(name)} THEN [{', '.join(map(literal, parts))}]::VARCHAR[]"
        for name, parts in others.items()
    )
    return f"CASE WHEN {label} IS NULL THEN NULL{mapped} ELSE [{label}] END"


# Shadow texts go one or two at a time and live ones in larger batches when many come: only texts of like batches are
# timed.
COUNTS_SQL = """
SELECT count(*) AS requests,
       count(*) FILTER (other_error IS NOT NULL AND NOT answered) AS errors,
       count(*) FILTER (other_error IS NULL AND NOT list_has_any(incumbent_parts, challenger_parts)
                        AND len(incumbent_parts) > 0 AND len(challenger_parts) > 0) AS disagreements,
       count(*) FILTER (other_error IS NULL AND differ AND list_has_any(incumbent_parts, challenger_parts)) AS renamed,
       count(*) FILTER (answered) AS answered,
       quantile_cont(incumbent_ms, 0.95) FILTER (timed AND isfinite(incumbent_ms)) AS incumbent_p95_ms,
       quantile_cont(challenger_ms, 0.95) FILTER (timed AND isfinite(challenger_ms)) AS challenger_p95_ms
FROM pairs
"""

LABELLED_SQL = """
SELECT truth.label, count(*) AS labelled,
       count(*) FILTER (list_contains(incumbent_parts, truth.label) AND NOT same
                        AND NOT coalesce(list_contains(challenger_parts, truth.label), false)) AS only_incumbent,
       count(*) FILTER (list_contains(challenger_parts, truth.label) AND NOT same
                        AND NOT coalesce(list_contains(incumbent_parts, truth.label), false)) AS only_challenger
FROM (SELECT *, coalesce(list_has_any(incumbent_parts, challenger_parts), false) AS same FROM pairs)
JOIN truth USING (request_id)
WHERE truth.blind AND truth.drawn AND NOT truth.quarantined AND NOT truth.one_sided
GROUP BY truth.label ORDER BY truth.label
"""
"""Labelled requests by label. `truth` is the consensus of each request's corrections (`consensus.CONSENSUS_SQL`); a
failure to answer counts as a wrong answer. Votes of a quarantined or one-sided week do not count, nor do requests that
the review queue chose for their value."""

PEOPLE_SQL = f"""
SELECT count(DISTINCT newest.annotator) FROM ({VOTES_SQL}) newest JOIN pairs USING (request_id)
JOIN truth USING (request_id) WHERE newest.label IS NOT NULL AND NOT newest.saw_prediction
  AND truth.blind AND truth.drawn AND NOT truth.quarantined AND NOT truth.one_sided
"""
"""People whose newest word on a counted request is a blind label: one who took it back is not among them."""

SELECTED_SQL = """
SELECT coalesce(truth.one_sided, false), count(*), count(*) FILTER (list_contains(pairs.served_parts, truth.label))
FROM pairs JOIN truth USING (request_id) WHERE truth.blind AND truth.drawn AND NOT truth.quarantined GROUP BY ALL
"""
"""Labelled requests of one-sided weeks and of others, and how many labels of each confirm what the user saw."""

DAILY_SQL = """
SELECT count(*) FILTER (truth.blind AND truth.drawn AND NOT truth.quarantined AND NOT truth.one_sided) AS labels,
       min(ts) AS first
FROM production_logs LEFT JOIN truth USING (request_id)
WHERE classifier = $classifier AND ts >= $now - INTERVAL 28 DAY AND ts < $now
"""
"""Labels of the last four weeks that could count, and the first request in that time."""

QUARANTINED_SQL = """
SELECT count(*) FROM pairs JOIN truth USING (request_id) WHERE truth.blind AND truth.drawn AND truth.quarantined
"""
"""Requests whose label is of a quarantined week."""
