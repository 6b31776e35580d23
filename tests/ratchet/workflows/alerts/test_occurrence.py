"""A line is one line, short, and nothing in it makes a chat, a mail or a page act."""

import re

import pytest

from ratchet.config.alert_events import EVENTS
from ratchet.workflows.alerts.occurrence import LONGEST, make_line, runbook_topic

HOSTILE = (
    "<script>alert(1)</script>", "<!channel> hello", "@channel @here @everyone", "[click](http://evil)", "two\nlines",
    "**bold** `code` ~strike~", "\x1b[31mred", "\u202eabc", "# heading", "javascript:alert(1)", "www.evil.example",
    "<@U123>", "| a | b |", "zero\u200bwidth", "_slanted_ __bold__", "tab\tand\rreturn", "\u2028separator",
)  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE)
def test_words_of_users_are_shown_and_do_nothing(words: str) -> None:
    """No markup, mention, link, line break or invisible character is left; the words can still be read."""
    line = make_line("tickets", f"rolled back: {words}")
    assert line.startswith("tickets: rolled back: ")
    assert line.isprintable()
    assert not set(line) & set("<>@`*[]|~#\\\n\r\t")
    assert "://" not in line
    assert "javascript:" not in line
    assert not re.search(r"\b_|_\b", line), "an underscore stands only within a word"


def test_a_line_is_cut_at_its_longest() -> None:
    """With an ellipsis, and in whole characters."""
    line = make_line("tickets", "ä" * 500)
    assert len(line) == LONGEST
    assert line.endswith("…")


def test_every_event_has_a_section_of_the_manual() -> None:
    """The section is called as the event."""
    assert {runbook_topic(event).partition("#")[2] for event in EVENTS} == set(EVENTS)
