"""The prompt of a causal classifier: what stands before and after the text, and the one-token code of each label.

Add here what may be said to the model. How a prompt becomes tokens is `ratchet/models/prompt_tokenizer.py`; which
probabilities come back is `ratchet/models/causal.py`. Everything that is the same for all texts stands before the text,
so that it is computed once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ratchet.config.validation import STRICT, bad_spec
from ratchet.core.errors import RatchetError

_DIGITS = tuple("123456789")
_LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MOST_LABELS = len(_LETTERS)
_TEXT, _LABELS = "{text}", "{labels}"
_TEMPLATE = "Which one of these fits the message best?\n{labels}\nMessage: {text}\nAnswer with its code only.\nAnswer:"


class PromptLabel(Protocol):
    """A label as the prompt shows it."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def description(self) -> str:
        """What it means; may be empty."""
        ...


@dataclass(frozen=True)
class PromptPolicy:
    """Table `[prompt]` of the specification; only causal candidates read it."""

    __pydantic_config__ = STRICT

    template: str = _TEMPLATE
    """Holds `{text}` once, and `{labels}` at most once before it: a line `code: name - description` for each label."""
    chat: bool = False
    """Whether the template is one user message of the model's own chat template, answered by the assistant."""
    system: str = ""
    """The system message; with `chat` only."""

    def __post_init__(self) -> None:
        if self.template.count(_TEXT) != 1:
            raise bad_spec(
                f"prompt.template holds {_TEXT} {self.template.count(_TEXT)} times.",
                f"Write {_TEXT} once, where the text goes.",
            )
        before, _, after = self.template.partition(_TEXT)
        if before.count(_LABELS) > 1 or _LABELS in after:
            raise bad_spec(
                f"prompt.template holds {_LABELS} twice or after {_TEXT}.", f"Write {_LABELS} once, before {_TEXT}."
            )
        if self.system and not self.chat:
            raise bad_spec(
                "prompt.system is set without prompt.chat.", "Set chat = true, or write it into the template."
            )


@dataclass(frozen=True)
class Prompt:
    """A prompt whose labels are filled in: only the text is missing."""

    before: str
    after: str
    codes: tuple[str, ...]
    """One for each label, in the spec's order; the token that follows `after`."""
    chat: bool = False
    system: str = ""

    def as_json(self) -> dict[str, Any]:
        """The prompt as JSON types."""
        return {**asdict(self), "codes": list(self.codes)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Prompt":
        """Inverse of `as_json`; raises TypeError or KeyError for anything else."""
        if set(content) != {"before", "after", "codes", "chat", "system"} or not isinstance(content["codes"], list):
            raise KeyError("before, after, codes, chat, system")
        result = cls(**{**content, "codes": tuple(content["codes"])})
        if not all(isinstance(text, str) for text in (result.before, result.after, result.system, *result.codes)):
            raise TypeError("a prompt holds texts")
        if type(result.chat) is not bool:
            raise TypeError("chat is true or false")
        return result

    def render(self, text: str) -> str:
        """The whole prompt of one text, without what a chat template adds."""
        return f"{self.before}{text}{self.after}"


def choose_codes(k: int) -> tuple[str, ...]:
    """A code for each of `k` labels: digits up to nine, letters up to 52; more labels are refused with
    `RatchetError`."""
    if k <= len(_DIGITS):
        return _DIGITS[:k]
    if k <= MOST_LABELS:
        return _LETTERS[:k]
    raise RatchetError(
        f"{k} labels are more than the {MOST_LABELS} codes of one token.",
        'Use family = "encoder", or split the classifier in two.',
        code="too_many_labels",
    )


def make_prompt(policy: PromptPolicy, labels: Sequence[PromptLabel]) -> Prompt:
    """The prompt of a classifier; the same for every causal candidate."""
    codes = choose_codes(len(labels))
    lines = [
        f"{code}: {' - '.join(filter(None, (label.name, label.description)))}"
        for code, label in zip(codes, labels, strict=True)
    ]
    before, _, after = policy.template.partition(_TEXT)
    return Prompt(before.replace(_LABELS, "\n".join(lines)), after, codes, policy.chat, policy.system)
