"""Candidate of the specification: one way to train.

Add a setting of training here, with its default; its bounds are in `candidate_rules.py`, its effect in
`ratchet/training/`.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from ratchet.config.candidate_rules import AUTO, check_candidate
from ratchet.config.layer_choice import ALL
from ratchet.config.validation import STRICT
from ratchet.core.names import DIGEST

DEFAULT_BASES = {"encoder": "all-MiniLM-L6-v2", "causal": "SmolLM2-135M"}
_LATER = frozenset(
    {
        "accumulate",
        "beta",
        "checkpointing",
        "layers",
        "pass_epochs",
        "pass_rate",
        "rendering",
        "teacher",
        "teacher_temperature",
        "teacher_weight",
        "trainer",
    }
)
"""Settings added after the first adapters: not in the JSON while at their default, so that earlier digests hold."""
_RATE, _RATE_OF_FULL = 1.5e-3, 5e-5
_STEPS, _FEWEST_AT_ONCE, _MOST_AT_ONCE = 64, 8, 32


@dataclass(frozen=True)
class Candidate:
    """One way to train. A cycle trains every candidate and keeps the best."""

    __pydantic_config__ = STRICT

    family: Literal["encoder", "causal"] = "encoder"
    """`encoder` classifies with a head of its own; `causal` completes a prompt with one token for each label."""
    base: str = ""
    """Name or folder of the base model; empty for the family's default."""
    method: Literal["lora", "dora", "qlora", "full", "dpo", "probe"] = "lora"
    """Training method: `lora` (low-rank products beside frozen weights), `dora` (the same with a learned magnitude for
    each output), `qlora` (`lora` beside 4-bit weights), `full` (every weight), `dpo` (`lora`, then a pass of
    preferences) or `probe` (logistic regression on embeddings)."""
    trainer: Literal["ratchet", "sft"] = "ratchet"
    """Trainer: `ratchet`'s own training loop, or TRL's `SFTTrainer` (`sft`, causal models only)."""
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    """Dropout on the input of the LoRA. The base model's own dropout stays on; 0 trains merged, twice as fast."""
    target_modules: tuple[str, ...] = AUTO
    """Names of linear layers, or `["auto"]`: every linear layer of the model except its head."""
    layers: str = ALL
    """`all`, or `top:K`: only the upper K transformer layers learn; activations of the others are computed once."""
    epochs: int = 4
    batch: int = 0
    """Examples per step; 0 chooses 8 to 32, for about 64 steps per epoch: few examples need steps, many need speed."""
    accumulate: int = 1
    """Number of parts in which a batch is computed, gradients added: less memory, more time, the same step."""
    checkpointing: bool = False
    """True discards activations and computes them again for the gradients: less memory, a third more time."""
    learning_rate: float = 0.0
    """Peak learning rate; 0 for the method's default: 5e-5 for `full`, 1.5e-3 for the others."""
    patience: int = 2
    """Epochs without a better calibration NLL, averaged over true classes, before training stops."""
    max_tokens: int = 128
    rendering: Literal["", "form_events/1"] = ""
    """Rendering of a text for the model, by name and version: `form_events/1` puts form events into words, times and
    key strokes as buckets. Empty for the text as it is. The adapter's card names it, so it is served with it."""
    seed: int = 0
    inverse_regularisation: float = 10.0
    """`C` of the logistic regression; method `probe` only."""
    pass_epochs: int = 1
    """Epochs of the preference pass after those of the LoRA; method `dpo` only, as the next two."""
    pass_rate: float = 5e-5
    """Learning rate of the preference pass."""
    beta: float = 0.1
    """Strength with which the preference pass is kept near the LoRA that it starts from; larger keeps it nearer."""
    teacher: str = ""
    """Model to learn from as well: digest of a sealed adapter of this classifier, or a file in its folder `teachers`.
    """
    teacher_weight: float = 0.5
    """Weight of the teacher's probabilities in the training target, 0..1; the rest is the label."""
    teacher_temperature: float = 1.0
    """Temperature of the teacher's probabilities: above 1 flattens them, below 1 sharpens them."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.base or DEFAULT_BASES[self.family])
        object.__setattr__(
            self, "learning_rate", self.learning_rate or (_RATE_OF_FULL if self.method == "full" else _RATE)
        )
        check_candidate(self)

    @property
    def form(self) -> Literal["lora", "dora", "full", "probe"]:
        """Form of the trained weights: `qlora` and `dpo` leave a LoRA."""
        return "lora" if self.method == "qlora" or self.method == "dpo" else self.method

    def alone(self) -> "Candidate":
        """Return the candidate without teacher and preference pass: what can be trained from labels alone."""
        usual = Candidate(self.family)
        alone = replace(
            self, teacher="", teacher_weight=usual.teacher_weight, teacher_temperature=usual.teacher_temperature
        )
        if self.method != "dpo":
            return alone
        return replace(alone, method="lora", pass_epochs=usual.pass_epochs, pass_rate=usual.pass_rate, beta=usual.beta)

    def as_json(self) -> dict[str, Any]:
        """Return every setting as JSON types, except later settings at their default."""
        content = {**asdict(self), "target_modules": list(self.target_modules)}
        return {
            field.name: content[field.name]
            for field in fields(self)
            if field.name not in _LATER or content[field.name] != field.default
        }

    def batch_of(self, examples: int) -> int:
        """Return the batch size for a number of training examples."""
        return self.batch or min(_MOST_AT_ONCE, max(_FEWEST_AT_ONCE, examples // _STEPS))

    @property
    def title(self) -> str:
        """Short name for tables, for instance `encoder/lora r16 all-MiniLM-L6-v2`."""
        rank = "" if self.method in ("probe", "full") else f" r{self.rank}"
        layers = "" if self.layers == ALL else f" {self.layers}"
        trainer = f" by {self.trainer}" if self.trainer != "ratchet" else ""
        teacher = self.teacher[:8] if DIGEST.fullmatch(self.teacher) else self.teacher
        taught = f" taught by {teacher}" if teacher else ""
        return f"{self.family}/{self.method}{rank}{layers} {self.base}{trainer}{taught}"
