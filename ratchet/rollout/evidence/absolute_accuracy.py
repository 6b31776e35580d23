"""Accuracy of live and candidate themselves, from both strata of the stream: agreements by a sample, differences by
all.

Add here another figure of the strata; the difference of the two, by which a rollout is decided, is `proof.py`.
"""

from dataclasses import dataclass
from math import sqrt

from ratchet.rollout.evidence.counts import Evidence

_Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True)
class AbsoluteAccuracy:
    """Shares of right answers, 0..1, and the half width of their 95 % intervals."""

    live: float
    candidate: float
    half_width: float


def estimate_accuracy(evidence: Evidence) -> AbsoluteAccuracy | None:
    """Return the stratified estimate (Cochran 1977, ch. 5) from the agreements that were drawn to be labelled and the
    labelled differences; None where nothing of one of the strata that exist was labelled.

    Differences that wait for a label are taken to be like the labelled ones. The half width is that of the more
    uncertain of the two; shares of a stratum are shrunk by two each way (Agresti and Coull 1998), so that few labels
    claim no certainty.
    """
    n, differing = evidence.compared, evidence.stream_disagreements
    labelled = evidence.losses + evidence.wins + evidence.neither
    alike = n - differing
    if not n or (alike and not evidence.agreements_labelled) or (differing and not labelled):
        return None
    share, shares, variances = alike / n, [0.0, 0.0], [0.0, 0.0]
    for side, right in enumerate((evidence.losses, evidence.wins)):
        for weight, hits, of in (
            (share, evidence.agreements_right, evidence.agreements_labelled),
            (1 - share, right, labelled),
        ):
            if weight:
                shrunk = (hits + 2) / (of + 4)
                shares[side] += weight * hits / of
                variances[side] += weight**2 * shrunk * (1 - shrunk) / of
    return AbsoluteAccuracy(shares[0], shares[1], _Z * sqrt(max(variances)))
