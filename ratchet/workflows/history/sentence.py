"""One sentence on promotions: which week is live, or why nothing was promoted for how many weeks.

Add here another reason by which a week's candidate is not live; words of its end are in
`ratchet/workflows/candidate_fate.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

_ENDS = {
    "compared": "held",
    "rolled back": "rolled back",
    "rejected": "rejected",
    "expired": "expired",
    "not entered": "passed but never entered a rollout",
    "none": "passed without a candidate",
}


def explain_promotions(
    weeks: Sequence[Mapping[str, Any]], fates: Mapping[str, str], held: str = "", since: str = ""
) -> str:
    """Return the sentence for weeks oldest first; `fates` gives the end of each week's candidate, `held` why the one
    that is compared is held."""
    if not weeks:
        return f"No week has run since {since}." if since else "No week has run yet."
    count = 0
    for row in reversed(weeks):
        if "promoted" in row["marks"] or fates.get(row["week"]) in {"live", "promoted"}:
            break
        count += 1
    if not count:
        newest = weeks[-1]
        fate = fates.get(newest["week"])
        word = "is live" if fate == "live" else f"was promoted{' and rolled back' if fate == 'rolled back' else ''}"
        return f"The newest week, {newest['week']}, {word}."
    counts = Counter(_name_reason(row, fates.get(row["week"], "none"), held) for row in weeks[len(weeks) - count :])
    reasons = ", ".join(f"{n} {reason}" for reason, n in counts.most_common())
    never = count == len(weeks)
    span = "1 week" if count == 1 else f"{count} weeks"
    return f"Nothing was promoted {'in' if never else 'for'} {span}: {reasons}."


def _name_reason(row: Mapping[str, Any], fate: str, held: str) -> str:
    if row["verdict"] == "blocked":
        return f"blocked by {row['gate'] or 'a gate'}"
    if row["verdict"] == "error":
        return f"stopped at {row['gate']}" if row["gate"] else "with a file that cannot be read"
    if row["verdict"] == "unfinished":
        return "unfinished"
    if fate == "compared" and held:
        return f"held ({held})"
    if fate == "not entered" and held:
        return "waiting for the candidate that is compared"
    return _ENDS.get(fate, fate)
