"""Identity of a candidate: whether it is another model than live, with the weights of its own training and its report.

Add here what a candidate must not be; `ratchet/workflows/rollout/nominate.py` asks before a rollout, and the audit
attacks the same functions. What the gates must have judged is `chain.py`.
"""

from collections.abc import Mapping

SAME_DISTANCE = 1e-6
"""Distance of probabilities below which two adapters are the same model."""


def find_copy(distance: float | None, live: str) -> str:
    """Return why a candidate is a copy of live, '' where it is not.

    `distance` is the largest Euclidean distance of the probabilities of the two for a text, None where it is not known.
    One whose labels have other names is not a copy, though its weights may be those of live to the last bit: whoever
    asks looks at the names first.
    """
    if distance is None or distance >= SAME_DISTANCE:
        return ""
    return f"it answers every text as live {live[:12]} does: a copy is not promoted"


def find_stale_weights(weights: str, earlier: Mapping[str, str]) -> str:
    """Return why the weights of a candidate are old ones under a new name, '' where they are not.

    `weights` is the digest of its weights, `earlier` are those of adapters that are or were in a rollout, by digest of
    the adapter. A temperature makes another adapter of the same weights, and never another answer.
    """
    same = next((adapter for adapter, known in earlier.items() if weights and known == weights), "")
    return f"its weights are those of {same[:12]}: nothing was trained" if same else ""


def find_changed_report(bound: str | None, now: str) -> str:
    """Return why a report is not the one that was judged, '' where it is; `bound` is None before reports were bound."""
    return "" if bound in {None, now} else "eval_report.json is not the one that its cycle wrote"
