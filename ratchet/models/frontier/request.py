"""Question to a frontier model: the classifier's own prompt around one redacted text, as the bytes that are sent.

Add here what is sent to the endpoint. Its answer is read in `response.py`, the bytes are sent by `transport.py`.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ratchet.config.frontier import Frontier
from ratchet.config.prompt import Prompt
from ratchet.core.digests import digest_json
from ratchet.data.redaction import redact

_MORE_TOKENS = 64
"""Tokens that a chat template may add to the messages."""
_TOP = 20
"""Number of most probable first tokens in the request: the most that the protocol allows."""


@dataclass(frozen=True)
class FrontierQuestion:
    """One text for one model. Personal data is replaced before the text is used for anything else."""

    settings: Frontier
    prompt: Prompt
    text: str

    @cached_property
    def _content(self) -> dict[str, Any]:
        messages = [{"role": "system", "content": self.prompt.system}] if self.prompt.system else []
        messages.append({"role": "user", "content": self.prompt.render(redact(self.text))})
        content: dict[str, Any] = {"model": self.settings.model, "messages": messages}
        content[self.settings.limit_name] = self.settings.max_answer_tokens
        if self.settings.fixed_temperature:
            content["temperature"] = 0
        if self.settings.log_probabilities:
            content |= {"logprobs": True, "top_logprobs": _TOP}
        return content

    @cached_property
    def body(self) -> bytes:
        """Body of the request, JSON in UTF-8."""
        return json.dumps(self._content, ensure_ascii=False).encode()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the endpoint and of all that is sent to it, 64 hex digits: the key of the answer in a cache."""
        return digest_json(
            {"base_url": self.settings.base_url, "codes": list(self.prompt.codes), "sent": self._content}
        )

    @property
    def most_tokens(self) -> int:
        """Upper limit of the tokens sent: no tokenizer makes more tokens of a text than it has bytes."""
        return len(self.body) + _MORE_TOKENS

    @property
    def dearest(self) -> float:
        """Most money that one attempt can cost."""
        return self.settings.cost(self.most_tokens, self.settings.max_answer_tokens)
