"""Answer of a frontier model, read strictly: the code of one label, or the reason why it cannot be used.

The bytes come from outside, so size, JSON, shape and numbers are all checked. Add here what an answer may look like.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

LARGEST_BYTES = 256_000
_MOST_TOKENS = 10_000_000

Flaw = Literal["", "no_code", "refusal", "filtered", "cut_short", "bad_json", "too_large"]
"""Reason why an answer cannot be used; empty for a usable one."""


@dataclass(frozen=True)
class FrontierAnswer:
    """One answer. `label` is the index of its code; None where it cannot be used, and `flaw` is the reason."""

    label: int | None
    flaw: Flaw
    tokens_in: int | None
    tokens_out: int | None
    """Tokens as counted by the endpoint; None where it gave no plausible numbers."""
    probabilities: tuple[float, ...] | None = None
    """Probability of each code, summing to 1, from the first token's log-probabilities; None without these."""
    latency_s: float = 0.0
    """Latency of the attempt that was answered, without the waiting before it."""

    def __post_init__(self) -> None:
        if (self.label is None) != bool(self.flaw):
            raise ValueError(f"an answer {self.label} with the flaw {self.flaw!r}")

    def as_json(self) -> dict[str, Any]:
        """Return the answer as JSON types."""
        return {**asdict(self), "probabilities": None if self.probabilities is None else list(self.probabilities)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "FrontierAnswer":
        """Inverse of `as_json`; raises TypeError or ValueError for anything else."""
        shares = content.get("probabilities")
        return cls(**{**content, "probabilities": None if shares is None else tuple(map(float, shares))})


def read_answer(body: bytes, codes: Sequence[str]) -> FrontierAnswer:
    """Read the answer in the bytes of a `chat.completion`; never raises."""
    if len(body) > LARGEST_BYTES:
        return FrontierAnswer(None, "too_large", None, None)
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        message, ended = choice["message"], choice.get("finish_reason")
        written, refused = message.get("content"), message.get("refusal")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return FrontierAnswer(None, "bad_json", None, None)
    tokens = _usage(content, "prompt_tokens"), _usage(content, "completion_tokens")
    if refused:
        return FrontierAnswer(None, "refusal", *tokens)
    if ended == "content_filter":
        return FrontierAnswer(None, "filtered", *tokens)
    code = written.strip() if isinstance(written, str) else None
    if code not in codes:
        return FrontierAnswer(None, "cut_short" if ended == "length" else "no_code", *tokens)
    return FrontierAnswer(
        list(codes).index(str(code)), "", *tokens, probabilities=_probabilities(choice, str(code), codes)
    )


def _usage(content: Mapping[str, Any], name: str) -> int | None:
    usage = content.get("usage")
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if type(value) is int and 0 <= value <= _MOST_TOKENS else None


def _probabilities(choice: Mapping[str, Any], code: str, codes: Sequence[str]) -> tuple[float, ...] | None:
    """Probabilities of the codes at the first token that is not white space; None unless that token is the answer.

    A code that is not among the listed tokens gets 0; the others are normalised to the sum 1.
    """
    try:
        tokens = [token for token in choice["logprobs"]["content"] if token["token"].strip()]
        if tokens[0]["token"].strip() != code:
            return None
        listed = {entry["token"]: _share(entry["logprob"]) for entry in [*tokens[0]["top_logprobs"], tokens[0]]}
        mass = [math.fsum(share for token, share in listed.items() if token.strip() == each) for each in codes]
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
        return None
    total = math.fsum(mass)
    if not 0 < total <= 1.001 or max(mass) > mass[list(codes).index(code)] + 1e-9:
        return None  # not a distribution, or the answer is not its most probable code
    return tuple(share / total for share in mass)


def _share(logprob: Any) -> float:
    """Convert a log-probability to a probability; raises ValueError for any other value."""
    if isinstance(logprob, bool) or not isinstance(logprob, int | float) or not logprob <= 1e-6:
        raise ValueError("not a log-probability")
    return math.exp(logprob)
