"""Prompts into tokens: the shared part once, and for each text only what differs.

The three parts are cut into tokens apart, so that the shared part is the same for every text, and special tokens that a
user writes are plain letters to the model. Add here what happens between a text and a causal model's first layer.
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
"""Stands for a text. No template holds it, and no text: control characters are refused at the door."""
TODAY = datetime(2025, 1, 1, tzinfo=UTC)
"""What a chat template is told when it asks for the date."""
_DIRECTIVES = ("%-d", "%-m", *(f"%{letter}" for letter in "aAbBdeFHIjmMpSTuUVwWyYzZ"))


@dataclass(frozen=True)
class PromptRow:
    """The tokens of one text that follow the shared part."""

    ids: list[int]


@dataclass(frozen=True)
class PromptTokenizer:
    """Cuts texts to length and puts the end of the prompt behind them. Speaks as much of `tokenizers.Tokenizer` as we
    ask of it."""

    plain: "Tokenizer"
    """Reads texts: special tokens are letters to it, and it cuts."""
    prefix: tuple[int, ...]
    """Tokens before every text; may be empty."""
    suffix: tuple[int, ...]
    codes: tuple[int, ...]
    """The token of each label."""

    @property
    def truncation(self) -> dict[str, Any] | None:
        """As of `tokenizers.Tokenizer`: `max_length` counts the text's own tokens."""
        result: dict[str, Any] | None = self.plain.truncation
        return result

    def without_cutting(self) -> "Tokenizer":
        """The base's tokenizer for words of our own, of whatever length."""
        from tokenizers import Tokenizer

        result = Tokenizer.from_str(self.plain.to_str())
        result.no_truncation()
        return result

    def encode_batch_fast(self, texts: Sequence[str]) -> list[PromptRow]:
        """What follows the shared part, for each text."""
        return [
            PromptRow([*result.ids, *self.suffix])
            for result in self.plain.encode_batch_fast(texts, add_special_tokens=False)
        ]


def load_prompt_tokenizer(folder: Path, prompt: Prompt, max_tokens: int) -> PromptTokenizer:
    """The base model's tokenizer around `prompt`; a text is cut to `max_tokens` tokens.

    Raises `RatchetError` when the base has no chat template though the prompt wants one, or when a code is not one
    token.
    """
    plain, special = open_tokenizer(folder), open_tokenizer(folder)
    plain.encode_special_tokens = True
    plain.enable_truncation(max_tokens)
    before, after = surround(folder, prompt)
    prefix = special.encode(before, add_special_tokens=False).ids
    if not prompt.chat:
        prefix = opening_tokens(special) + prefix
    codes = find_codes(special, after, prompt.codes)
    return PromptTokenizer(plain, tuple(prefix), tuple(special.encode(after, add_special_tokens=False).ids), codes)


def surround(folder: Path, prompt: Prompt) -> tuple[str, str]:
    """What stands before and after every text, what the model's chat template adds included."""
    return _wrap_chat(folder, prompt) if prompt.chat else (prompt.before, prompt.after)


def open_tokenizer(folder: Path) -> "Tokenizer":
    """The base model's tokenizer as it is, to which special tokens are special; it neither cuts nor pads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file(folder)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def opening_tokens(tokenizer: "Tokenizer") -> list[int]:
    """The special tokens that this tokenizer puts before a text."""
    result = tokenizer.encode("a").ids
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    starts = [start for start in range(len(result)) if result[start : start + len(bare)] == bare]
    return list(result[: starts[0]]) if starts else []


def render_chat(folder: Path, said: Sequence[dict[str, str]]) -> str:
    """Messages in the model's own chat template, up to the assistant's next word.

    Raises `RatchetError` where there is none, or where it refuses them. A template that tells the day tells `TODAY`,
    always: the prompt that an adapter learned is the one that it serves by.
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
                list(said), chat_template=template, tokenize=False, add_generation_prompt=True
            )
        )
    except TemplateError as error:
        without = "Remove prompt.system, or set" if any(message["role"] == "system" for message in said) else "Set"
        raise RatchetError(
            f"the chat template of the base model in {folder} refuses the prompt: {str(error)[:200]}",
            f"{without} prompt.chat = false.",
        ) from None


def _fix_day(template: str) -> str:
    """The template with a `strftime_now` of its own, where it asks for one; transformers' tells the day of the call."""
    if "strftime_now" not in template:
        return template
    told = "".join(f"|replace({directive!r}, {TODAY.strftime(directive)!r})" for directive in _DIRECTIVES)
    return f"{{% macro strftime_now(format) %}}{{{{ format{told} }}}}{{% endmacro %}}{{{{ '' }}}}{template}"


def _wrap_chat(folder: Path, prompt: Prompt) -> tuple[str, str]:
    """What stands before and after the text in the model's own chat template, up to the assistant's first word."""
    said = [{"role": "system", "content": prompt.system}] if prompt.system else []
    said.append({"role": "user", "content": prompt.render(MARK)})
    before, mark, after = render_chat(folder, said).partition(MARK)
    if not mark or MARK in after:
        raise RatchetError("the base model's chat template changes the text or repeats it.", "Set prompt.chat = false.")
    return before, after


def find_codes(tokenizer: "Tokenizer", after: str, codes: Sequence[str]) -> tuple[int, ...]:
    """The token of each code that follows `after`, where the answer begins: with a space before it or without, the same
    for all."""
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
    """The token that stands for whatever the tokenizer does not know."""
    model = tokenizer.model
    name = getattr(model, "unk_token", None)
    return {tokenizer.token_to_id(name)} if name else set()
