"""Tokenization of prompts: the shared part once, and for each text only the rest.

The parts before, in and after the text are tokenized separately, so the shared part is the same for every text, and
special tokens that a user writes are plain letters to the model. Add here what happens between a text and the first
layer of a causal model.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.config.prompt import Prompt
from ratchet.core.errors import RatchetError
from ratchet.models.tokenization import tokenizer_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MARK = "\x00text\x00"
"""Placeholder of a text. No template or text contains it, since control characters are rejected at intake."""
TODAY = datetime(2025, 1, 1, tzinfo=UTC)
"""Date that a chat template gets when it asks for the current one."""
_DIRECTIVES = ("%-d", "%-m", *(f"%{letter}" for letter in "aAbBdeFHIjmMpSTuUVwWyYzZ"))


@dataclass(frozen=True)
class PromptRow:
    """Tokens of one text that follow the shared part."""

    ids: list[int]


@dataclass(frozen=True)
class PromptTokenizer:
    """Tokenizer that truncates texts and appends the end of the prompt; a subset of `tokenizers.Tokenizer`."""

    plain: "Tokenizer"
    """Tokenizer of the texts: it truncates, and reads special tokens as plain letters."""
    prefix: tuple[int, ...]
    """Tokens before every text; may be empty."""
    suffix: tuple[int, ...]
    codes: tuple[int, ...]
    """Token of each label."""
    rendering: str = ""
    """Rendering in which the model reads texts (`ratchet/data/rendering.py`)."""

    @property
    def truncation(self) -> dict[str, Any] | None:
        """Truncation as in `tokenizers.Tokenizer`; `max_length` counts only the text's own tokens."""
        result: dict[str, Any] | None = self.plain.truncation
        return result

    def without_cutting(self) -> "Tokenizer":
        """Return the base's tokenizer without truncation, for words of our own."""
        from tokenizers import Tokenizer

        result = Tokenizer.from_str(self.plain.to_str())
        result.no_truncation()
        return result

    def encode_batch_fast(self, texts: Sequence[str]) -> list[PromptRow]:
        """Tokens of each text that follow the shared part."""
        return [
            PromptRow([*result.ids, *self.suffix])
            for result in self.plain.encode_batch_fast(texts, add_special_tokens=False)
        ]


def load_prompt_tokenizer(folder: Path, prompt: Prompt, max_tokens: int, rendering: str = "") -> PromptTokenizer:
    """Load the base model's tokenizer around `prompt`; a text is truncated to `max_tokens` tokens.

    Raises `RatchetError` where the prompt needs a chat template that the base lacks, or where a code is not one token.
    """
    plain, special = open_tokenizer(folder), open_tokenizer(folder)
    plain.encode_special_tokens = True
    plain.enable_truncation(max_tokens)
    before, after = surround(folder, prompt)
    prefix = special.encode(before, add_special_tokens=False).ids
    if not prompt.chat:
        prefix = opening_tokens(special) + prefix
    codes = find_codes(special, after, prompt.codes)
    suffix = tuple(special.encode(after, add_special_tokens=False).ids)
    return PromptTokenizer(plain, tuple(prefix), suffix, codes, rendering)


def surround(folder: Path, prompt: Prompt) -> tuple[str, str]:
    """Text before and after every text, including what the model's chat template adds."""
    return _wrap_chat(folder, prompt) if prompt.chat else (prompt.before, prompt.after)


def open_tokenizer(folder: Path) -> "Tokenizer":
    """Open the base model's tokenizer, to which special tokens are special; it neither truncates nor pads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file(folder)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def opening_tokens(tokenizer: "Tokenizer") -> list[int]:
    """Special tokens that this tokenizer puts before a text."""
    result = tokenizer.encode("a").ids
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    starts = [start for start in range(len(result)) if result[start : start + len(bare)] == bare]
    return list(result[: starts[0]]) if starts else []


def render_chat(folder: Path, messages: Sequence[dict[str, str]]) -> str:
    """Render messages in the model's own chat template, up to the assistant's next word.

    Raises `RatchetError` where the template is missing or rejects the messages. A template that writes the date
    always writes `TODAY`, so that an adapter serves with the prompt that it was trained with.
    """
    from jinja2 import TemplateError
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if not tokenizer.chat_template:
        raise RatchetError(
            f"the base model in {folder} has no chat template.",
            "Set prompt.chat = false, or use an instruction-tuned base.",
        )
    try:
        template = _fix_day(tokenizer.get_chat_template())
        return str(
            tokenizer.apply_chat_template(
                list(messages), chat_template=template, tokenize=False, add_generation_prompt=True
            )
        )
    except TemplateError as error:
        # a common reason: the template of a family without system messages raises an error for one
        without = "Remove prompt.system, or set" if any(message["role"] == "system" for message in messages) else "Set"
        raise RatchetError(
            f"the chat template of the base model in {folder} rejects the prompt: {str(error)[:200]}",
            f"{without} prompt.chat = false.",
        ) from None


def _fix_day(template: str) -> str:
    """Give the template a fixed `strftime_now`, if it uses one: that of transformers returns the current date."""
    if "strftime_now" not in template:
        return template
    replacements = "".join(f"|replace({directive!r}, {TODAY.strftime(directive)!r})" for directive in _DIRECTIVES)
    return f"{{% macro strftime_now(format) %}}{{{{ format{replacements} }}}}{{% endmacro %}}{{{{ '' }}}}{template}"


def _wrap_chat(folder: Path, prompt: Prompt) -> tuple[str, str]:
    """Text before and after the text in the model's own chat template, up to the assistant's first word."""
    messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
    messages.append({"role": "user", "content": prompt.render(MARK)})
    before, mark, after = render_chat(folder, messages).partition(MARK)
    if not mark or MARK in after:
        raise RatchetError("the base model's chat template changes the text or repeats it.", "Set prompt.chat = false.")
    return before, after


def find_codes(tokenizer: "Tokenizer", after: str, codes: Sequence[str]) -> tuple[int, ...]:
    """Find the token of each code at the start of the answer, right behind `after`.

    The codes are tokenized without a space before them, or else all with one. Raises `RatchetError` where neither gives
    distinct single tokens.
    """
    start = tokenizer.encode(after, add_special_tokens=False).ids
    for form in ("{}", " {}"):
        whole = [tokenizer.encode(after + form.format(code), add_special_tokens=False).ids for code in codes]
        tokens = [ids[-1] for ids in whole if ids[:-1] == start]
        if len(tokens) == len(codes) == len(set(tokens)) and not _unknown(tokenizer) & set(tokens):
            return tuple(tokens)
    several = [code for code in codes if len(tokenizer.encode(code, add_special_tokens=False).ids) != 1]
    raise RatchetError(
        f"the codes {', '.join(codes)} are not one token each after {after[-20:]!r} in the base model's tokenizer"
        f"{f' ({several[0]!r} is not)' if several else ''}.",
        "End prompt.template otherwise (for instance 'Answer:' or a line break), or use another base model.",
        code="no_single_token",
    )


def _unknown(tokenizer: "Tokenizer") -> set[int | None]:
    """Token for whatever the tokenizer does not know; empty where it has none."""
    model = tokenizer.model
    name = getattr(model, "unk_token", None)
    return {tokenizer.token_to_id(name)} if name else set()
