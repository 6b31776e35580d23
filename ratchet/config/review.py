"""Table `[review]` of `classifier.toml`: how many labels a team gives, how requests are chosen, and who adjudicates.

Add a setting of the review queue here. The table never enters a digest: it decides who is asked for what, not how a
model is trained.
"""

from dataclasses import dataclass

from ratchet.config.label_studio import check_url
from ratchet.config.validation import STRICT, need_at_least, need_share


@dataclass(frozen=True)
class ReviewPolicy:
    """Settings of the review queue."""

    __pydantic_config__ = STRICT

    labels_per_week: int = 250
    """Labels that the team gives in a week. The random draw of requests follows it; what is drawn to compare a
    candidate with live follows the labels that were given."""
    audit_share: float = 0.5
    """Least share of those labels, 0..1, that goes to requests drawn at random; only they judge a model."""
    compared_audit_share: float = 0.2
    """The same while a candidate is compared with live, whose evidence comes first then."""
    evidence_votes: int = 1
    """Blind labels that a request needs before it leaves the queue, and that decide it for a rollout. Two each halve
    what a team can decide."""
    double_share: float = 0.1
    """Share of the requests, 0..1, drawn at random, that two people label: from them comes the agreement. A team of one
    has none."""
    adjudicators: tuple[str, ...] = ()
    """People who decide where two labels differ; empty: everybody who did not label the request before."""
    early_after_disagreements: int = 100
    """Requests on which live and a candidate disagreed and that people labelled blindly since the last cycle, from
    which on a cycle starts early, once no candidate is compared; 0 never does."""
    retention_days: int = 90
    """Days that the text of a queued request is kept under `review/`. Labels stay."""
    label_studio: str = ""
    """Address of Label Studio, as `https://labels.example.com`; plain http on this machine only. Empty: the one that
    `make label-studio` runs for this home."""
    raw: bool = False
    """True to show and keep texts as they came; else personal data gives way to placeholders, as for the model."""

    def __post_init__(self) -> None:
        if self.label_studio:
            check_url(self.label_studio)
        for name in ("audit_share", "compared_audit_share", "double_share"):
            need_share(f"review.{name}", getattr(self, name))
        for name in ("labels_per_week", "evidence_votes", "retention_days"):
            need_at_least(f"review.{name}", getattr(self, name), 1)
        need_at_least("review.early_after_disagreements", self.early_after_disagreements, 0)
