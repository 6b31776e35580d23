"""The policy of one classifier: what blocks a cycle, and how a candidate that passed may advance.

Add a limit here, with its default, unit and the sentence that refuses a wrong value. How a gate uses it is in the
gate's module.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec, need_at_least, need_share


@dataclass(frozen=True)
class Limits:
    """The limits of the gates: what blocks a cycle."""

    __pydantic_config__ = STRICT

    min_examples_per_class: int = 5
    """Training examples that every label needs."""
    min_agreement: float = 0.9
    """Share of doubly labelled requests on which two annotators must agree."""
    min_doubles: int = 20
    """Fewer doubly labelled requests than this give no verdict on agreement."""
    max_null_share: float = 0.2
    """Largest share of a week's requests that may lack a confidence."""
    max_label_divergence: float = 0.2
    """Largest Jensen-Shannon distance (base 2, 0..1) between training labels and the cycle's corrected production."""
    near_duplicate_jaccard: float = 0.8
    """Texts whose sets of 3-character shingles overlap this much are near-duplicates."""
    max_golden_loss: float = 0.05
    """Largest share of the golden items that live gets right which a candidate may lose."""
    min_golden_per_class: int = 40
    """From this many golden items that live gets right on, a class is judged by its share of losses, like the whole.
    A smaller class fails only when its losses exceed `max_golden_loss` beyond chance (exact binomial test, 5 %)."""
    golden_floor: float = 0.6
    """Golden accuracy that a first candidate, with no live to compare to, must reach."""
    golden_floor_per_class: float = 0.2
    """Golden recall that a first candidate must reach within each class."""
    max_ece: float | None = None
    """When set and missed by a temperature, isotonic calibration is fitted instead."""

    def __post_init__(self) -> None:
        for name in (
            "min_agreement",
            "max_null_share",
            "max_label_divergence",
            "near_duplicate_jaccard",
            "max_golden_loss",
            "golden_floor",
            "golden_floor_per_class",
        ):
            need_share(f"limits.{name}", getattr(self, name))
        for name in ("min_examples_per_class", "min_doubles", "min_golden_per_class"):
            need_at_least(f"limits.{name}", getattr(self, name), 1)
        if self.max_ece is not None:
            need_share("limits.max_ece", self.max_ece)


@dataclass(frozen=True)
class PromotionPolicy:
    """How a candidate that passed its cycle may advance from shadow to live."""

    __pydantic_config__ = STRICT

    min_requests: int = 500
    min_labels: int = 100
    margin: float = 0.01
    """Largest loss of accuracy, as a share, that is still called 'not worse'."""
    steps: tuple[int, ...] = (5, 25, 50, 100)
    """Percent of users at each step."""
    dwell_minutes: float = 60.0
    """Least time at each step, and for which the former live adapter watches the new one."""
    min_step_requests: int = 50
    """Requests that the candidate must have answered or shadowed since the step began before the next one."""
    deadline_hours: float = 72.0
    """A step that is not concluded by then is taken back; a shadow or a watch simply ends."""
    shadow_share: float = 1.0
    """Share of the requests that the other adapter answers too, unseen."""
    shadow_requests: int = 100_000
    """A shadow that is not concluded after so many compared requests ends."""
    max_disagreement: float = 0.25
    """Largest share of compared requests with different labels; beyond, a person decides."""
    max_error_share: float = 0.01
    """Largest share of requests that the candidate may fail to answer, judged by an exact 95 % interval."""
    max_latency_ratio: float = 2.0
    """Largest ratio of the candidate's p95 of the model's processor time to the incumbent's."""

    def __post_init__(self) -> None:
        need_share("promotion.margin", self.margin)
        need_at_least("promotion.min_requests", self.min_requests, 1)
        need_at_least("promotion.min_labels", self.min_labels, 1)
        for name in ("shadow_share", "max_disagreement", "max_error_share"):
            need_share(f"promotion.{name}", getattr(self, name))
        for name, least in (
            ("dwell_minutes", 0),
            ("min_step_requests", 1),
            ("deadline_hours", 0),
            ("shadow_requests", 1),
        ):
            need_at_least(f"promotion.{name}", getattr(self, name), least)
        need_at_least("promotion.max_latency_ratio", self.max_latency_ratio, 1)
        if list(self.steps) != sorted(set(self.steps)) or not self.steps or self.steps[0] <= 0 or self.steps[-1] != 100:
            raise bad_spec(
                f"promotion.steps = {list(self.steps)} is no ladder.",
                "List growing percents that end at 100: [5, 25, 50, 100].",
            )


@dataclass(frozen=True)
class ExportPolicy:
    """What an export may lose against the adapter that it was made from, before it may answer."""

    __pydantic_config__ = STRICT

    max_accuracy_loss: float = 0.003
    max_ece_rise: float = 0.01
    min_items: int = 30
    """Labelled texts that are needed for a verdict."""
    held_out: int = 300
    """How many of the newest texts of the cycle's calibration split are asked beside the golden set; 0 for none. All
    of them together decide."""

    def __post_init__(self) -> None:
        need_share("export.max_accuracy_loss", self.max_accuracy_loss)
        need_share("export.max_ece_rise", self.max_ece_rise)
        need_at_least("export.min_items", self.min_items, 1)
        need_at_least("export.held_out", self.held_out, 0)
