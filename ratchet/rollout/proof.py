"""Proof: how far the compared requests show that a candidate is not worse than the margin, or more than it worse.

Both claims are bets on three counts (`ratchet/metrics/betting.py`); a disagreement that waits for a label counts
against whichever claim is asked about. Add here another claim about accuracy; what follows from it is `decision.py`.
"""

from dataclasses import asdict, dataclass
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import any_time_interval, evidence_not_worse, evidence_worse
from ratchet.rollout.evidence.counts import Evidence

_MOST_WRITTEN = 1_000_000


@dataclass(frozen=True)
class Proof:
    """Evidence on the accuracy of a candidate, and the limits at which it shows something."""

    not_worse: float
    better: float
    """Evidence against "not better at all"."""
    limit: float
    worse: float
    worse_since: float
    """The same of what came since the newest move alone."""
    limit_back: float
    margin: float
    estimate: float | None
    """Accuracy of the candidate minus that of live, over all compared requests; None without one."""
    deciding: tuple[float, float]
    """Interval that decides: its low end clears the margin just when "not worse" is shown."""
    usual: tuple[float, float]
    """95 % interval that holds at any time."""
    compared: int
    labelled: int
    """Disagreements with a usable label."""
    waiting: int
    dropped: int
    """Those of `waiting` that one of the two never answered, since the work was dropped under load."""

    @property
    def shows_not_worse(self) -> bool:
        """True where "not worse than the margin" is shown."""
        return self.not_worse >= self.limit

    @property
    def shows_better(self) -> bool:
        """True where the candidate is shown to be better than live, by however little."""
        return self.better >= self.limit

    @property
    def shows_worse(self) -> bool:
        """True where "more than the margin worse" is shown, on all requests or on those since the newest move."""
        return max(self.worse, self.worse_since) >= self.limit_back

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return asdict(self) | {"deciding": list(self.deciding), "usual": list(self.usual)}

    def describe_claim(self) -> str:
        """Return what is shown, with its evidence, and the interval."""
        points = write_points(self.margin)
        if self.shows_worse:
            claim, of = f"more than {points} worse, shown", (max(self.worse, self.worse_since), self.limit_back)
        elif self.shows_better:
            claim, of = "better than live, shown", (self.better, self.limit)
        elif self.shows_not_worse:
            claim, of = f"not worse than {points}, shown", (self.not_worse, self.limit)
        else:
            claim, of = f"more than {points} worse, not shown", (max(self.worse, self.worse_since), self.limit_back)
        counts = f"{self.compared:,} requests compared, {self.labelled:,} labelled"
        return f"{claim} (evidence {_write(of[0])} of {of[1]:,.0f}; {counts}); {self._usual()}"

    def describe_figures(self) -> str:
        """Return how it looks, with the deciding interval, and what waits for a label."""
        if self.estimate is None:
            return "no compared request counts yet"
        low, high = (f"{100 * end:+.1f}" for end in self.deciding)
        looks = f"looks {100 * self.estimate:+.1f} points, deciding interval [{low}, {high}], {self._usual()}"
        waiting, one = self.waiting - self.dropped, self.waiting - self.dropped == 1
        waits = (
            f"; {waiting:,} disagreement{'' if one else 's'} wait{'s' if one else ''} for a label" if waiting else ""
        )
        dropped = (
            f"; {self.dropped:,} second answers were dropped under load, and count as losses" if self.dropped else ""
        )
        return looks + waits + dropped

    def _usual(self) -> str:
        return f"95 % at any time [{100 * self.usual[0]:+.1f}, {100 * self.usual[1]:+.1f}]"


def prove(policy: PromotionPolicy, whole: Evidence, step: Evidence) -> Proof:
    """Return what `whole`, and `step` since the newest move, show under `policy`."""
    lost, won, n, waits = whole.losses, whole.wins, whole.compared, whole.waiting
    return Proof(
        not_worse=evidence_not_worse(lost + waits, won, n, policy.margin),
        better=evidence_not_worse(lost + waits, won, n, 0.0),
        limit=policy.limit,
        worse=evidence_worse(lost, won + waits, n, policy.margin),
        worse_since=evidence_worse(step.losses, step.wins + step.waiting, step.compared, policy.margin),
        limit_back=policy.limit_back,
        margin=policy.margin,
        estimate=(won - lost) / n if n else None,
        deciding=any_time_interval(lost, won, n, min(1.0, 2 * policy.alpha), waits),
        usual=any_time_interval(lost, won, n, 0.05, waits),
        compared=n,
        labelled=lost + won + whole.neither,
        waiting=waits,
        dropped=min(whole.dropped, waits),
    )


def write_points(share: float) -> str:
    """Return a share as `2 points`."""
    return f"{100 * share:g} point{'' if share == 0.01 else 's'}"


def _write(evidence: float) -> str:
    if evidence >= _MOST_WRITTEN:
        return f"more than {_MOST_WRITTEN:,}"
    return f"{int(evidence):,}" if evidence >= 10 else f"{int(10 * evidence) / 10:g}"
