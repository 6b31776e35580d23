"""A candidate of the specification: one way to train.

Add a setting of training here, with its default and the sentence that refuses a wrong value; what it does is in
`ratchet/training/`.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from ratchet.layers import ALL, upper_count
from ratchet.names import ANSWERS, DIGEST
from ratchet.refusal import STRICT, need_at_least, need_share, refuse

DEFAULT_BASES = {"encoder": "all-MiniLM-L6-v2", "causal": "SmolLM2-135M"}
AUTO: tuple[str, ...] = ("auto",)
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
"""Settings that came after the first adapters: left out of the JSON while at their default, so that digests of before stay."""
_RATE, _RATE_OF_FULL = 1.5e-3, 5e-5
_LEAST = {"rank": 1, "epochs": 1, "batch": 0, "accumulate": 1, "patience": 1, "max_tokens": 8, "seed": 0}
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
    """What learns: low-rank products beside frozen weights; these with a learned length for each output; the same as `lora` beside
    weights of four bits; every weight; a LoRA with a pass of preferences after it; or a regression on embeddings."""
    trainer: Literal["ratchet", "sft"] = "ratchet"
    """Who runs the epochs: `ratchet`'s own loop, or TRL's `SFTTrainer`; causal models only."""
    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    """Of what enters the LoRA. The base model's own dropout stays on; 0 lets the LoRA train merged, twice as fast."""
    target_modules: tuple[str, ...] = AUTO
    """Names of linear layers, or `["auto"]`: every linear layer of the model but its head."""
    layers: str = ALL
    """`all`, or `top:K`: only the upper K layers of the transformer learn; what those below say is computed once and kept."""
    epochs: int = 4
    batch: int = 0
    """Examples a step; 0 for as many as leave 64 steps in an epoch, but 8 to 32: few examples need steps, many need speed."""
    accumulate: int = 1
    """In how many parts a step's batch is computed, their gradients added: less memory for more time, and the same step."""
    checkpointing: bool = False
    """Whether what a layer computed is thrown away and computed again for its gradients: less memory for a third more time."""
    learning_rate: float = 0.0
    """The highest of its schedule; 0 for the method's own, 5e-5 for `full` and 1.5e-3 for the others."""
    patience: int = 2
    """Epochs without a better calibration NLL before training stops."""
    max_tokens: int = 128
    seed: int = 0
    inverse_regularisation: float = 10.0
    """`C` of the logistic regression; method `probe` only."""
    pass_epochs: int = 1
    """Epochs of the preference pass, after those of the LoRA that it goes on from; method `dpo` only, as the next two."""
    pass_rate: float = 5e-5
    """Its learning rate."""
    beta: float = 0.1
    """How strongly the pass is held to the LoRA that it began with: more holds more."""
    teacher: str = ""
    """Digest of a sealed adapter of this classifier, or name of a file in its folder `teachers`: whose probabilities are learned
    from, too."""
    teacher_weight: float = 0.5
    """Share of what is learned that is the teacher's answer; the rest is the label."""
    teacher_temperature: float = 1.0
    """Above 1 makes the teacher's answers flatter, below 1 sharper, before they are learned."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "base", self.base or DEFAULT_BASES[self.family])
        object.__setattr__(self, "learning_rate", self.learning_rate or (_RATE_OF_FULL if self.method == "full" else _RATE))
        self._check_method()
        self._check_pass()
        self._check_teacher()
        for name, least in _LEAST.items():
            need_at_least(f"candidate.{name}", getattr(self, name), least)
        if self.rank > 256:
            raise refuse(f"candidate.rank = {self.rank} is above 256.", "Use 4 to 64; 16 is the default.")
        if self.seed >= 2**32:
            raise refuse(f"candidate.seed = {self.seed} is above 4294967295.", "Use a small whole number, for instance 0.")
        need_share("candidate.dropout", self.dropout)
        if self.dropout >= 1:
            raise refuse("candidate.dropout = 1 drops everything.", "Use 0.0 to 0.3.")
        for name in ("alpha", "learning_rate", "inverse_regularisation", "pass_rate", "beta", "teacher_temperature"):
            if not 0 < getattr(self, name) < float("inf"):
                raise refuse(
                    f"candidate.{name} = {getattr(self, name)} is not above 0.",
                    f"Give candidate.{name} a positive number.",
                )
        self._check_layers()
        if not self.target_modules:
            raise refuse("candidate.target_modules = [] trains nothing.", 'Name layers, or write ["auto"].')
        if self.target_modules != AUTO and not {"auto", ""}.isdisjoint(self.target_modules):
            raise refuse(
                f"candidate.target_modules = {list(self.target_modules)} mixes names with 'auto' or with nothing.",
                'Name layers, or write ["auto"] alone.',
            )

    def _check_method(self) -> None:
        if self.family == "causal" and self.method == "probe":
            raise refuse('candidate.method = "probe" needs embeddings.', 'Use method = "lora", or family = "encoder".')
        if self.family == "encoder" and self.trainer == "sft":
            raise refuse('candidate.trainer = "sft" trains causal models only.', 'Use trainer = "ratchet", or family = "causal".')
        if self.family == "encoder" and self.method == "qlora":
            raise refuse(
                'candidate.method = "qlora" is for causal models: an encoder is small enough as it is.',
                'Use method = "lora", or family = "causal".',
            )
        if self.method == "probe" and (self.accumulate > 1 or self.checkpointing):
            raise refuse(
                'candidate.accumulate and checkpointing mean nothing to method = "probe", which trains no layer.', "Remove them."
            )
        if self.method == "full":
            self._check_full()

    def _check_full(self) -> None:
        for name, usual, what in (
            ("target_modules", AUTO, "trains every weight"),
            ("layers", ALL, "trains every layer"),
            ("dropout", 0.0, "has no adapter whose input could be dropped"),
        ):
            if getattr(self, name) != usual:
                raise refuse(f'candidate.{name} is set, but method = "full" {what}.', f'Remove {name}, or use method = "lora".')

    def _check_pass(self) -> None:
        if self.method != "dpo":
            for name in ("pass_epochs", "pass_rate", "beta"):
                if getattr(self, name) != type(self).__dataclass_fields__[name].default:
                    raise refuse(f'candidate.{name} is set, but only method = "dpo" has a preference pass.', f"Remove {name}.")
            return
        if self.family == "encoder":
            raise refuse('candidate.method = "dpo" prefers codes of a prompt.', 'Use method = "lora", or family = "causal".')
        if self.trainer == "sft":
            raise refuse('candidate.trainer = "sft" trains no preference pass.', "Remove it: the pass is always TRL's.")
        need_at_least("candidate.pass_epochs", self.pass_epochs, 1)

    def _check_teacher(self) -> None:
        if not self.teacher:
            for name, usual in (("teacher_weight", 0.5), ("teacher_temperature", 1.0)):
                if getattr(self, name) != usual:
                    raise refuse(f"candidate.{name} is set without candidate.teacher.", f"Name a teacher, or remove {name}.")
            return
        if not (DIGEST.fullmatch(self.teacher) or ANSWERS.fullmatch(self.teacher)):
            raise refuse(
                f"candidate.teacher = {self.teacher[:80]!r} is no teacher.",
                "Give all 64 digits of an adapter, or the name of a .jsonl or .parquet file in the folder teachers.",
            )
        if self.method == "probe" or self.trainer == "sft":
            what = 'method = "probe"' if self.method == "probe" else 'trainer = "sft"'
            raise refuse(f"candidate.teacher means nothing to {what}, which learns from labels.", "Remove it, or use another.")
        need_share("candidate.teacher_weight", self.teacher_weight)
        if not self.teacher_weight:
            raise refuse("candidate.teacher_weight = 0 learns nothing from the teacher.", "Use 0.3 to 0.9, or no teacher.")

    def _check_layers(self) -> None:
        try:
            upper = upper_count(self.layers)
        except ValueError:
            raise refuse(
                f'candidate.layers = "{self.layers}" is no choice of layers.', 'Write "all", or "top:10" for the upper ten.'
            ) from None
        if upper and self.checkpointing and self.trainer == "ratchet":
            raise refuse(
                f'candidate.checkpointing computes again what candidate.layers = "{self.layers}" keeps.', "Remove one of the two."
            )
        if upper and self.method == "probe":
            raise refuse(
                f'candidate.layers = "{self.layers}" means nothing to method = "probe", which trains no layer.',
                'Remove it, or use method = "lora".',
            )

    @property
    def form(self) -> Literal["lora", "dora", "full", "probe"]:
        """How the weights that it leaves are read: a QLoRA is a LoRA once it is trained, and a preference pass leaves one."""
        return "lora" if self.method == "qlora" or self.method == "dpo" else self.method

    def alone(self) -> "Candidate":
        """The same without teacher and preference pass: what can be trained without answers and errors to learn from."""
        usual = Candidate(self.family)
        alone = replace(self, teacher="", teacher_weight=usual.teacher_weight, teacher_temperature=usual.teacher_temperature)
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
