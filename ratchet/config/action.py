"""Tables `[[action]]` of `classifier.toml`: what an action that the product takes by itself promises.

Add here another promise about an action. Labels name their action and its floor in `[[label]]`; the threshold that
keeps the promise is fitted by `ratchet/metrics/acting.py` and sealed with the adapter.
"""

from dataclasses import dataclass

from ratchet.config.validation import STRICT, bad_spec

REVIEW = "review"
"""Action of an answer that is not sure enough; it promises nothing."""
_LARGEST = 0.5


@dataclass(frozen=True)
class ActionLimit:
    """Promise about one action of `[[label]]`."""

    __pydantic_config__ = STRICT

    name: str
    """Name of the action, as labels name it."""
    max_error: float
    """Largest share of the action's cases that may be wrong, over all of its labels. Each cycle looks for the least
    confidence at which that is shown (90 %, shared among the actions); the threshold of the label is its floor."""

    def __post_init__(self) -> None:
        if not 0 < self.max_error < _LARGEST:
            raise bad_spec(
                f"max_error = {self.max_error} of action {self.name!r} is not between 0 and {_LARGEST}.",
                "Give it as a share, for instance 0.05: one in twenty may be wrong.",
            )
        if self.name == REVIEW:
            raise bad_spec(
                f"action {REVIEW!r} has a max_error.", "Answers that go to review promise nothing: remove the table."
            )
