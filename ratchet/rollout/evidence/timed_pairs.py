"""Timed pairs: requests that two models answered in like batches, and those of them on which one was slow.

Add here another count of processor time. The decisions on them are in `guardrails/latency.py`, the pairs are made by
`pairs_sql.py`.
"""

STALLED = 5.0
"""A model stalls on a request where it takes this many times its usual part of the other's time: far from noise."""

TIMES_SQL = f"""
WITH times AS (
    SELECT challenger_ms / incumbent_ms AS ratio FROM pairs
    WHERE timed AND other_error IS NULL AND isfinite(incumbent_ms) AND isfinite(challenger_ms)
      AND incumbent_ms > 0 AND challenger_ms > 0
)
SELECT count(*) AS timed, count(*) FILTER (ratio > $slower) AS slower, median(ratio) AS median_time_ratio,
       count(*) FILTER (ratio > {STALLED} * usual) AS stalls, count(*) FILTER (ratio < usual / {STALLED}) AS live_stalls
FROM times, (SELECT median(ratio) AS usual FROM times)
"""
"""Timed pairs, and those that are slow. Both models are timed on the same request: what makes it long cancels."""
