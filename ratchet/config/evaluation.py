"""Table `[evaluation]` of the specification: how large the three-way evaluation is.

Add a setting here, with its default, unit and the sentence that refuses a wrong value. Nothing in it decides: the gates
look at the whole test split.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec, need_at_least


@dataclass(frozen=True)
class Evaluation:
    """How base, tuned and frontier model are compared."""

    __pydantic_config__ = STRICT

    max_texts: int = 200
    """Texts of the test split on which they are compared, drawn with `seed`; 0 leaves the comparison out."""
    timed_calls: int = 40
    """Texts, of those, that are answered one at a time to measure the time of a call."""
    shots: int = 2
    """Training examples of each label that the few-shot prompt shows; fewer where the prompt would not fit the model.
    """
    verbalised_texts: int = 50
    """Texts on which a causal model also writes its confidence down; 0 leaves it out."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("max_texts", 0), ("timed_calls", 1), ("shots", 1), ("verbalised_texts", 0), ("seed", 0)):
            need_at_least(f"evaluation.{name}", getattr(self, name), least)
        if self.shots > 8:
            raise bad_spec(
                f"evaluation.shots = {self.shots} is above 8.", "One or two examples of each label are usual."
            )
