"""Consensus labels, as SQL: one label for each corrected request.

Add here how several corrections become one label; `ratchet/gates/label_agreement.py` measures how far they agree.
"""

VOTES_SQL = """
SELECT week, request_id, annotator, ts, label, saw_prediction, answer, chosen, drawn,
       CASE WHEN chosen IS DISTINCT FROM 'adjudication' OR answer IS NOT DISTINCT FROM 'withdrawn' THEN NULL
            WHEN voted IS NULL THEN 'other'
            WHEN alone AND ts >= voted + INTERVAL 1 DAY THEN 'self' END AS adjudicates
FROM (SELECT DISTINCT ON (request_id, person) week, request_id, person AS annotator, ts, label, saw_prediction, answer,
             chosen, drawn, voted, alone
      FROM (SELECT *, min(ts) FILTER (chosen IS DISTINCT FROM 'adjudication' AND label IS NOT NULL)
                          OVER (PARTITION BY request_id, person) AS voted,
                   bool_or(coalesce(chosen, 'random') = 'random') OVER (PARTITION BY request_id, person) AS drawn
            FROM attributed_corrections WHERE classifier = $classifier AND week <= $week),
           (SELECT count(DISTINCT person) = 1 AS alone
            FROM (SELECT person, ts > max(ts) OVER () - INTERVAL 28 DAY AS is_recent FROM attributed_corrections
                  WHERE classifier = $classifier AND week <= $week) WHERE is_recent)
      ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC, label)
"""
"""Newest correction of each request by each person: the last one that was journalled or landed, whatever `ts` says.
One that says `none`, `cannot_tell` or `withdrawn` has no label: it takes an earlier label of that person back.

`drawn` is true where any answer of that person was asked for by chance, or has no record of a choice: what they say
later does not undo the draw. `adjudicates` is set where the answer decides the request: `other` of a person who gave it
no label before, `self` of somebody who labels alone (nobody else in the last four weeks of corrections), a day or more
after their own label.

A cycle keeps them as its table `votes`: labels are made of exactly these, and the gates of the data judge exactly
these, though corrections go on arriving.
"""

KEPT_VOTES_SQL = """
SELECT week, request_id, annotator, ts, label, saw_prediction, answer, chosen, drawn, adjudicates FROM votes
WHERE classifier = $classifier AND week BETWEEN $first AND $week ORDER BY week, request_id, annotator
"""
"""Votes that the newest cycle kept, from the week `first` on."""

_CONSENSUS_SQL = """
WITH newest AS (
    SELECT v.*, l.annotator IS NOT NULL AS is_out FROM ({votes}) v LEFT JOIN left_out l
    ON l.classifier = $classifier AND l.week = v.week AND l.annotator = v.annotator
), draws AS (
    SELECT request_id, bool_or(coalesce(drawn, true)) AS drawn FROM newest GROUP BY request_id
), decisions AS (
    SELECT DISTINCT ON (request_id) request_id, label AS decided, adjudicates
    FROM newest WHERE adjudicates IS NOT NULL ORDER BY request_id, ts DESC, annotator
), counted AS (
    SELECT week, request_id, label, count(*) AS votes, bool_or(NOT saw_prediction) AS blind
    FROM newest WHERE label IS NOT NULL AND (NOT is_out OR adjudicates IS NOT NULL) GROUP BY ALL
), ranked AS (
    SELECT *, sum(votes) OVER (PARTITION BY request_id) AS annotators,
           row_number() OVER (PARTITION BY request_id ORDER BY votes DESC, label) AS place,
           count(*) OVER (PARTITION BY request_id, votes) AS tied
    FROM counted
), made AS (
    SELECT week, request_id, CASE WHEN tied = 1 OR adjudicates IS NOT NULL THEN label END AS label,
           CASE WHEN tied = 1 OR adjudicates IS NOT NULL THEN 'consensus' ELSE 'adjudicate' END AS status,
           annotators::INT AS annotators, votes::INT AS votes, votes / annotators AS agreement,
           ((tied = 1 OR adjudicates IS NOT NULL) AND blind) AS blind, adjudicates AS adjudicated
    FROM ranked LEFT JOIN decisions USING (request_id)
    WHERE CASE WHEN adjudicates IS NULL THEN place = 1 ELSE label = decided END
    UNION ALL
    SELECT week, request_id, NULL, 'left_out', count(*)::INT, 0, NULL, false, NULL
    FROM newest ANTI JOIN decisions USING (request_id) WHERE label IS NOT NULL
    GROUP BY week, request_id HAVING bool_and(is_out)
)
SELECT week, request_id, label, status, annotators, votes, agreement, blind, drawn, adjudicated
FROM made JOIN draws USING (request_id) ORDER BY week, request_id
"""
CONSENSUS_SQL = _CONSENSUS_SQL.format(votes=VOTES_SQL)
"""Majority of each request's newest label by each person; a tie has no label; it is kept with status `adjudicate`.

An adjudication decides its request, whatever the others say; one without a label leaves it without one. Where all
labels are of annotators who are left out for the week (`ratchet/gates/adjudication.py`), the status is `left_out`.
`blind` is true when at least one annotator gave the winning label without seeing the prediction. `drawn` is true where
the request may judge: where one of its answers was asked for by chance, or has no record of a choice.
"""

CONSENSUS_OF_VOTES_SQL = _CONSENSUS_SQL.format(votes=KEPT_VOTES_SQL)
"""The same of the votes that a cycle kept."""


COUNTS_SQL = """
SELECT (SELECT count(*) FROM production_logs WHERE classifier = $classifier AND week = $week) AS requests,
       (SELECT count(*) FROM attributed_corrections WHERE classifier = $classifier AND week = $week) AS corrections,
       count(*) FILTER (answer = 'none') AS "none", count(*) FILTER (answer = 'cannot_tell') AS cannot_tell,
       count(*) FILTER (answer = 'withdrawn') AS withdrawn, count(DISTINCT person) AS people
FROM (SELECT DISTINCT ON (request_id, person) answer, person FROM attributed_corrections
      WHERE classifier = $classifier AND week = $week ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC)
"""
"""Numbers of requests and corrections of one week, of people's newest answers in place of a label, and of people."""
