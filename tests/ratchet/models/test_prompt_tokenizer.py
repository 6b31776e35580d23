"""What a causal model reads of a text: the prompt's own tokens around it, and none that the text could smuggle in."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.models.preprocessing import FIRST, LATEST, Preprocessing
from ratchet.models.prompt_tokenizer import PromptTokenizer, load_prompt_tokenizer
from ratchet.testing.tiny_causal import write_tiny_causal

PROMPT = make_prompt(PromptPolicy(), (Label("refund"), Label("parcel")))


def tokenizer_of(folder: Path, prompt: Prompt = PROMPT, *, chat: bool = False, max_tokens: int = 6) -> PromptTokenizer:
    """The tokenizer of a tiny base that knows the words of the prompt and a few more."""
    return load_prompt_tokenizer(
        write_tiny_causal(folder, [prompt.render("my parcel"), "s /"], chat=chat), prompt, max_tokens
    )


def words(tokenizer: PromptTokenizer, ids: tuple[int, ...] | list[int]) -> list[str]:
    """Token ids as their words."""
    names = {index: word for word, index in tokenizer.plain.get_vocab().items()}
    return [names[index] for index in ids]


def test_the_three_parts_make_the_whole_prompt(tmp_path: Path) -> None:
    """Beginning, shared part, text, end: nothing twice, nothing lost."""
    tokenizer = tokenizer_of(tmp_path)
    row = tokenizer.encode_batch_fast(["my parcel"])[0].ids
    assert words(tokenizer, tokenizer.prefix)[:3] == ["<s>", "Which", "one"]
    assert words(tokenizer, row) == ["my", "parcel", *words(tokenizer, tokenizer.suffix)]
    assert words(tokenizer, tokenizer.suffix)[-2:] == ["Answer", ":"]
    assert words(tokenizer, tokenizer.codes) == ["1", "2"]


def test_special_tokens_in_a_text_are_letters(tmp_path: Path) -> None:
    """A user who writes the end of the sequence ends nothing."""
    tokenizer = tokenizer_of(tmp_path)
    row = tokenizer.encode_batch_fast(["</s> my"])[0].ids
    assert tokenizer.plain.token_to_id("</s>") not in row
    assert words(tokenizer, row)[: -len(tokenizer.suffix)][-1] == "my"


@pytest.mark.parametrize(("version", "kept"), [(FIRST, "my parcel my"), (LATEST, "my parcel /")])
def test_only_the_text_is_cut(tmp_path: Path, version: Preprocessing, kept: str) -> None:
    """A long text loses its end, or its middle, as the version says; never the prompt's."""
    tokenizer = replace(tokenizer_of(tmp_path, max_tokens=3), preprocessing=version)
    long, short = "my parcel my parcel s /", "my parcel /"
    row = tokenizer.encode_batch_fast([long])[0].ids
    assert words(tokenizer, row[:3]) == kept.split()
    assert row[3:] == list(tokenizer.suffix)
    assert tokenizer.find_cut([long, short]) == [True, False]
    read = tokenizer.read_text(long)
    assert read.ids == row
    assert [long[start:end] for start, end in read.spans[:3]] == kept.split()
    assert read.own == [True] * 3 + [False] * len(tokenizer.suffix)


@pytest.mark.parametrize("codes", [("10", "11"), ("1", "1"), ("é", "ü")], ids=["two tokens", "one for two", "unknown"])
def test_codes_that_are_not_one_token_each_are_refused(tmp_path: Path, codes: tuple[str, str]) -> None:
    """The sentence names the codes, and the cure the template."""
    with pytest.raises(RatchetError, match="are not one token each") as caught:
        tokenizer_of(tmp_path, replace(PROMPT, codes=codes))
    assert "prompt.template" in caught.value.hint


def test_a_chat_needs_a_template_in_the_base(tmp_path: Path) -> None:
    """With one it stands around the prompt, system message first; without one the cure is said."""
    asked = replace(PROMPT, chat=True, system="my parcel")
    tokenizer = tokenizer_of(tmp_path / "with", asked, chat=True)
    assert words(tokenizer, tokenizer.prefix)[:5] == ["system", ":", "my", "parcel", "\n"]
    with pytest.raises(RatchetError, match="has no chat template"):
        tokenizer_of(tmp_path / "without", asked)


def chat_of(folder: Path, template: str, prompt: Prompt) -> PromptTokenizer:
    """The tokenizer of a tiny base with a chat template of this wording."""
    base = write_tiny_causal(folder, [prompt.render("my parcel"), "on"], chat=True)
    path = base / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "chat_template": template}))
    return load_prompt_tokenizer(base, prompt, 6)


def test_a_template_that_tells_the_day_always_tells_the_same(tmp_path: Path) -> None:
    """Else an adapter would learn one prompt and be asked by another on the morrow."""
    template = "on {{ strftime_now('%d %Y') }}\n{% for m in messages %}{{ m['content'] }}{% endfor %}"
    tokenizer = chat_of(tmp_path, template, replace(PROMPT, chat=True))
    assert words(tokenizer, tokenizer.prefix)[:8] == ["on", "0", "1", "2", "0", "2", "5", "\n"]


def test_a_template_that_refuses_the_system_message_is_said_with_the_cure(tmp_path: Path) -> None:
    """As some families' do; it fails its own candidate, in a sentence."""
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system here') }}{% endif %}{{"
        " messages[-1]['content'] }}"
    )
    assert chat_of(tmp_path / "fits", template, replace(PROMPT, chat=True)).codes
    with pytest.raises(RatchetError, match="rejects the prompt: no system here") as caught:
        chat_of(tmp_path / "refuses", template, replace(PROMPT, chat=True, system="be short"))
    assert caught.value.hint == "Remove prompt.system, or set prompt.chat = false."
