"""Repeats: drawn requests that do not count beside an earlier one, pointed out where they are most of the stream.

Add here another reason for which most of a stream may be left out; what is left out is decided in `stream_sql.py`.
"""

from ratchet.rollout.evidence.counts import Evidence

_MANY, _TIMES = 100, 3


def describe_repeats(evidence: Evidence) -> str:
    """Return the remark on requests that are left out; empty where most of the stream counts."""
    users, texts = evidence.repeated_users, evidence.repeated_texts
    if users + texts < max(_MANY, _TIMES * evidence.compared):
        return ""
    if users >= texts:
        hint = "user_id must name the end user, not the application"
        return f"{users:,} drawn requests are further ones of a user's day and do not count; {hint}."
    return f"{texts:,} drawn requests are near-duplicates of earlier ones and do not count."
