"""Guardrails within each label: a class can be ruined while accuracy over all labels hardly moves.

Add here a guardrail that is asked of several parts of the requests: `alpha_back` is shared among them.
"""

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import any_time_interval, evidence_worse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.guardrails.guardrail import Guardrail


def measure_labels(policy: PromotionPolicy, whole: Evidence) -> list[Guardrail]:
    """Return one guardrail for each label that is shown to be more than `label_margin` worse.

    The betting test of the whole, at `alpha_back` over the number of labels (Bonferroni), so that an unchanged
    candidate is rolled back for any of them with a probability of at most `alpha_back`. A disagreement that waits for
    a vote may belong to any label, and counts in each as won.
    """
    counts, margin = whole.by_label_counts, policy.label_margin
    alpha = policy.alpha_back / max(1, len(counts))
    worse = []
    for label, (compared, losses, wins) in counts.items():
        n, won = compared + whole.waiting, wins + whole.waiting
        if evidence_worse(losses, won, n, margin) < 1 / alpha:
            continue
        low, high = any_time_interval(losses, wins, n, 2 * alpha, whole.waiting)
        value = (wins - losses) / compared
        sentence = (
            f"label {label!r}: more than {100 * margin:g} points worse, shown ({losses} of {compared} compared requests"
            f" lost, {wins} won)"
        )
        worse.append(Guardrail(f"accuracy of {label}", "broken", sentence, value, low, high, -margin, 1 - alpha))
    return worse
