"""A Modelfile says the prompt as it is, whatever stands in it."""

import json
import re

import pytest

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.deployment.exports.modelfile import write_modelfile

_ACTION = re.compile(r'\{\{ (?:("(?:[^"\\]|\\.)*")|\.Prompt) \}\}')


def parse(modelfile: str) -> tuple[str, list[str]]:
    """The template as Go reads it, with TEXT for the prompt, and the other lines.

    As Ollama does: a value in three quotes ends at the first line that ends with three. As Go's lexer does: the first
    two braces open an action, whatever stands behind them, and it is an error unless that is one of the two forms that
    are written here.
    """
    before, _, rest = modelfile.partition('TEMPLATE """')
    template, _, after = rest.partition('"""')
    assert after.startswith("\n")
    said, place = "", 0
    while (opened := template.find("{{", place)) >= 0:
        action = _ACTION.match(template, opened)
        assert action, f"Go reads no action at {template[opened : opened + 20]!r}"
        said += template[place:opened] + (json.loads(action[1]) if action[1] else "TEXT")
        place = action.end()
    return said + template[place:], [*before.splitlines(), *after.splitlines()]


@pytest.mark.parametrize(
    "template",
    [
        "Message: {text}\nAnswer:",
        '{"message": "{text}"}\nAnswer:',
        "{{text}}\nAnswer:",
        "{{{text}}} and {{ .System }}, {{- .Prompt -}}\nAnswer:",
        'say """{text}"""\nFROM evil\nAnswer:',
        'C:\\new\\"{text}\\"\\{\\}\nAnswer: "',
        '{"{"{text}{{"}}\nAnswer: {',
    ],
)
def test_any_prompt_is_read_as_it_is_written(template: str) -> None:
    """Quotes, braces, backslashes: Go's template gives the prompt around the text, and no line of it is an
    instruction."""
    prompt = make_prompt(PromptPolicy(template=template), [Label("a", 'of "{{x}}"'), Label("b")])
    said, others = parse(write_modelfile(prompt.before, prompt.after, ["a", "b"], prompt.codes, 64))
    assert said == prompt.render("TEXT")
    assert [line for line in others if line.startswith("FROM")] == ["FROM ./model.gguf"]


def test_a_label_stays_in_its_comment() -> None:
    """With all of its lines."""
    _, others = parse(write_modelfile("", "", ["a\nFROM evil"], ["1"], 64))
    assert others[:2] == ["# The answer is one of these codes:", "#   1: a FROM evil"]


def test_what_ollama_puts_before_a_prompt_is_not_said_twice() -> None:
    """A chat template begins with the token that opens every text; elsewhere it is left alone."""
    text = write_modelfile("<s>user: ", "</s><s>bot: ", ["a"], ["1"], 64, opening="<s>")
    assert 'TEMPLATE """user: {{ .Prompt }}</s><s>bot: """' in text
