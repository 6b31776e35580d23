"""SQL of the stream of evidence: the compared requests that count, the votes on them, and what both say.

Add here a count of the stream, and its field to `Evidence`. Membership is `stream.py`; the statements are run by
`ratchet/storage/rollout/evidence_stream.py`, on the connection of a warehouse.
"""

from datetime import UTC

from ratchet.core.sql import literal
from ratchet.data.consensus import VOTES_SQL
from ratchet.rollout.evidence.stream import DROPPED, Stream

FRAME_SQL = f"""
CREATE TEMP TABLE frame AS
SELECT DISTINCT ON (request_id) request_id, ts, coalesce(asked, ts) AS asked, sequence, user_hmac, draw,
       coalesce(other_error = {literal(DROPPED)}, false) AS dropped,
       {{incumbent}} AS incumbent_parts, {{challenger}} AS challenger_parts,
       nfc_normalize(served_label) IS NOT DISTINCT FROM nfc_normalize(other_label) AS same_word,
       {{rate}} AS rate, {{agreements}} AS agreement_rate
FROM all_pairs
WHERE sequence >= $sequence
  AND ((served = $incumbent AND other = $challenger) OR (served = $challenger AND other = $incumbent))
ORDER BY request_id, dropped, ts, sequence
"""
"""Compared requests of the comparison, each once, by its first pair; one that was dropped under load by a later replay,
where there is one. A failed answer has no parts."""

BALLOTS_SQL = f"""
CREATE TEMP TABLE ballots AS
SELECT v.request_id, v.annotator AS person, v.ts, v.adjudicates, coalesce(v.answer = 'cannot_tell', false) AS unsure,
       CASE WHEN v.label IS NOT NULL THEN v.label WHEN v.answer = 'none' THEN '' END AS verdict,
       coalesce({{quarantined}}, false) AS quarantined, coalesce({{one_sided}}, false) AS one_sided, v.drawn
FROM ({VOTES_SQL}) v LEFT JOIN left_out l
  ON l.classifier = $classifier AND l.week = v.week AND l.annotator = v.annotator
WHERE NOT v.saw_prediction AND v.answer IS DISTINCT FROM 'withdrawn' AND (v.label IS NOT NULL OR v.answer IS NOT NULL)
  AND (l.annotator IS NULL OR v.adjudicates IS NOT NULL)
"""
"""Blind votes, each person's newest on each request. An empty verdict is "none of these", NULL is "cannot tell"."""

VERDICTS_SQL = """
CREATE TEMP TABLE verdicts AS
WITH own AS (
    SELECT b.* REPLACE (CASE WHEN b.verdict IN (SELECT label FROM ended_labels) THEN NULL ELSE b.verdict END AS verdict)
    FROM ballots b JOIN frame USING (request_id) WHERE NOT b.quarantined AND ({frame})
), decided AS (
    SELECT DISTINCT ON (request_id) request_id, verdict, person FROM own WHERE adjudicates IS NOT NULL
    ORDER BY request_id, ts DESC, person
), counted AS (
    SELECT request_id, verdict, count(*) AS votes FROM own WHERE verdict IS NOT NULL GROUP BY ALL
), ranked AS (
    SELECT *, sum(votes) OVER (PARTITION BY request_id) AS total,
           lead(votes, 1, 0) OVER (PARTITION BY request_id ORDER BY votes DESC, verdict) AS next,
           row_number() OVER (PARTITION BY request_id ORDER BY votes DESC, verdict) AS place
    FROM counted
)
SELECT request_id, d.person AS decider,
       CASE WHEN d.request_id IS NOT NULL THEN d.verdict WHEN r.votes > r.next AND r.total >= $votes THEN r.verdict END
           AS verdict,
       d.request_id IS NULL AND (r.votes - 1 <= r.next OR r.total - 1 < $votes) AS hangs_on_each,
       u.unsure AND coalesce(r.total, 0) = 0 AS unsure
FROM (SELECT request_id, bool_or(unsure) AS unsure FROM own GROUP BY request_id) u
LEFT JOIN (SELECT * FROM ranked WHERE place = 1) r USING (request_id) LEFT JOIN decided d USING (request_id)
"""
"""Verdict on each request: that of an adjudication, else of the majority of at least `$votes` blind votes; NULL where
there is none. `hangs_on_each` is true where it falls with any one of its votes."""

PLACED_SQL = """
CREATE TEMP TABLE placed AS
WITH own AS (
    SELECT f.*, v.verdict, v.decider, coalesce(v.hangs_on_each, false) AS hangs_on_each,
           coalesce(v.unsure, false) AS unsure,
           NOT dropped AND coalesce(list_has_any(incumbent_parts, challenger_parts) OR
               same_word AND len(incumbent_parts) = 0 AND len(challenger_parts) = 0, false) AS alike
    FROM frame f LEFT JOIN verdicts v USING (request_id) WHERE {member}
), of_users AS (
    SELECT * FROM own QUALIFY user_hmac IS NULL
        OR row_number() OVER (PARTITION BY user_hmac, asked::DATE ORDER BY asked, request_id) = 1
)
SELECT *, row_number() OVER (ORDER BY asked, request_id) AS place FROM of_users
"""
"""Requests of the stream, in the order in which they came: of a user's day the earliest."""

COUNTED_SQL = """
CREATE TEMP TABLE counted AS
WITH banded AS (
    SELECT p.place, unnest(range(len(s.bands))) AS band, unnest(s.bands) AS value
    FROM placed p JOIN text_sketches s ON s.classifier = $classifier AND s.request_id = p.request_id
), repeated AS (
    SELECT DISTINCT place FROM (
        SELECT place, min(place) OVER (PARTITION BY band, value) AS earliest FROM banded) WHERE earliest < place
)
SELECT *, ts <= $ripe AS ripe, NOT alike AND NOT dropped AND verdict IS NOT NULL AS judged,
       judged AND coalesce(list_contains(incumbent_parts, verdict), false) AS lost,
       judged AND coalesce(list_contains(challenger_parts, verdict), false) AS won
FROM placed WHERE place NOT IN (SELECT place FROM repeated)
"""
"""Requests of the stream that count: of near-duplicates the earliest, too. That is settled before anybody looks at an
answer."""

REPEATED_SQL = """
SELECT (SELECT count(*) FROM frame f LEFT JOIN verdicts v USING (request_id) WHERE {member})
           - (SELECT count(*) FROM placed) AS repeated_users,
       (SELECT count(*) FROM placed) - (SELECT count(*) FROM counted) AS repeated_texts
"""
"""Requests of the stream that are left out as further ones of a user's day, and as near-duplicates."""

TOTALS_SQL = """
SELECT count(*) FILTER (ripe) AS compared,
       count(*) FILTER (ripe AND lost) AS losses, count(*) FILTER (ripe AND won) AS wins,
       count(*) FILTER (ripe AND judged AND NOT lost AND NOT won) AS neither,
       count(*) FILTER (ripe AND NOT alike AND NOT judged) AS waiting,
       count(*) FILTER (ripe AND NOT alike AND NOT judged AND NOT dropped AND unsure) AS cannot_tell,
       count(*) FILTER (ripe AND dropped) AS dropped,
       count(*) FILTER (NOT ripe AND NOT alike) AS unripe,
       count(*) FILTER (ripe AND len($labels) > 0 AND NOT list_has_all($labels, list_concat(
           list_concat(incumbent_parts, challenger_parts), CASE WHEN verdict <> '' THEN [verdict] END))) AS relabelled,
       count(*) FILTER (ripe AND alike AND verdict IS NOT NULL AND draw < agreement_rate) AS agreements_labelled,
       count(*) FILTER (ripe AND alike AND draw < agreement_rate AND list_contains(incumbent_parts, verdict))
           AS agreements_right
FROM counted WHERE sequence >= $sequence
"""

BY_LABEL_SQL = """
SELECT label, count(*), count(*) FILTER (lost), count(*) FILTER (won) FROM (
    SELECT CASE WHEN verdict IS NULL AND alike THEN list_intersect(incumbent_parts, challenger_parts)[1]
                ELSE verdict END AS label, lost, won
    FROM counted WHERE ripe AND sequence >= $sequence AND NOT dropped)
WHERE label IS NOT NULL AND label <> '' GROUP BY label ORDER BY label
"""
"""Requests, losses and wins by label: the common answer of an agreement, which needs no label, else the verdict."""

BY_ANSWERS_SQL = """
SELECT incumbent_parts, challenger_parts, lost, won, count(*) FROM counted
WHERE ripe AND judged AND sequence >= $sequence GROUP BY ALL ORDER BY ALL
"""
"""Labelled disagreements by both answers, and by who is right: what a wrong one costs depends on what was answered."""

BY_PERSON_SQL = """
SELECT coalesce(decider, b.person) AS who, count(*) FILTER (lost) AS losses, count(*) FILTER (won) AS wins
FROM counted c LEFT JOIN ballots b
  ON b.request_id = c.request_id AND c.decider IS NULL AND c.hangs_on_each AND b.verdict = c.verdict
WHERE c.ripe AND c.judged AND c.sequence >= $sequence
  AND (c.decider IS NOT NULL OR b.person IS NOT NULL)
GROUP BY who ORDER BY who
"""
"""Losses and wins that fall with one person's votes."""

SELECTION_SQL = """
SELECT count(*) AS compared, count(*) FILTER (NOT alike) AS differing,
       count(*) FILTER (labelled) AS labelled, count(*) FILTER (labelled AND NOT alike) AS labelled_differing
FROM (SELECT NOT dropped AND coalesce(list_has_any(incumbent_parts, challenger_parts), false) AS alike,
             request_id IN (SELECT request_id FROM ballots WHERE drawn AND verdict IS NOT NULL AND NOT quarantined
                            AND NOT one_sided) AS labelled
      FROM frame WHERE NOT dropped)
"""
"""Compared requests and those that got two answers; the same of those that were labelled without a choice of ours."""

TEXTS_SQL = """
SELECT f.request_id, p.text, f.ts FROM frame f JOIN production_logs p ON p.classifier = $classifier
  AND p.request_id = f.request_id
WHERE ({member}) AND f.request_id NOT IN (SELECT request_id FROM text_sketches WHERE classifier = $classifier)
ORDER BY f.ts LIMIT $most
"""
"""Texts of the stream that have no sketch yet."""

TO_LABEL_SQL = """
SELECT c.request_id, CASE WHEN c.verdict IS NULL THEN p.text END FROM counted c JOIN production_logs p
  ON p.classifier = $classifier AND p.request_id = c.request_id
WHERE NOT c.dropped AND (NOT c.alike OR c.draw < c.agreement_rate) ORDER BY hash(c.request_id), c.request_id
"""
"""Requests of the stream that people label: every disagreement, and the random agreements; with the text of those that
lack a verdict."""


PACE_SQL = """
SELECT count(*) AS votes, min(ts) AS first FROM ballots WHERE ts > $since AND ts <= $now
"""
"""Blind votes of the last four weeks, on whatever was asked."""


def rate_sql(stream: Stream, field: str) -> str:
    """Return SQL for the rate (`requests` or `agreements`) in force when a pair was landed."""
    cases = "".join(
        f" WHEN ts >= TIMESTAMPTZ {literal(rate.since.astimezone(UTC).isoformat())} THEN {getattr(rate, field)!r}"
        for rate in reversed(stream.rates[1:])
    )
    first = repr(getattr(stream.rates[0], field)) if stream.rates else "0.0"
    return f"(CASE{cases} ELSE {first} END)::DOUBLE" if cases else f"{first}::DOUBLE"
