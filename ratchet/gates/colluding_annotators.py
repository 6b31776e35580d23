"""Gate `colluding_annotators`: no two people may call one label by another where their colleagues do not.

Add here how camps are judged; they are found in `ratchet/metrics/annotator_camps.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.verdict import Verdict
from ratchet.metrics.annotator_camps import LEAST_PEOPLE, CampMember, CrossedLabels, find_camps

COLLUSION_RULE = 1
"""Revision of the rule, which its evidence names."""
VOTES_OF_SEVERAL_SQL = """
SELECT request_id, annotator, label FROM votes v
WHERE classifier = $classifier AND week BETWEEN $first AND $week AND label IS NOT NULL AND adjudicates IS NULL
  AND request_id NOT IN (SELECT request_id FROM votes WHERE classifier = $classifier AND adjudicates IS NOT NULL)
  AND request_id IN (SELECT request_id FROM votes WHERE classifier = $classifier AND label IS NOT NULL
                     GROUP BY request_id HAVING count(DISTINCT annotator) > 1)
  AND request_id IN (SELECT request_id FROM votes WHERE classifier = $classifier AND coalesce(drawn, true))
ORDER BY request_id, annotator
"""
"""Votes of the look-back window on drawn requests that several people labelled and nobody decided yet."""
_ALPHA = 0.002
"""Chance of a camp among honest people."""
_LEAST = 6


def decide_collusion(found: CrossedLabels) -> Verdict:
    """Decide whether people differ together in one direction.

    Two or more who say one label where others say another fail: where they meet they outvote whoever is right. One
    alone warns: a third vote, or an adjudication, outvotes that person.
    """
    return decide_from_evidence(
        {
            "rule": COLLUSION_RULE,
            "people": len(found.names),
            "alpha": _ALPHA,
            "least": _LEAST,
            "crossings": [[*key, n] for key, n in sorted(found.crossings.items())],
            "agreed": [[*key, n] for key, n in sorted(found.agreed.items())],
        }
    )


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    if evidence["rule"] != COLLUSION_RULE:
        raise KeyError(f"rule {COLLUSION_RULE}")
    kept = {key: evidence[key] for key in ("rule", "people", "alpha", "least", "crossings", "agreed")}
    people = kept["people"]
    if people < LEAST_PEOPLE:
        few = f"Passes: {people} people labelled requests of each other, and two who agree need a third to outvote."
        return Verdict("passed", few, kept)
    crossings = {(i, j, own, other): n for i, j, own, other, n in kept["crossings"]}
    camps = find_camps(crossings, people, kept["alpha"], kept["least"])
    together = _count_together(camps, kept["agreed"])
    found = {**kept, "camps": [member.as_json() for member in camps], "together": together}
    if not camps:
        return Verdict("passed", f"Passes: none of {people} people calls one label by another on their own.", found)
    named = "; ".join(map(_describe, camps))
    if together:
        pairs = "; ".join(f"{i + 1} and {j + 1} agree on it against a third {n} times" for i, j, _, _, n in together)
        return Verdict(
            "failed",
            f"Fails: {named}; {pairs}. Suspend whoever acts against the guide, or adjudicate these requests.",
            found,
        )
    return Verdict("warned", f"Warns: {named}. A third vote on these requests, or an adjudication, settles it.", found)


def _describe(member: CampMember) -> str:
    return (
        f"annotator {member.person + 1} says {member.own} where others say {member.other} ({member.toward} requests,"
        f" {member.back} the other way round)"
    )


def _count_together(camps: Sequence[CampMember], agreed: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Return [i, j, own, other, n] of each two of one camp: requests on which they agree against a third."""
    counts = {(i, j, own, other): n for i, j, own, other, n in agreed}
    result = []
    for place, first in enumerate(camps):
        for second in camps[place + 1 :]:
            if (first.own, first.other) == (second.own, second.other):
                i, j = sorted((first.person, second.person))
                result.append([i, j, first.own, first.other, counts.get((i, j, first.own, first.other), 0)])
    return result
