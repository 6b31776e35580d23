"""The manual over HTTP: built by its command, every link inside it leads somewhere, and no name leads out of it."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The manual as `make manual` builds it, in a folder of its own."""
    folder = tmp_path_factory.mktemp("manual") / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    return folder


def test_every_page_asks_for_nothing_outside(site: Path) -> None:
    """No script, style, font or picture of another host on any page: it works without a network."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|link|img|source|iframe)[^>]*(?:src|href)=\"(https?://[^\"]+)\"", text)
        assert [each for each in loaded if 'rel="canonical"' not in each] == [], page


def test_pages_are_served_and_searched(serve: Serve, site: Path) -> None:
    """The first page, one below it, the index of the search, and the way to them."""
    client = serve(manual=site)
    assert client.get("/manual", follow_redirects=False).headers["Location"] == "manual/"
    assert "Ratchet" in client.get("/manual/").text
    page = client.get("/manual/how-to/runbooks/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert 'id="blocked"' in page.text
    assert client.get("/manual/search/search_index.json").json()["docs"]


def test_programs_find_every_page(serve: Serve, site: Path) -> None:
    """Each address of /llms.txt is a page of the manual."""
    client = serve(manual=site)
    addresses = re.findall(r"\]\((manual/[^)]+)\)", client.get("/llms.txt").text)
    assert len(addresses) > 25
    assert {client.get(f"/{address}").status_code for address in addresses} == {200}


@pytest.mark.parametrize(
    "path", ["..%2f..%2fpyproject.toml", "%2e%2e/%2e%2e/mkdocs.yml", "/etc/passwd", "nothing/", "x" * 300]
)
def test_no_name_leads_out(serve: Serve, site: Path, path: str) -> None:
    """T13: only files of the site have names here."""
    assert serve(manual=site).get(f"/manual/{path}").status_code == 404


def test_a_manual_that_was_not_built_says_how(serve: Serve, tmp_path: Path) -> None:
    """A page with the command."""
    found = serve(manual=tmp_path / "none").get("/manual/")
    assert (found.status_code, "make manual" in found.text) == (404, True)
