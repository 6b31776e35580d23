"""What tests of several folders share: a real headless Chromium without any network."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for the session; without one the test is skipped. `RATCHET_CHROMIUM` names another binary."""
    binary = os.environ.get("RATCHET_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if binary is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium, or set RATCHET_CHROMIUM to a binary")
    api = pytest.importorskip("playwright.sync_api", reason="no playwright: pip install -e '.[dev]'")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=binary, args=FLAGS)
        yield started
        started.close()


class Visit:
    """An opened file: Playwright's `page`, `requests` it made to anywhere else, `problems` that the browser complained of."""

    def __init__(self, context: Any, path: Path, fragment: str) -> None:
        self.requests: list[str] = []
        self.problems: list[str] = []
        own = path.resolve().as_uri()

        def decide(route: Any) -> None:
            if route.request.url.split("#")[0] == own:
                route.continue_()
            else:
                self.requests.append(route.request.url)
                route.abort()

        context.route("**/*", decide)
        self.page = context.new_page()
        self.page.on("console", lambda message: self.problems.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: (self.problems.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.goto(own + fragment)


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Open a file with every other request refused and counted: `visit(path, fragment="#a", color_scheme="dark", ...)`."""
    contexts = []

    def open_file(path: Path, fragment: str = "", **options: Any) -> Visit:
        contexts.append(browser.new_context(offline=True, **options))
        return Visit(contexts[-1], path, fragment)

    yield open_file
    for context in contexts:
        context.close()
