"""Looks at a golden set: how many candidates it has judged, and from when on a part of it should be exchanged.

Looks are counted and charge nothing: promotions are charged by the ledger's year. Add here a rule on the use of a
golden set; the looks of a home are `ratchet/storage/golden_looks.py`.
"""

REFRESH_AFTER = 52
"""Candidates that a golden set judges before a part of it should be exchanged: a year of weekly cycles. Each look lets
the next candidate be chosen a little by these items, so that passing them says less and less of other requests."""
SHARE = 0.25
"""Share of the items to exchange."""


def describe_looks(looks: int) -> str:
    """Return how often a golden set has judged, in words."""
    return f"has judged {looks} candidate{'' if looks == 1 else 's'}"


def suggest_refresh(items: int, looks: int) -> str:
    """Return the advice to exchange a part of a golden set, '' while it is not due."""
    if looks < REFRESH_AFTER:
        return ""
    return (
        f"Exchange about {max(1, round(SHARE * items))} of its {items} items for newly reviewed requests, and keep the"
        " old file: after a year of weekly looks, models are fitted to it a little."
    )
