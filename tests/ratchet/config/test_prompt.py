"""A prompt holds its labels, their codes and one place for the text, or it is refused with the cure."""

import pytest

from ratchet.config.prompt import MOST_LABELS, Prompt, PromptPolicy, choose_codes, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError

LABELS = (Label("refund", "wants {text} back"), Label("other"))


def test_labels_stand_before_the_text_with_their_codes() -> None:
    """One line each, with the description where there is one; braces in it are letters."""
    prompt = make_prompt(PromptPolicy("Choose:\n{labels}\nText: {text}\nCode:"), LABELS)
    assert prompt.render("{labels}") == "Choose:\n1: refund - wants {text} back\n2: other\nText: {labels}\nCode:"
    assert prompt.codes == ("1", "2")


@pytest.mark.parametrize(
    ("k", "codes"), [(2, "12"), (9, "123456789"), (10, "ABCDEFGHIJ"), (27, "ABCDEFGHIJKLMNOPQRSTUVWXYZa")]
)
def test_digits_up_to_nine_labels_then_letters(k: int, codes: str) -> None:
    """All of one kind, so that none is likelier for being of the other."""
    assert "".join(choose_codes(k)) == codes


def test_more_labels_than_letters_are_refused() -> None:
    """The cure names the family that has no such limit."""
    with pytest.raises(RatchetError, match="53 labels are more than the 52 one-token codes") as caught:
        choose_codes(MOST_LABELS + 1)
    assert 'family = "encoder"' in caught.value.hint


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"template": "Which?"}, "holds {text} 0 times"),
        ({"template": "{text} {text}"}, "holds {text} 2 times"),
        ({"template": "{text} {labels}"}, "after {text}"),
        ({"template": "{labels} {labels} {text}"}, "holds {labels} twice"),
        ({"system": "You classify."}, "without prompt.chat"),
    ],
)
def test_a_template_that_cannot_work_is_refused(settings: dict[str, str], said: str) -> None:
    """In one sentence that says what was found."""
    with pytest.raises(RatchetError) as caught:
        PromptPolicy(**settings)  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_a_prompt_survives_json() -> None:
    """And nothing else is read as one."""
    prompt = make_prompt(PromptPolicy(), LABELS)
    assert Prompt.from_json(prompt.as_json()) == prompt
    for change in ({"codes": "12"}, {"chat": 1}, {"before": None}, {"more": 1}):
        with pytest.raises((TypeError, KeyError)):
            Prompt.from_json({**prompt.as_json(), **change})
