"""What tests of several folders share: a real headless Chromium without any network, and ways to plant a bug."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
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


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., ModuleType]:
    """Load a copy of a module with `old`, which must occur once, replaced by `new`: a mutant beside the real one."""

    def load(module: ModuleType, old: str, new: str = "") -> ModuleType:
        path = tmp_path / f"mutant_{module.__name__.rpartition('.')[2]}.py"
        path.write_text(_replace_once(Path(str(module.__file__)), old, new), encoding="utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        mutant = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = mutant  # dataclasses look themselves up
        spec.loader.exec_module(mutant)
        return mutant

    return load


@pytest.fixture
def plant_in_copy(tmp_path: Path) -> Callable[[str, str, str], dict[str, str]]:
    """Copy the product, replace `old` by `new` in one of its files, and return the environment in which a process runs the copy."""

    def copy(file: str, old: str, new: str) -> dict[str, str]:
        target = tmp_path / "mutant"
        for package in ("assets", "checks", "gateway", "orchestration", "ratchet", "resources"):
            shutil.copytree(ROOT / package, target / package, ignore=shutil.ignore_patterns("__pycache__"))
        (target / file).write_text(_replace_once(ROOT / file, old, new), encoding="utf-8")
        return {"PYTHONPATH": str(target), "PYTHONSAFEPATH": "1"}

    return copy


def _replace_once(path: Path, old: str, new: str) -> str:
    source = path.read_text(encoding="utf-8")
    assert source.count(old) == 1
    return source.replace(old, new)


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
