"""Tokenization of prompts: the shared part once, and for each text only the rest.

The parts before, in and after the text are tokenized separately, so the shared part is the same for every text, and
special tokens that a user writes are plain letters to the model. Add here what happens between a text and the first
layer of a causal model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.config.prompt import Prompt
from ratchet.core.errors import RatchetError
from ratchet.models.preprocessing import LATEST, Preprocessing
from ratchet.models.tokenization import ReadText, TokenRow, open_tokenizer

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

MARK = "\x00text\x00"
"""Placeholder of a text. No template or text contains it, since control characters are rejected at intake."""
TODAY = datetime(2025, 1, 1, tzinfo=UTC)
"""Date that a chat template gets when it asks for the current one."""
_DIRECTIVES = ("%-d", "%-m", *(f"%{letter}" for letter in "aAbBdeFHIjmMpSTuUVwWyYzZ"))


@dataclass(frozen=True)
class PromptTokenizer:
    """Tokenizer that leaves out a part of long texts and appends the end of the prompt."""

    plain: "Tokenizer"
    """Tokenizer of the texts: it reads special tokens as plain letters."""
    prefix: tuple[int, ...]
    """Tokens before every text; may be empty."""
    suffix: tuple[int, ...]
    codes: tuple[int, ...]
    """Token of each label."""
    max_tokens: int
    """Number of the text's own tokens that are read."""
    preprocessing: Preprocessing = LATEST

    def without_cutting(self) -> "Tokenizer":
        """Return the base's tokenizer for words of our own, in which special tokens are special."""
        from tokenizers import Tokenizer

        result = Tokenizer.from_str(self.plain.to_str())
        result.no_truncation()
        return result

    def encode_batch_fast(self, texts: Sequence[str]) -> list[TokenRow]:
        """Tokens of each prepared text that follow the shared part."""
        return [TokenRow([*self._cut(row.ids), *self.suffix]) for row in self._encode(texts)]

    def read_text(self, text: str) -> ReadText:
        """Tokens of one text that follow the shared part, with their places."""
        prepared = self.preprocessing.prepare(text, self.max_tokens)
        row = self._encode([prepared], offsets=True)[0]
        ids, spans, behind = self._cut(row.ids), self._cut(row.offsets), len(self.suffix)
        return ReadText(
            prepared, [*ids, *self.suffix], [*spans, *[(0, 0)] * behind], [*[True] * len(ids), *[False] * behind]
        )

    def find_cut(self, texts: Sequence[str]) -> list[bool]:
        """True for each text, as it comes in, of which a part is not read."""
        prepared = [self.preprocessing.prepare(text, self.max_tokens) for text in texts]
        most = self.preprocessing.most_chars(self.max_tokens)
        rows = self._encode(prepared)
        return [len(row.ids) > self.max_tokens or len(text) >= most for row, text in zip(rows, prepared, strict=True)]

    def _encode(self, texts: Sequence[str], *, offsets: bool = False) -> "Sequence[Encoding]":
        encode = self.plain.encode_batch if offsets else self.plain.encode_batch_fast
        rows: Sequence[Encoding] = encode(list(texts), add_special_tokens=False)
        return rows

    def _cut(self, tokens: Sequence[Any]) -> list[Any]:
        return self.preprocessing.cut(tokens, self.max_tokens)


def load_prompt_tokenizer(
    folder: Path, prompt: Prompt, max_tokens: int, preprocessing: Preprocessing = LATEST
) -> PromptTokenizer:
    """Load the base model's tokenizer around `prompt`, which reads `max_tokens` tokens of a text.

    Raises `RatchetError` where the prompt needs a chat template that the base lacks, or where a code is not one token.
    """
    plain, special = open_tokenizer(folder), open_tokenizer(folder)
    plain.encode_special_tokens = True
    before, after = surround(folder, prompt)
    prefix = special.encode(before, add_special_tokens=False).ids
    if not prompt.chat:
        prefix = opening_tokens(special) + prefix
    codes = find_codes(special, after, prompt.codes)
    suffix = tuple(special.encode(after, add_special_tokens=False).ids)
    return PromptTokenizer(plain, tuple(prefix), suffix, codes, max_tokens, preprocessing)


def surround(folder: Path, prompt: Prompt) -> tuple[str, str]:
    """Text before and after every text, including what the model's chat template adds."""
    return _wrap_chat(folder, prompt) if prompt.chat else (prompt.before, prompt.after)


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
