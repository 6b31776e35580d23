"""What tests of several folders share: a headless Chromium without any network, ways to plant a bug, how often to try a fault.

A whole run that passed fails nevertheless when some failpoint was never reached.
"""

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ratchet.failpoints import REACHED, unreached

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


PLANNED = {"P": 20, "S": 5000, "x": 1}


@pytest.fixture
def planned(request: pytest.FixtureRequest) -> Callable[[str, int], int]:
    """How many trials: `planned("P", 2)` is 2 in `make test`, and the row's number in a test that is marked `faults`.

    P counts killed processes, S trials on a disk in memory; `RATCHET_TRIALS="P=300 S=100000"` asks for others.
    """
    asked = dict(pair.split("=") for pair in os.environ.get("RATCHET_TRIALS", "").split())
    long = request.node.get_closest_marker("faults") is not None
    return lambda kind, short: int(asked.get(kind, PLANNED[kind])) if long else short


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[REACHED] = tempfile.mkdtemp(prefix="ratchet-reached-")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    config = session.config
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
    whole = whole and config.option.markexpr in {"", "not faults"}
    if not hasattr(config, "workerinput"):
        missing = unreached(Path(os.environ[REACHED])) if whole and session.exitstatus == 0 else []
        shutil.rmtree(os.environ[REACHED], ignore_errors=True)
        if missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
            config.get_terminal_writer().line(f"\nfailpoints that no test reached: {', '.join(missing)}", red=True)
    yield


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
