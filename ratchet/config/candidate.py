"""A candidate of the specification: one way to train.

Add a setting of training here, with its default; what it may be is `candidate_rules.py`, what it does in
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
        "teacher",
        "teacher_temperature",
        "teacher_weight",
        "trainer",
    }
)
"""Settings that came after the first adapters: left out of the JSON while at their default, so that digests of before
stay."""
_RATE, _RATE_OF_FULL = 1.5e-3, 5e-5
_STEPS, _FEWEST_AT_ONCE, _MOST_AT_ONCE = 64, 8, 32


@dataclass(frozen=True)
class Candidate:
    """One way to train: what the cycle tries, before the best is kept."""

    __pydantic_config__ = STRICT

    family: Literal["encoder", "causal"] = "encoder"
    """`encoder` reads a text and has a head of its own; `causal` answers a prompt with one token for each label."""
    base: str = ""
    """Name or folder of the base model; empty for the family's default."""
    method: Literal["lora", "dora", "qlora", "full", "dpo", "probe"] = "lora"
    """What learns: low-rank products beside frozen weights; these with a learned length for each output; the same as
    `lora` beside weights of four bits; every weight; a LoRA with a pass of preferences after it; or a regression on
    embeddings."""
    trainer: Literal["ratchet", "sft"] = "ratchet"
    """Who runs the epochs: `ratchet`'s own loop, or TRL's `SFTTrainer`; causal models only."""
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    """Of what enters the LoRA. The base model's own dropout stays on; 0 lets the LoRA train merged, twice as fast."""
    target_modules: tuple[str, ...] = AUTO
    """Names of linear layers, or `["auto"]`: every linear layer of the model but its head."""
    layers: str = ALL
    """`all`, or `top:K`: only the upper K layers of the transformer learn; what those below say is computed once and
    kept."""
    epochs: int = 4
    batch: int = 0
    """Examples a step; 0 for as many as leave 64 steps in an epoch, but 8 to 32: few examples need steps, many need
    speed."""
    accumulate: int = 1
    """In how many parts a step's batch is computed, their gradients added: less memory for more time, and the same
    step."""
    checkpointing: bool = False
    """Whether what a layer computed is thrown away and computed again for its gradients: less memory for a third more
    time."""
    learning_rate: float = 0.0
    """The highest of its schedule; 0 for the method's own, 5e-5 for `full` and 1.5e-3 for the others."""
    patience: int = 2
    """Epochs without a better calibration NLL before training stops."""
    max_tokens: int = 128
    seed: int = 0
    inverse_regularisation: float = 10.0
    """`C` of the logistic regression; method `probe` only."""
    pass_epochs: int = 1
    """Epochs of the preference pass, after those of the LoRA that it goes on from; method `dpo` only, as the next two.
    """
    pass_rate: float = 5e-5
    """Its learning rate."""
    beta: float = 0.1
    """How strongly the pass is held to the LoRA that it began with: more holds more."""
    teacher: str = ""
    """Digest of a sealed adapter of this classifier, or name of a file in its folder `teachers`: whose probabilities
    are learned from, too."""
    teacher_weight: float = 0.5
    """Share of what is learned that is the teacher's answer; the rest is the label."""
    teacher_temperature: float = 1.0
    """Above 1 makes the teacher's answers flatter, below 1 sharper, before they are learned."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.base or DEFAULT_BASES[self.family])
        object.__setattr__(
            self, "learning_rate", self.learning_rate or (_RATE_OF_FULL if self.method == "full" else _RATE)
        )
        check_candidate(self)

    @property
    def form(self) -> Literal["lora", "dora", "full", "probe"]:
        """How the weights that it leaves are read: a QLoRA is a LoRA once it is trained, and a preference pass leaves
        one."""
        return "lora" if self.method == "qlora" or self.method == "dpo" else self.method

    def alone(self) -> "Candidate":
        """The same without teacher and preference pass: what can be trained without answers and errors to learn
        from."""
        usual = Candidate(self.family)
        alone = replace(
            self, teacher="", teacher_weight=usual.teacher_weight, teacher_temperature=usual.teacher_temperature
        )
        if self.method != "dpo":
            return alone
        return replace(alone, method="lora", pass_epochs=usual.pass_epochs, pass_rate=usual.pass_rate, beta=usual.beta)

    def as_json(self) -> dict[str, Any]:
        """Every setting as JSON types, but for the later ones that are at their default."""
        content = {**asdict(self), "target_modules": list(self.target_modules)}
        return {
            field.name: content[field.name]
            for field in fields(self)
            if field.name not in _LATER or content[field.name] != field.default
        }

    def batch_of(self, examples: int) -> int:
        """How many of so many training examples make one step."""
        return self.batch or min(_MOST_AT_ONCE, max(_FEWEST_AT_ONCE, examples // _STEPS))

    @property
    def title(self) -> str:
        """Short name for tables: `encoder/lora r16 all-MiniLM-L6-v2`."""
        rank = "" if self.method in ("probe", "full") else f" r{self.rank}"
        layers = "" if self.layers == ALL else f" {self.layers}"
        trainer = f" by {self.trainer}" if self.trainer != "ratchet" else ""
        teacher = self.teacher[:8] if DIGEST.fullmatch(self.teacher) else self.teacher
        taught = f" taught by {teacher}" if teacher else ""
        return f"{self.family}/{self.method}{rank}{layers} {self.base}{trainer}{taught}"
