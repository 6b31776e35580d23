"""Preprocessing: between a text and its tokens, by a version that each adapter's card names and that never changes.

A version says by which rules a text is redacted (`ratchet/data/redaction.py`) and which part of a long one is read. Add
a version to `VERSIONS` for whatever changes what a model reads, and keep the old ones: docs/decisions/0044.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from ratchet.data.redaction import redact
from ratchet.data.rendering import render

Token = TypeVar("Token")


@dataclass(frozen=True)
class Preprocessing:
    """One version: its name in a card, the version of its redaction, and what it keeps of a long text."""

    name: str
    redaction: int
    keep: Literal["head", "head and tail"]
    chars_per_token: int
    """Characters kept for each token that may be read, so that a long text costs no more than it can say."""
    min_chars: int = 0
    rendering: str = ""
    """Form in which texts are put for the model (`ratchet/data/rendering.py`), which the card names by itself."""

    def prepare(self, text: str, max_tokens: int) -> str:
        """Redacted and rendered `text`, without the middle or the end that cannot be read in `max_tokens` anyway."""
        most = self.most_chars(max_tokens)
        if self.keep == "head":
            return render(redact(text.strip()[:most], version=self.redaction), self.rendering)
        text = render(redact(text, version=self.redaction), self.rendering)
        return text if len(text) <= most else text[: most - most // 2] + text[len(text) - most // 2 :]

    def rendered(self, rendering: str | None) -> "Preprocessing":
        """Return this version for texts in a rendering; None and '' leave them as they are."""
        return replace(self, rendering=rendering or "")

    def most_chars(self, max_tokens: int) -> int:
        """Characters of which a prepared text has at most so many."""
        return max(self.min_chars, self.chars_per_token * max_tokens)

    def cut(self, tokens: Sequence[Token], most: int) -> list[Token]:
        """Keep `most` of `tokens`: the first ones, or the first half and the last half."""
        if len(tokens) <= most:
            return list(tokens)
        if self.keep == "head":
            return list(tokens[:most])
        return [*tokens[: most - most // 2], *tokens[len(tokens) - most // 2 :]]

    def describe(self, max_tokens: int) -> str:
        """Say which tokens of a long text are read, in words for a model card."""
        if self.keep == "head":
            return f"the first {max_tokens}"
        return f"the first {max_tokens - max_tokens // 2} and the last {max_tokens // 2}"


FIRST = Preprocessing("strip+redact/1", 1, "head", chars_per_token=16, min_chars=8000)
"""Adapters of before: the end of a long text was cut. At 8,000 characters it refused a text by default."""
LATEST = Preprocessing("strip+redact/2+ends/1", 2, "head and tail", chars_per_token=32)
"""Version of new adapters: a long text loses its middle, since mails say what they want at either end."""
VERSIONS = {version.name: version for version in (FIRST, LATEST)}
