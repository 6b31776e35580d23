"""Consensus labels, as SQL: one label for each corrected request.

Add here how several corrections become one label; `ratchet/gates/label_agreement.py` measures how far they agree.
"""

VOTES_SQL = """
SELECT DISTINCT ON (request_id, person) week, request_id, person AS annotator, ts, label, saw_prediction
FROM attributed_corrections WHERE classifier = $classifier AND week <= $week
ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC, label
"""
"""Newest correction of each request by each person: the last one that was journalled or landed, whatever `ts` says.
One that says `none`, `cannot_tell` or `withdrawn` has no label: it takes an earlier label of that person back.

A cycle keeps them as its table `votes`: labels are made of exactly these, and the gates of the data judge exactly
these, though corrections go on arriving.
"""

KEPT_VOTES_SQL = """
SELECT week, request_id, annotator, ts, label, saw_prediction FROM votes
WHERE classifier = $classifier AND week BETWEEN $first AND $week ORDER BY week, request_id, annotator
"""
"""Votes that the newest cycle kept, from the week `first` on."""

_CONSENSUS_SQL = """
WITH newest AS ({votes}), counted AS (
    SELECT week, request_id, label, count(*) AS votes, bool_or(NOT saw_prediction) AS blind
    FROM newest WHERE label IS NOT NULL GROUP BY ALL
), ranked AS (
    SELECT *, sum(votes) OVER (PARTITION BY request_id) AS annotators,
           row_number() OVER (PARTITION BY request_id ORDER BY votes DESC, label) AS place,
           count(*) OVER (PARTITION BY request_id, votes) AS tied
    FROM counted
)
SELECT week, request_id, CASE WHEN tied = 1 THEN label END AS label,
       CASE WHEN tied = 1 THEN 'consensus' ELSE 'adjudicate' END AS status,
       annotators::INT AS annotators, votes::INT AS votes, votes / annotators AS agreement,
       (tied = 1 AND blind) AS blind
FROM ranked WHERE place = 1 ORDER BY week, request_id
"""
CONSENSUS_SQL = _CONSENSUS_SQL.format(votes=VOTES_SQL)
"""Majority of each request's newest label by each person; a tie has no label; it is kept with status `adjudicate`.

`blind` is true when at least one annotator gave the winning label without seeing the prediction.
"""

CONSENSUS_OF_VOTES_SQL = _CONSENSUS_SQL.format(votes=KEPT_VOTES_SQL)
"""The same of the votes that a cycle kept."""


COUNTS_SQL = """
SELECT (SELECT count(*) FROM production_logs WHERE classifier = $classifier AND week = $week) AS requests,
       (SELECT count(*) FROM attributed_corrections WHERE classifier = $classifier AND week = $week) AS corrections,
       count(*) FILTER (answer = 'none') AS "none", count(*) FILTER (answer = 'cannot_tell') AS cannot_tell,
       count(*) FILTER (answer = 'withdrawn') AS withdrawn
FROM (SELECT DISTINCT ON (request_id, person) answer FROM attributed_corrections
      WHERE classifier = $classifier AND week = $week ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC)
"""
"""Numbers of requests and corrections of one week, and of people's newest answers in place of a label."""
