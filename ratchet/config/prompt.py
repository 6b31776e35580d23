"""Prompt of a causal classifier: the text before and after the message, and the one-token code of each label.

Add here what the prompt may contain. `ratchet/models/prompt_tokenizer.py` turns a prompt into tokens,
`ratchet/models/causal.py` into probabilities. Everything that is equal for all texts stands before the text, so that it
is computed once.
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
    """Label as the prompt shows it."""

    @property
    def name(self) -> str:
        """Name of the label."""
        ...

    @property
    def description(self) -> str:
        """Meaning of the label; may be empty."""
        ...


@dataclass(frozen=True)
class PromptPolicy:
    """Table `[prompt]` of the specification; only causal candidates read it."""

    __pydantic_config__ = STRICT

    template: str = _TEMPLATE
    """Template with `{text}` once, and before it `{labels}` at most once: a line `code: name - description` per label.
    """
    chat: bool = False
    """True sends the template as one user message of the model's own chat template; the assistant answers."""
    system: str = ""
    """System message; with `chat` only."""

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
    """Prompt with its labels filled in; only the text is missing."""

    before: str
    after: str
    codes: tuple[str, ...]
    """Code of each label in the spec's order: the token that follows `after`."""
    chat: bool = False
    system: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the prompt as JSON types."""
        return {**asdict(self), "codes": list(self.codes)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Prompt":
        """Inverse of `as_json`; raises TypeError or KeyError for anything else."""
        if set(content) != {"before", "after", "codes", "chat", "system"} or not isinstance(content["codes"], list):
            raise KeyError("before, after, codes, chat, system")
        prompt = cls(**{**content, "codes": tuple(content["codes"])})
        if not all(isinstance(text, str) for text in (prompt.before, prompt.after, prompt.system, *prompt.codes)):
            raise TypeError("a prompt holds texts")
        if type(prompt.chat) is not bool:
            raise TypeError("chat is true or false")
        return prompt

    def render(self, text: str) -> str:
        """Return the whole prompt of one text, without the parts that a chat template adds."""
        return f"{self.before}{text}{self.after}"


def choose_codes(k: int) -> tuple[str, ...]:
    """Return a code for each of `k` labels: digits up to 9, letters up to 52; raises `RatchetError` beyond."""
    if k <= len(_DIGITS):
        return _DIGITS[:k]
    if k <= MOST_LABELS:
        return _LETTERS[:k]
    raise RatchetError(
        f"{k} labels are more than the {MOST_LABELS} one-token codes.",
        'Use family = "encoder", or split the classifier in two.',
        code="too_many_labels",
    )


def make_prompt(policy: PromptPolicy, labels: Sequence[PromptLabel]) -> Prompt:
    """Return the prompt of a classifier, equal for all causal candidates."""
    codes = choose_codes(len(labels))
    lines = [
        f"{code}: {' - '.join(filter(None, (label.name, label.description)))}"
        for code, label in zip(codes, labels, strict=True)
    ]
    before, _, after = policy.template.partition(_TEXT)
    return Prompt(before.replace(_LABELS, "\n".join(lines)), after, codes, policy.chat, policy.system)
