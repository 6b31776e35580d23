"""Table `[frontier]` of the specification: the large model that ours is compared with, and its budget.

Add a setting here, with its default, unit and the error for a wrong value. The key is never a setting: it comes from
the environment only.
"""

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from ratchet.config.validation import STRICT, bad_spec, need_at_least
from ratchet.core.timeouts import FRONTIER_ANSWER_S

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{2,}")


@dataclass(frozen=True)
class Frontier:
    """Endpoint that serves `POST <base_url>/chat/completions`."""

    __pydantic_config__ = STRICT

    base_url: str
    """Address, as `https://api.example.com/v1`. Plain http on loopback only: it would expose texts and the key."""
    model: str
    price_input: float
    """Price of a million input tokens, in the currency of `budget`."""
    price_output: float
    """Price of a million output tokens."""
    budget: float = 1.0
    """Highest cost of one cycle; requests stop before it is exceeded."""
    max_texts: int = 100
    """Largest number of texts sent in one cycle."""
    at_once: int = 4
    """Number of concurrent requests."""
    timeout_s: float = FRONTIER_ANSWER_S
    """Time-out of one attempt in seconds, from the first byte sent to the last byte received."""
    longest_s: float = 900.0
    """Time limit for all requests of one cycle in seconds, waits included: the report waits for it."""
    retries: int = 3
    """Further attempts after 429, 5xx, a time-out or a lost connection."""
    key_variable: str = "RATCHET_FRONTIER_KEY"
    """Environment variable that holds the key; optional for an endpoint on loopback."""
    max_answer_tokens: int = 8
    """Largest number of output tokens; a model that reasons first needs many more."""
    limit_name: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Name of that limit in the request; some older servers know `max_tokens` only."""
    log_probabilities: bool = True
    """True requests log-probabilities. Without them the report has no ECE of this model."""
    fixed_temperature: bool = True
    """True sends temperature 0; set it to false for models that reject it."""

    def __post_init__(self) -> None:
        address = _split(self.base_url)
        # Neither the address nor the variable's name is repeated in the error: either may hold a key by mistake.
        if address is None or address.username is not None or address.password is not None:
            raise bad_spec(
                "frontier.base_url is not the address of an endpoint.",
                "Write it as 'https://host/v1', without name, password, '?' or '#'; the key belongs in the"
                " environment.",
            )
        if address.scheme == "http" and not self.is_local:
            raise bad_spec(
                f"frontier.base_url = {self.base_url!r} would send texts and the key in the clear.",
                "Use https; plain http is allowed for localhost only.",
            )
        if not self.model.strip():
            raise bad_spec("frontier.model is empty.", "Name the model as the endpoint calls it.")
        if not _VARIABLE.fullmatch(self.key_variable):
            raise bad_spec(
                "frontier.key_variable is not the name of an environment variable.",
                "Write the variable's name, as RATCHET_FRONTIER_KEY; the key itself never belongs in this file.",
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
        """True where the endpoint is on this machine."""
        return (urlsplit(self.base_url).hostname or "") in _LOOPBACK

    @property
    def other_limit_name(self) -> str:
        """The other of the two names of the output limit."""
        return "max_tokens" if self.limit_name == "max_completion_tokens" else "max_completion_tokens"

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """Return the cost of so many tokens, in the currency of `budget`."""
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
