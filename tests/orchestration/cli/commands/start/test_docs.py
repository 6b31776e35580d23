"""`ratchet docs`: the manual at the terminal, for people and for programs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.settings_page import ROOT

Call = Callable[..., Any]


@pytest.mark.feature(42)
def test_a_topic_prints_its_page_as_it_stands(call: Call) -> None:
    """Standard output is the Markdown of the file, nothing else."""
    shown = call("docs", "alerts")
    assert shown.code == 0
    assert shown.out == (ROOT / "docs/how-to/alerts.md").read_text(encoding="utf-8").rstrip("\n") + "\n"


@pytest.mark.feature(42)
def test_without_a_topic_every_page_is_listed(call: Call) -> None:
    """By part, and as JSON with a sentence each."""
    names = {path.stem for part in ("tutorial", "how-to", "reference", "explanation")
             for path in (ROOT / "docs" / part).glob("*.md")}  # fmt: skip
    listed = call("docs").out
    assert all(f"  {name} " in listed for name in names)
    topics = json.loads(call("docs", "--json").out)["topics"]
    assert {each["topic"].partition("/")[2] for each in topics} == names
    assert all(each["title"] and each["summary"] for each in topics)


@pytest.mark.feature(4)
def test_a_typing_error_is_met_with_the_nearest_topic(call: Call) -> None:
    """Exit code 64, and nothing on standard output."""
    shown = call("docs", "alrts")
    assert (shown.code, shown.out) == (64, "")
    assert "Did you mean 'alerts'?" in shown.err
