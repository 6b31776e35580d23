"""Table `[evaluation]` of the specification: size of the comparison of base, tuned and frontier model.

Add a setting here, with its default, unit and the error for a wrong value. None of them decides anything: the gates
judge the whole test split.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec, need_at_least


@dataclass(frozen=True)
class Evaluation:
    """Settings of the comparison of base, tuned and frontier model."""

    __pydantic_config__ = STRICT

    max_texts: int = 200
    """Texts of the test split that are compared, drawn with `seed`; 0 turns the comparison off."""
    timed_calls: int = 40
    """Number of these texts that are classified one at a time, to measure the time of a call."""
    shots: int = 2
    """Examples of each label in the few-shot prompt; fewer when the prompt would not fit the model."""
    verbalised_texts: int = 50
    """Texts for which a causal model also states its confidence in words; 0 turns it off."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("max_texts", 0), ("timed_calls", 1), ("shots", 1), ("verbalised_texts", 0), ("seed", 0)):
            need_at_least(f"evaluation.{name}", getattr(self, name), least)
        if self.shots > 8:
            raise bad_spec(
                f"evaluation.shots = {self.shots} is above 8.", "One or two examples of each label are usual."
            )
