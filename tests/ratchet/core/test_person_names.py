"""One name has one form, and a name that only looks like another is not a name."""

import re

import pytest

from ratchet.core.person_names import PLAIN_NAME, BadNameError, normalise_name


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("ann", "ann"), ("ANN", "ann"), ("  Ann   Smith ", "ann smith"), ("Ann\tSmith", "ann smith"),
        ("Ann\u00a0Smith", "ann smith"), ("\uff21\uff4e\uff4e", "ann"), ("Zoe\u0308", "zo\u00eb"),
        ("Stra\u00dfe", "strasse"),
        ("ann@Corp.Example", "ann@corp.example"), ("Ann <ann@corp.example>", "ann@corp.example"),
        ("mailto:ann@corp.example", "ann@corp.example"), ("ann+x@corp.example", "ann@corp.example"),
        ("ann@corp.example.", "ann@corp.example"), ("\u0430\u043d\u043d\u0430", "\u0430\u043d\u043d\u0430"),
        ("\u5c71\u7530 \u592a\u90ce", "\u5c71\u7530 \u592a\u90ce"), ("\u5c71\u3042 K", "\u5c71\u3042 k"),
        ("ann_a-2.b", "ann_a-2.b"), ("7", "7"),
    ],
)  # fmt: skip
def test_a_name_has_one_form(written: str, form: str) -> None:
    """Case, width, accents, spaces and mail addresses; the form of a form is itself."""
    assert normalise_name(written) == form
    assert normalise_name(form) == form


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("", "empty"), ("   ", "empty"), ("\u0430nn", "CYRILLIC and LATIN"), ("ann\u0391", "GREEK and LATIN"),
        ("ann\u200b", "invisible"), ("an\u202en", "invisible"), ("ann\x00", "invisible"), ("ann\u3164", "invisible"),
        ("ann\u034f", "invisible"), ("a" * 201, "longer than 200"), ("\ufdfa" * 30, "longer than 200"),
        ("\u5c71\u0430", "CJK and CYRILLIC"),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_another_is_refused(written: str, fault: str) -> None:
    """Letters of two scripts, characters that draw nothing, nothing at all, or more than a name."""
    with pytest.raises(BadNameError, match=fault):
        normalise_name(written)


def test_a_plain_name_is_its_own_form() -> None:
    """Intake asks the function about other names only."""
    for name in ("ann", "ann_a", "a.b-c", "0"):
        assert re.fullmatch(PLAIN_NAME, name)
        assert normalise_name(name) == name
