"""SQL over the pairs of a rollout: all compared requests, by what both answers mean now, and the labels on them.

Add here a figure of all compared requests, and its field to `Evidence` in `counts.py`. Pairs are read by
`ratchet/storage/rollout/shadow_pairs.py`; what decides is counted by `stream_sql.py`.
"""

from collections.abc import Mapping, Sequence

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
