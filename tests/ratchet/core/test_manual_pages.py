"""The manual as Markdown: every page has a topic, a title and a sentence, and the wheel carries them all."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks.llms_page import PAGE, render
from benchmarks.settings_page import ROOT
from ratchet.core.errors import UsageError
from ratchet.core.manual_pages import find_page, list_pages


def test_every_page_has_a_topic_a_title_and_a_sentence() -> None:
    """No two pages share a topic, and none is without words."""
    pages = list_pages()
    assert len({page.topic for page in pages}) == len(pages) > 25
    assert [page.topic for page in pages if not page.title or not page.summary] == []


@pytest.mark.parametrize("topic", ["alerts", "how-to/alerts", "how-to/alerts.md", "Alerts"])
def test_a_page_is_found_by_its_name_with_or_without_its_part(topic: str) -> None:
    """As people write it."""
    assert find_page(topic).topic == "how-to/alerts"


def test_an_unknown_topic_names_the_nearest() -> None:
    """A typing error, and nothing like any page."""
    with pytest.raises(UsageError) as found:
        find_page("alrts")
    assert found.value.hint.startswith("Did you mean 'alerts'?")
    with pytest.raises(UsageError, match="has no page 'zzz'"):
        find_page("../../zzz".rpartition("/")[2])


def test_a_name_in_two_parts_asks_for_the_part(tmp_path: Path) -> None:
    """Neither is taken by chance."""
    for part in ("how-to", "reference"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "gates.md").write_text("# Gates\n\nWords.\n")
    with pytest.raises(UsageError) as found:
        find_page("gates", tmp_path)
    assert found.value.hint == "Name one: how-to/gates, reference/gates."


def test_the_list_for_programs_is_fresh() -> None:
    """`make reference` writes it after a page was added or its first sentence changed."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(), "run 'make reference'"


@pytest.mark.slow
def test_the_wheel_carries_every_page(tmp_path: Path) -> None:
    """Built from this checkout, without a network: who installs it can read the manual."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"ratchet/docs/{page.topic}.md" for page in list_pages()} <= names
