"""Few-shot prompts: the classifier's own prompt with some solved examples before the text, as tokens.

Examples come from the training split only. They come before every text, so they are computed once, and they are
truncated and tokenized as texts are: nothing in them can end a message. Add here which examples are shown and in which
form.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ratchet.config.prompt import Prompt, PromptPolicy
from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Integers
from ratchet.models.prompt_tokenizer import (
    MARK,
    PromptTokenizer,
    load_prompt_tokenizer,
    opening_tokens,
    render_chat,
)
from ratchet.models.tokenization import open_tokenizer

_CODE = "\x00code\x00"


@dataclass(frozen=True)
class Shot:
    """A solved example: a text, and the index of its label."""

    text: str
    label: int


def choose_shots(texts: Sequence[str], labels: Integers, each: int, seed: int) -> list[Shot]:
    """Choose up to `each` random examples of every label that occurs, in random order; the same for the same seed."""
    draw = random.Random(f"{seed} shots")  # noqa: S311 - a sample, guards nothing
    result: list[Shot] = []
    for label in sorted(set(labels.tolist())):
        places = [place for place, truth in enumerate(labels.tolist()) if truth == label]
        result += [Shot(texts[place], label) for place in draw.sample(places, min(each, len(places)))]
    draw.shuffle(result)
    return result


def load_few_shot_tokenizer(
    folder: Path, policy: PromptPolicy, prompt: Prompt, max_tokens: int, shots: Sequence[Shot]
) -> PromptTokenizer:
    """Load the tokenizer of `prompt` whose shared part ends with the solved `shots`.

    The beginning of the prompt, up to the list of labels, comes only once, before the first example. In a chat each
    example is a message of the user, and its code the answer of the assistant.
    """
    plain, special = load_prompt_tokenizer(folder, prompt, max_tokens), open_tokenizer(folder)
    if not shots:
        return plain
    first, between = _split_chat(folder, policy, prompt) if prompt.chat else _split_plain(policy, prompt)
    tokens = [] if prompt.chat else opening_tokens(special)
    tokens += special.encode(first, add_special_tokens=False).ids
    again = special.encode(between, add_special_tokens=False).ids
    for shot in shots:
        tokens += [*plain.read_text(shot.text).ids, plain.codes[shot.label], *again]
    return replace(plain, prefix=tuple(tokens))


def _split_plain(policy: PromptPolicy, prompt: Prompt) -> tuple[str, str]:
    """Text before the first example, and text between an answer and the next example."""
    block = _repeated(policy, prompt)
    return prompt.before, block if block.startswith("\n") else f"\n{block}"


def _split_chat(folder: Path, policy: PromptPolicy, prompt: Prompt) -> tuple[str, str]:
    """Text before the first example, and between an answer and the next, in the model's own chat template."""
    messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
    messages.append({"role": "user", "content": f"{prompt.before}{MARK}{prompt.after}"})
    for _ in range(2):
        messages.append({"role": "assistant", "content": _CODE})
        messages.append({"role": "user", "content": f"{_repeated(policy, prompt).lstrip()}{MARK}{prompt.after}"})
    parts = render_chat(folder, messages).split(MARK)
    between = [part.partition(_CODE)[2] for part in parts[1:-1]]
    if len(parts) != 4 or between[0] != between[1] or not between[0]:
        raise RatchetError(
            "the base model's chat template changes or repeats earlier messages.", "Set prompt.chat = false."
        )
    return parts[0], between[0]


def _repeated(policy: PromptPolicy, prompt: Prompt) -> str:
    """Part of the prompt that comes before every text: what follows the list of labels, or all of it without a list."""
    return (
        policy.template.partition("{text}")[0].partition("{labels}")[2]
        if "{labels}" in policy.template
        else prompt.before
    )
