"""Table `[frontier]` of the specification: which large model is asked beside ours, and what it may cost.

Add a setting here, with its default, unit and the sentence that refuses a wrong value. The key is never a setting: it
comes from the environment only.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from ratchet.config.validation import STRICT, bad_spec, need_at_least

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,}")


@dataclass(frozen=True)
class Frontier:
    """An endpoint that answers `POST <base_url>/chat/completions`."""

    __pydantic_config__ = STRICT

    base_url: str
    """For instance `https://api.example.com/v1`. Plain http is taken on loopback only: texts and the key travel in it.
    """
    model: str
    price_input: float
    """Of a million tokens that are sent, in the money of `budget`."""
    price_output: float
    """Of a million tokens that are written."""
    budget: float = 1.0
    """Most money that one cycle may spend; asking stops before it."""
    max_texts: int = 100
    """Most texts of one cycle that are sent."""
    at_once: int = 4
    """Questions that are under way at the same time."""
    timeout_s: float = 30.0
    """Longest time for one attempt, from the first byte sent to the last one read."""
    longest_s: float = 900.0
    """Longest time for all questions of one cycle, waiting included: the report, and other classifiers, wait for it."""
    retries: int = 3
    """Further attempts after 429, 5xx, a time-out or a broken connection."""
    key_variable: str = "RATCHET_FRONTIER_KEY"
    """The environment variable that holds the key. An endpoint on loopback may go without."""
    max_answer_tokens: int = 8
    """Tokens that the model may write; a model that thinks first needs many more."""
    limit_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """What the endpoint calls that limit; some older servers know `max_tokens` only."""
    log_probabilities: bool = True
    """Whether log-probabilities are asked for. Without them the report has no ECE of this model."""
    fixed_temperature: bool = True
    """Whether temperature 0 is sent; false for models that refuse it."""

    def __post_init__(self) -> None:
        address = _split(self.base_url)
        if address is None or address.username is not None or address.password is not None:
            raise bad_spec(
                "frontier.base_url is no address of an endpoint.",
                "Write it as 'https://host/v1', without name, password, '?' or '#'; the key belongs into the"
                " environment.",
            )
        if address.scheme == "http" and not self.is_local:
            raise bad_spec(
                f"frontier.base_url = {self.base_url!r} would send texts and the key in the clear.",
                "Use https; plain http is taken for localhost only.",
            )
        if not self.model.strip():
            raise bad_spec("frontier.model is empty.", "Name the model as the endpoint calls it.")
        if not _VARIABLE.fullmatch(self.key_variable):
            raise bad_spec(
                "frontier.key_variable is no name of an environment variable.",
                "Write the variable's name, as RATCHET_FRONTIER_KEY; the key itself never stands in this file.",
            )
        for name, least in (("price_input", 0), ("price_output", 0), ("budget", 0), ("max_texts", 1), ("retries", 0)):
            need_at_least(f"frontier.{name}", getattr(self, name), least)
        for name, least in (("at_once", 1), ("max_answer_tokens", 1)):
            need_at_least(f"frontier.{name}", getattr(self, name), least)
        need_at_least("frontier.timeout_s", self.timeout_s, 0.1)
        need_at_least("frontier.longest_s", self.longest_s, 1)
        for name, most in (("at_once", 32), ("retries", 10), ("timeout_s", 600), ("longest_s", 3600)):
            if getattr(self, name) > most:
                raise bad_spec(
                    f"frontier.{name} = {getattr(self, name)} is above {most}.", f"Set it to {most} or less."
                )

    @property
    def is_local(self) -> bool:
        """Whether the endpoint is on this machine."""
        return (urlsplit(self.base_url).hostname or "") in _LOOPBACK

    @property
    def other_limit_name(self) -> str:
        """What else an endpoint may call the limit of an answer."""
        return "max_tokens" if self.limit_name == "max_completion_tokens" else "max_completion_tokens"

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Money for so many tokens."""
        return (tokens_in * self.price_input + tokens_out * self.price_output) / 1e6


def _split(base_url: str) -> SplitResult | None:
    try:
        address = urlsplit(base_url)
        _ = address.port
    except ValueError:
        return None
    plain = base_url.isascii() and base_url.isprintable() and " " not in base_url
    whole = address.scheme in ("http", "https") and address.hostname and not address.query and not address.fragment
    return address if plain and whole else None
