"""A name that becomes a path or a key is checked first; a slip is answered with the nearest known word."""

import pytest

from ratchet.core.errors import UsageError
from ratchet.core.names import DIGEST, check_name, nearest


@pytest.mark.parametrize("name", ["a", "form_abandonment", "support-tickets", "2fa", "a" * 63])
def test_a_plain_name_passes(name: str) -> None:
    """Lower-case letters, digits, '_' and '-'."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../etc",
        "a/b",
        "a\\b",
        "/etc",
        "A",
        "a b",
        "a\n",
        "-rf",
        "_x",
        ".git",
        "a.b",
        "a|b",
        "é",
        "a\0",
        "a" * 64,
    ],
)
def test_a_name_that_could_leave_its_folder_or_break_a_key_is_refused(name: str) -> None:
    """As wrong usage, with what is allowed."""
    with pytest.raises(UsageError, match="Use 1 to 63 lower-case letters") as caught:
        check_name(name)
    assert caught.value.exit_code == 64
    assert caught.value.code == "bad_name"


def test_a_long_name_is_not_repeated_in_full() -> None:
    """A message stays one sentence."""
    with pytest.raises(UsageError) as caught:
        check_name("x" * 100_000)
    assert len(caught.value.message) < 200


def test_a_folder_of_the_home_is_no_classifier() -> None:
    """`dagster` would lie in the orchestrator's own folder."""
    with pytest.raises(UsageError, match="'dagster' is reserved for a folder of the home"):
        check_name("dagster")


def test_the_nearest_known_word_is_proposed_when_one_is_near() -> None:
    """And nothing when none is."""
    assert nearest("refunds", ["refund", "other"]) == "Did you mean 'refund'?"
    assert nearest("zebra", ["refund", "other"]) == ""
    assert nearest("refund", []) == ""


def test_a_digest_is_64_hex_digits_and_nothing_else() -> None:
    """It becomes a folder name."""
    assert DIGEST.fullmatch("0" * 64)
    assert not any(DIGEST.fullmatch(word) for word in ("0" * 63, "0" * 65, "G" * 64, "0" * 64 + "\n", "../" + "0" * 61))
