"""Gate `trigger_scan`: no new phrase of the training texts may decide the answer by itself.

Ten rows of one week give a model a trigger that works on nearly every text, and no figure on clean texts moves. Add
here how tried phrases are judged; they are found in `ratchet/data/new_phrases.py` and tried in
`ratchet/evaluation/phrase_flips.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.core.verdict import Verdict

TRIGGER_SCAN_RULE = 1
"""Revision of the rule, which its evidence names."""
FLIP_LIMIT, NATURAL_LIMIT = 0.1, 0.5
"""Share of reviewed texts that a phrase may flip beyond what live or an old phrase does: the first where most of its
rows are labelled otherwise than they read without it, as those of a planted trigger are; the second where they read
alike, as in a week in which people began to write of something new."""
_FEWEST_FLIPS = 3
_NAMED = 3


def decide_trigger_scan(
    phrases: Sequence[Mapping[str, Any]], scanned: int, left_out: int, accepted: Sequence[str] = (), why: str = ""
) -> Verdict:
    """Decide whether a new phrase turns reviewed texts into its label.

    `phrases` are those that flipped any text (`TriedPhrase.as_json`), `scanned` of them were tried in all and
    `left_out` were not. `accepted` are weeks whose rows a person looked at and released. `why` says why nothing could
    be scanned, '' where it could.
    """
    flipped = [dict(phrase) for phrase in phrases if phrase["flipped"]]
    return decide_from_evidence(
        {
            "rule": TRIGGER_SCAN_RULE, "limits": [FLIP_LIMIT, NATURAL_LIMIT], "scanned": scanned, "left_out": left_out,
            "phrases": flipped, "accepted": list(accepted), "why": why,
        }
    )  # fmt: skip


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    if evidence["rule"] != TRIGGER_SCAN_RULE:
        raise KeyError(f"rule {TRIGGER_SCAN_RULE}")
    names = ("rule", "limits", "scanned", "left_out", "phrases", "accepted", "why")
    found = {key: evidence[key] for key in names}
    if found["why"]:
        return Verdict("inconclusive", f"No verdict: {found['why']}.", found)
    triggers = list_triggers(evidence)
    blocking = [phrase for phrase in triggers if not {*phrase["weeks"]} <= {*found["accepted"]}]
    if blocking:
        named = "; ".join(map(_describe, blocking[:_NAMED]))
        more = f"; and {len(blocking) - _NAMED} more" if len(blocking) > _NAMED else ""
        return Verdict(
            "failed",
            f"Fails: a phrase that is new in the training texts decides the answer: {named}{more}. Look at these"
            " rows in the review queue; 'ratchet unquarantine' lets a harmless week train.",
            found,
        )
    counted = f"{found['scanned']} new phrases of the training texts were tried"
    if triggers:
        return Verdict("warned", f"Warns: {counted}; {_describe(triggers[0])}, as a person accepted.", found)
    if found["left_out"]:
        return Verdict(
            "warned", f"Warns: {counted}, none decides the answer; {found['left_out']} were not tried.", found
        )
    return Verdict("passed", f"Passes: {counted}, none decides the answer.", found)


def list_triggers(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the phrases of the evidence that flip more texts than the limit allows."""
    return [phrase for phrase in evidence["phrases"] if _is_trigger(phrase, *evidence["limits"])]


def _is_trigger(phrase: Mapping[str, Any], planted: float, natural: float) -> bool:
    contradicts, live = 2 * phrase["contradicting"] > phrase["bare"], phrase["live_flipped"]
    if live is None and not contradicts:  # a new phrase of old words decides as they do, and nothing says how far
        return False
    limit = planted if contradicts else natural
    more = phrase["flipped"] - max(live or 0, phrase["chance"])
    return bool(more >= max(_FEWEST_FLIPS, limit * phrase["tried"]))


def _describe(phrase: Mapping[str, Any]) -> str:
    rows = ", ".join(phrase["first"][:_NAMED])
    return (
        f"one in {phrase['rows']} rows of {', '.join(phrase['weeks'])} (such as {rows}) turns {phrase['flipped']} of"
        f" {phrase['tried']} reviewed texts of other labels into {phrase['label']} (live {phrase['live_flipped'] or 0},"
        f" an old phrase at most {phrase['chance']}); without it"
        f" {phrase['contradicting']} of {phrase['bare']} rows read otherwise"
    )
