"""The specification of one classifier, `classifier.toml`, as frozen values that refuse contradictions.

Add a setting here, with its default, unit and the sentence that refuses a wrong value. Reading the file, and naming
unknown keys, is done by `ratchet/stores/specs.py`; nothing here opens a file.
"""

import math
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Literal

from ratchet.errors import RatchetError
from ratchet.identity import digest_json
from ratchet.names import NAME, nearest

_STRICT = {"extra": "forbid"}

AUTO: tuple[str, ...] = ("auto",)


def _refuse(found: str, cure: str) -> RatchetError:
    return RatchetError(found, cure, code="bad_spec")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise _refuse(f"{name} = {value} is outside 0..1.", f"Give {name} as a share between 0 and 1, for instance 0.5.")


def _at_least(name: str, value: float, least: float) -> None:
    if not value >= least:
        raise _refuse(f"{name} = {value} is too small.", f"Set {name} to {least} or more.")
    if math.isinf(value):
        raise _refuse(f"{name} = {value} is not finite.", f"Give {name} a number.")


@dataclass(frozen=True)
class Label:
    """One answer the classifier may give, and what the product does with it."""

    __pydantic_config__ = _STRICT

    name: str
    description: str = ""
    action: str = "review"
    stakes: Literal["low", "medium", "high"] = "low"
    threshold: float = 0.5
    """The action is taken when the calibrated confidence reaches this; below it a person reviews."""
    cost_wrong: float = 1.0
    """What acting wrongly on this label costs, in the unit of `Spec.cost_review`."""

    def __post_init__(self) -> None:
        if not self.name.strip() or len(self.name) > 100 or not self.name.isprintable():
            raise _refuse(f"label name {self.name[:40]!r} is not allowed.", "Use 1 to 100 printable characters.")
        if self.name != self.name.strip():
            raise _refuse(f"label name {self.name!r} begins or ends with a space.", f"Write it as {self.name.strip()!r}.")
        _share(f"threshold of label {self.name!r}", self.threshold)
        _at_least(f"cost_wrong of label {self.name!r}", self.cost_wrong, 0)


@dataclass(frozen=True)
class Window:
    """Which weeks a cycle looks at, and what dates it may find there."""

    __pydantic_config__ = _STRICT

    lookback_weeks: int = 26
    calibration_share: float = 0.15
    """The newest share of the blindly corrected requests of the earlier weeks that fits the temperature."""
    early_after_corrections: int = 1000
    """A cycle starts early once this many new corrections arrived since the last one; 0 never starts one early."""
    earliest: date | None = None
    latest: date | None = None

    def __post_init__(self) -> None:
        _at_least("window.lookback_weeks", self.lookback_weeks, 1)
        _at_least("window.early_after_corrections", self.early_after_corrections, 0)
        if not 0 < self.calibration_share <= 0.5:
            raise _refuse(
                f"window.calibration_share = {self.calibration_share} is outside 0..0.5.",
                "Set it between 0.05 and 0.5; the default is 0.15.",
            )
        if self.earliest and self.latest and self.earliest > self.latest:
            raise _refuse(f"window.earliest = {self.earliest} is after window.latest = {self.latest}.", "Swap the two dates.")


@dataclass(frozen=True)
class Limits:
    """The limits of the gates: what blocks a cycle."""

    __pydantic_config__ = _STRICT

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
            _share(f"limits.{name}", getattr(self, name))
        for name in ("min_examples_per_class", "min_doubles", "min_golden_per_class"):
            _at_least(f"limits.{name}", getattr(self, name), 1)
        if self.max_ece is not None:
            _share("limits.max_ece", self.max_ece)


@dataclass(frozen=True)
class PromotionPolicy:
    """How a candidate that passed its cycle may advance from shadow to live."""

    __pydantic_config__ = _STRICT

    min_requests: int = 500
    min_labels: int = 100
    margin: float = 0.01
    """Largest loss of accuracy, as a share, that is still called 'not worse'."""
    steps: tuple[int, ...] = (5, 25, 50, 100)
    """Percent of users at each step."""
    dwell_minutes: float = 60.0

    def __post_init__(self) -> None:
        _share("promotion.margin", self.margin)
        _at_least("promotion.min_requests", self.min_requests, 1)
        _at_least("promotion.min_labels", self.min_labels, 1)
        _at_least("promotion.dwell_minutes", self.dwell_minutes, 0)
        if list(self.steps) != sorted(set(self.steps)) or not self.steps or self.steps[0] <= 0 or self.steps[-1] != 100:
            raise _refuse(
                f"promotion.steps = {list(self.steps)} is no ladder.",
                "List growing percents that end at 100: [5, 25, 50, 100].",
            )


@dataclass(frozen=True)
class Candidate:
    """One way to train: what the cycle tries, before the best is kept."""

    __pydantic_config__ = _STRICT

    family: Literal["encoder"] = "encoder"
    base: str = "all-MiniLM-L6-v2"
    method: Literal["lora", "probe"] = "lora"
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    """Of what enters the LoRA. The base model's own dropout stays on; 0 lets the LoRA train merged, twice as fast."""
    target_modules: tuple[str, ...] = AUTO
    """Names of linear layers, or `["auto"]`: every linear layer of the encoder."""
    epochs: int = 5
    batch: int = 16
    learning_rate: float = 1e-3
    patience: int = 2
    """Epochs without a better calibration NLL before training stops."""
    max_tokens: int = 128
    seed: int = 0
    inverse_regularisation: float = 10.0
    """`C` of the logistic regression; method `probe` only."""

    def __post_init__(self) -> None:
        for name, least in (("rank", 1), ("epochs", 1), ("batch", 1), ("patience", 1), ("max_tokens", 8), ("seed", 0)):
            _at_least(f"candidate.{name}", getattr(self, name), least)
        if self.rank > 256:
            raise _refuse(f"candidate.rank = {self.rank} is above 256.", "Use 4 to 64; 16 is the default.")
        if self.seed >= 2**32:
            raise _refuse(f"candidate.seed = {self.seed} is above 4294967295.", "Use a small whole number, for instance 0.")
        _share("candidate.dropout", self.dropout)
        if self.dropout >= 1:
            raise _refuse("candidate.dropout = 1 drops everything.", "Use 0.0 to 0.3.")
        for name in ("alpha", "learning_rate", "inverse_regularisation"):
            if not 0 < getattr(self, name) < float("inf"):
                raise _refuse(
                    f"candidate.{name} = {getattr(self, name)} is not above 0.",
                    f"Give candidate.{name} a positive number.",
                )
        if not self.target_modules:
            raise _refuse("candidate.target_modules = [] trains nothing.", 'Name layers, or write ["auto"].')
        if self.target_modules != AUTO and not {"auto", ""}.isdisjoint(self.target_modules):
            raise _refuse(
                f"candidate.target_modules = {list(self.target_modules)} mixes names with 'auto' or with nothing.",
                'Name layers, or write ["auto"] alone.',
            )

    @property
    def title(self) -> str:
        """Short name for tables: `encoder/lora r16 all-MiniLM-L6-v2`."""
        rank = f" r{self.rank}" if self.method == "lora" else ""
        return f"{self.family}/{self.method}{rank} {self.base}"


@dataclass(frozen=True)
class Spec:
    """One task: labels, golden set, policy. `name` is the folder's name."""

    __pydantic_config__ = _STRICT

    name: str
    label: tuple[Label, ...]
    description: str = ""
    cost_review: float = 0.25
    """What one review by a person costs; the unit of every cost."""
    max_text_chars: int = 8000
    window: Window = field(default_factory=Window)
    limits: Limits = field(default_factory=Limits)
    promotion: PromotionPolicy = field(default_factory=PromotionPolicy)
    candidate: tuple[Candidate, ...] = (Candidate(),)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise _refuse(f"name = {self.name!r} is not allowed.", "Use lower-case letters, digits, '_' and '-'.")
        if len(self.label) < 2:
            raise _refuse(
                f"{len(self.label)} label{'' if len(self.label) == 1 else 's'} {list(self.labels)} cannot be told apart.",
                "A classifier needs two labels or more.",
            )
        doubles = sorted({name for name in self.labels if self.labels.count(name) > 1})
        if doubles:
            raise _refuse(f"label {doubles[0]!r} is listed twice.", "Keep one [[label]] for each name.")
        if not self.candidate:
            raise _refuse("no [[candidate]] is listed.", "Add one; 'ratchet init' writes a working default.")
        for number, candidate in enumerate(self.candidate, start=1):
            if candidate in self.candidate[: number - 1]:
                raise _refuse(f"candidate {number} ({candidate.title}) is listed twice.", "Remove one, or change its seed.")
        _at_least("cost_review", self.cost_review, 0)
        _at_least("max_text_chars", self.max_text_chars, 1)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the file, which is the order of logits and probabilities everywhere."""
        return tuple(label.name for label in self.label)

    @property
    def digest(self) -> str:
        """SHA-256 of every setting, 64 hex digits."""
        return digest_json(self.as_json())

    def as_json(self) -> dict[str, object]:
        """Every setting as JSON types."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    def check_label(self, label: str, where: str) -> None:
        """Raise when `label`, found at `where`, is not one of the spec's."""
        if label not in self.labels:
            raise _refuse(
                f"label {label!r} in {where} is not in classifier.toml (has: {', '.join(self.labels)}).",
                f"{nearest(label, self.labels)} Fix the row or add a [[label]] named {label!r}.".strip(),
            )


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
