"""Policy of one classifier: limits of the gates, of the rollout and of exports.

Add a limit here, with its default, unit and the error for a wrong value. Each gate's module applies its limits.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec, need_at_least, need_share


@dataclass(frozen=True)
class Limits:
    """Limits of the gates, which block a cycle."""

    __pydantic_config__ = STRICT

    min_examples_per_class: int = 5
    """Training examples that each label needs."""
    min_agreement: float = 0.9
    """Share of the pairs of annotators of the same request that must agree: 0.9 is what two people reach who are each
    right in 95 % of cases. The verdict fails where the exact 99 % interval lies below it, and warns before that."""
    min_doubles: int = 20
    """Doubly labelled requests that a verdict on agreement needs."""
    max_null_share: float = 0.2
    """Largest share of a week's requests that may lack a confidence."""
    max_label_divergence: float = 0.1
    """Jensen-Shannon distance (base 2, 0..1) between training labels and the cycle's corrected production, with that of
    chance taken off, from which on a warning says what moved."""
    near_duplicate_jaccard: float = 0.8
    """Jaccard index of two texts' sets of 3-character shingles from which they are near-duplicates."""
    boilerplate_share: float = 0.01
    """Share of texts, and at least ten, that a passage of eight words or more must be in to count as boilerplate (a
    footer, a form header). Boilerplate is set aside where texts are compared, never from what a model reads; 1 sets
    nothing aside."""
    max_golden_loss: float = 0.05
    """Loss of golden accuracy, as a share, within which a candidate is as good as live: gains count with losses. The
    margin of the other gates that compare two models item by item, too."""
    min_golden_per_class: int = 40
    """Not used any more: a class fails where a loss in it is shown. Accepted, so that older files load; receipts of
    before are derived by it."""
    max_nll_rise: float = 0.02
    """Rise of the negative log-likelihood against live, in nats, within which the confidences are as good."""
    golden_floor: float = 0.6
    """Golden accuracy that a first candidate, with no live adapter to compare with, must reach."""
    golden_floor_per_class: float = 0.2
    """Golden recall that a first candidate must reach within each class."""
    max_ece: float | None = None
    """Largest ECE: when set and a temperature misses it, isotonic calibration takes its place from 1,000 calibration
    items on, where it is better out of sample. None sets no limit."""

    def __post_init__(self) -> None:
        for name in (
            "min_agreement",
            "max_null_share",
            "max_label_divergence",
            "near_duplicate_jaccard",
            "boilerplate_share",
            "max_golden_loss",
            "golden_floor",
            "golden_floor_per_class",
        ):
            need_share(f"limits.{name}", getattr(self, name))
        for name in ("min_examples_per_class", "min_doubles", "min_golden_per_class"):
            need_at_least(f"limits.{name}", getattr(self, name), 1)
        need_at_least("limits.max_nll_rise", self.max_nll_rise, 0)
        if self.max_ece is not None:
            need_share("limits.max_ece", self.max_ece)


@dataclass(frozen=True)
class PromotionPolicy:
    """Rules by which a candidate that passed its cycle advances from shadow to live."""

    __pydantic_config__ = STRICT

    margin: float = 0.02
    """Largest loss of accuracy, as a share, that still counts as not worse. An equal candidate is meant to pass."""
    alpha_year: float = 0.05
    """Chance, over a year, that any candidate at or below the margin is promoted. Each cycle spends an equal part."""
    cycles_per_year: int = 52
    """Cycles in a year, among which `alpha_year` is shared."""
    alpha_back: float = 0.05
    """Chance that a candidate within the margin is rolled back as more than the margin worse: half of it for the whole
    comparison, half for what came since each move."""
    label_margin: float = 0.05
    """Largest loss within one label, as a share of all compared requests of it, before the candidate is rolled back."""
    ripe_hours: float = 48.0
    """Hours that people get to label a request on which the answers differ, before it counts for the decision."""
    max_weeks: float = 2.0
    """Weeks after which an undecided comparison ends: a candidate that shadows expires, one that answers users is
    rolled back, a watch over a new live adapter ends."""
    min_requests: int = 500
    """Compared requests that a verdict on errors and latency needs before the first step; accuracy needs none."""
    min_labels: int = 100
    """Not used any more: the evidence itself says when labels suffice (`margin`, `alpha_year`). Accepted, so that older
    files load."""
    steps: tuple[int, ...] = (5, 25, 50, 100)
    """Percent of users at each step."""
    dwell_minutes: float = 60.0
    """Shortest time at each step, and for which the new live adapter is compared with the previous one, in minutes."""
    min_step_requests: int = 50
    """Requests that the candidate must have answered or shadowed in a step before the next one."""
    deadline_hours: float = 72.0
    """Not used any more: `max_weeks` ends a comparison. Accepted, so that older files load."""
    shadow_share: float = 1.0
    """Share of the requests that the other adapter answers too, without users seeing it."""
    shadow_requests: int = 100_000
    """Not used any more: `max_weeks` ends a comparison, not its requests. Accepted, so that older files load."""
    max_disagreement: float = 0.25
    """Largest share of compared requests with different labels; above it, a person decides."""
    max_error_share: float = 0.01
    """Largest share of requests that the candidate may fail to answer, judged at every look."""
    max_latency_ratio: float = 2.0
    """Largest ratio of the candidate's processor time of the model to that of live for the same text, as the median."""
    max_cost_rise: float | None = None
    """Largest rise of the mean cost of a compared request from live to the candidate: a wrong answer costs `cost_wrong`
    of the label that was answered. Above it the candidate is rolled back. None watches no cost."""

    def __post_init__(self) -> None:
        for name in ("margin", "label_margin", "shadow_share", "max_disagreement", "max_error_share"):
            need_share(f"promotion.{name}", getattr(self, name))
        for name in ("alpha_year", "alpha_back"):
            need_share(f"promotion.{name}", getattr(self, name))
            if getattr(self, name) in {0, 1}:
                outcome = "can never be shown" if getattr(self, name) == 0 else "lets everything pass"
                raise bad_spec(f"promotion.{name} = {getattr(self, name):g} {outcome}.", "Use a small chance: 0.05.")
        for name, most in (("max_weeks", 520), ("ripe_hours", 8760)):
            if getattr(self, name) > most:
                raise bad_spec(f"promotion.{name} = {getattr(self, name):g} is above {most}.", f"Use {most} or less.")
        if self.margin == 1:
            raise bad_spec("promotion.margin = 1 lets everything pass.", "Use a small share, such as 0.02.")
        for name, least in (
            ("cycles_per_year", 1),
            ("ripe_hours", 0),
            ("max_weeks", 0),
            ("min_requests", 1),
            ("min_labels", 1),
            ("dwell_minutes", 0),
            ("min_step_requests", 1),
            ("deadline_hours", 0),
            ("shadow_requests", 1),
        ):
            need_at_least(f"promotion.{name}", getattr(self, name), least)
        need_at_least("promotion.max_latency_ratio", self.max_latency_ratio, 1)
        if self.max_cost_rise is not None:
            need_at_least("promotion.max_cost_rise", self.max_cost_rise, 0)
        if list(self.steps) != sorted(set(self.steps)) or not self.steps or self.steps[0] <= 0 or self.steps[-1] != 100:
            raise bad_spec(
                f"promotion.steps = {list(self.steps)} does not rise to 100.",
                "List increasing percentages that end at 100: [5, 25, 50, 100].",
            )

    @property
    def alpha(self) -> float:
        """Chance that the candidate of one cycle is promoted although it is worse by the margin or more."""
        return self.alpha_year / self.cycles_per_year

    @property
    def limit(self) -> float:
        """Evidence at which "not worse than the margin" is shown: 1,040 at 5 % a year of 52 cycles."""
        return 1 / self.alpha

    @property
    def limit_back(self) -> float:
        """Evidence at which "more than the margin worse" is shown, on the whole comparison or on a step alone."""
        return 2 / self.alpha_back


@dataclass(frozen=True)
class ExportPolicy:
    """Largest losses of an export against its adapter before it may answer requests."""

    __pydantic_config__ = STRICT

    max_accuracy_loss: float = 0.003
    max_ece_rise: float = 0.01
    min_items: int = 30
    """Labelled texts that a verdict needs."""
    held_out: int = 300
    """Number of the newest calibration texts that are compared beside the golden set; 0 for none. All count together.
    """

    def __post_init__(self) -> None:
        need_share("export.max_accuracy_loss", self.max_accuracy_loss)
        need_share("export.max_ece_rise", self.max_ece_rise)
        need_at_least("export.min_items", self.min_items, 1)
        need_at_least("export.held_out", self.held_out, 0)
