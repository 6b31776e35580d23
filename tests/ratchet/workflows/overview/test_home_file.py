"""The home page as a file: whole without a server, with links that work from the disk, and never in the way."""

import re
from datetime import date, timedelta
from pathlib import Path

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.report_index import ReportIndex
from ratchet.testing.report_example import make_example
from ratchet.testing.year_of_weeks import write_past_week
from ratchet.workflows.overview.home_file import write_home_page


def make_home(root: Path) -> Home:
    """A home with one classifier and two weeks."""
    home, example = Home(root), make_example(("amber", "green"), n=60)
    home.classifier("small").mkdir(parents=True)
    home.spec("small").write_text(
        '[[label]]\nname = "amber"\n[[label]]\nname = "green"\n[[candidate]]\nmethod = "probe"\n'
    )
    for number in range(2):
        write_past_week(home, Cycle("small", date(2026, 1, 5) + timedelta(weeks=number)), example, number)
    ReportIndex(home, "small").rebuild()
    return home


def test_the_file_leads_to_files_and_names_commands(tmp_path: Path) -> None:
    """Each link is a file of the home; what only a gateway shows is a command; nothing is loaded or run."""
    home = make_home(tmp_path)
    write_home_page(home)
    page = home.page.read_text()
    links = re.findall(r'href="([^"]+)"', page)
    assert [link for link in links if not link.startswith("data:") and not (home.root / link).is_file()] == []
    assert "small/reports/index.html" in links
    assert "ratchet history small" in page
    assert "Content-Security-Policy" in page
    assert "<script" not in page


def test_a_page_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """A folder in its place is logged, and that is all."""
    home = make_home(tmp_path)
    home.page.mkdir()
    write_home_page(home)
    assert home.page.is_dir()
