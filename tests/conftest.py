"""What tests of several folders share: a headless Chromium without any network, ways to break out of a page and to
notice it, ways to plant a bug, how often to try a fault.

A whole run that passed fails nevertheless when some failpoint was never reached.
"""

import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import html5lib
import pytest

from ratchet.core.failpoints import REACHED, unreached
from ratchet.training.device import PROCESSES
from ratchet.training.result import TrainingResult, read_result
from ratchet.training.supervision.memory_budget import FULL
from ratchet.training.supervision.watchdog import SILENCE
from ratchet.training.supervision.worker_channel import Channel
from ratchet.training.worker import train_all

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


PLANNED = {"M": 100_000, "P": 20, "S": 5000, "x": 1}


@pytest.fixture
def planned(request: pytest.FixtureRequest) -> Callable[[str, int], int]:
    """How many trials: `planned("P", 2)` is 2 in `make test`, and the row's number in a test that is marked `faults`.

    P counts killed processes, S trials on a disk in memory, M mutated adapters; `RATCHET_TRIALS="P=300 S=100000"` asks
    for others.
    """
    asked = dict(pair.split("=") for pair in os.environ.get("RATCHET_TRIALS", "").split())
    long = request.node.get_closest_marker("faults") is not None
    return lambda kind, short: int(asked.get(kind, PLANNED[kind])) if long else short


ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def pytest_configure(config: pytest.Config) -> None:
    # Several workers share the cores, and a thread that waits for its turn in a tiny product spins: it costs more than
    # half of the time. Set before anything imports torch or numpy, and inherited by every process that a test starts.
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    # Where the pair is not what a test is about, its second process costs seconds of imports for a tiny training.
    os.environ.setdefault(PROCESSES, "1")
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


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let trainings have their second process, as outside of tests."""
    monkeypatch.setenv(PROCESSES, "2")


@pytest.fixture(scope="session")
def train_here() -> Callable[[Path], TrainingResult]:
    """Train a plan in this process, which has imported everything: for tests of what is trained, not of processes."""

    def train(work: Path) -> TrainingResult:
        import torch

        threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
        with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch, Path(os.devnull).open("wb") as nowhere:
            warnings.simplefilter("ignore")  # a training prints what libraries warn of
            patch.setenv(SILENCE, "0")
            train_all(work, FULL, Channel(nowhere.fileno()))
        torch.set_num_threads(threads)
        torch.set_deterministic_debug_mode(mode)
        return read_result(work)

    return train


class Children:
    """What the Python processes that a test starts were given, each told by itself before it did anything else."""

    table = (
        '[frontier]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "m"\nprice_input = 0\nprice_output = 0\nkey_variable ='
        ' "MY_KEY"\n'
    )
    """Names MY_KEY, so that it is a secret of the classifier with this table; nobody listens there."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder, self._secret = folder, secret
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(
            "import json, os, sys\n"
            f"with open({str(folder)!r} + f'/{{os.getpid()}}.json', 'w') as file:\n"
            "    json.dump([sys.orig_argv, dict(os.environ)], file)\n"
        )

    def secrets(self, module: str) -> list[set[str]]:
        """Names of the variables that hold a secret, one set for each process of `module`."""
        told = [json.loads(path.read_bytes()) for path in self._folder.glob("*.json")]
        return [
            {name for name, value in variables.items() if value == self._secret}
            for words, variables in told
            if module in words
        ]


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Children:
    """A test in whose environment lie the token of the Hub, the usual key of the frontier and MY_KEY, for its processes
    to see."""
    found = Children(tmp_path / "children", "sesame, open")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "children"), *filter(None, sys.path)]))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "RATCHET_FRONTIER_KEY", "MY_KEY"):
        monkeypatch.setenv(name, "sesame, open")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One headless Chromium for a module, since its driver keeps an event loop; without one the test is skipped.

    `RATCHET_CHROMIUM` names another binary.
    """
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
    """Copy the product, replace `old` by `new` in one of its files, and return the environment in which a process runs
    the copy."""

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
    """An opened file: Playwright's `page`, `requests` it made to anywhere else, `problems` that the browser complained
    of."""

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
    """Open a file with every other request refused and counted: `visit(path, fragment="#a", color_scheme="dark",
    ...)`."""
    contexts = []

    def open_file(path: Path, fragment: str = "", **options: Any) -> Visit:
        contexts.append(browser.new_context(offline=True, **options))
        return Visit(contexts[-1], path, fragment)

    yield open_file
    for context in contexts:
        context.close()


BREAKOUTS = (
    "",
    '">',
    "'>",
    "</title>",
    "</style>",
    "</script>",
    "-->",
    "</bdi></td></table>",
    "]]></svg>",
    "\u202e\x00",
)
BASES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<a href=javascript:alert(1)>x</a>",
    "<meta http-equiv=refresh content='0;url=//evil.test'>",
    "<link rel=stylesheet href=//evil.test/x>",
    "<style>@import '//evil.test/x'</style>",
    "<form action=javascript:alert(1)><button>x",
    "<math><mtext><img src=x onerror=alert(1)>",
    '" onmouseover=alert(1) x="',
    "' autofocus onfocus=alert(1) x='",
    "{{ 7*7 }}{% raw %}<b>",
    "<base href=//evil.test>",
    "<object data=javascript:alert(1)>",
    "&lt;script&gt;&#60;script&#62;alert(1)",
    "<template><script>alert(1)</script>",
)
PAYLOADS = [breakout + base for breakout, base in product(BREAKOUTS, BASES)]
CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = c => { const v = c.slice(0, 3).map(x => x / 255).map(x => {
    return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; });
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; };
  const found = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('title')) continue;
    const style = getComputedStyle(element);
    const front = rgba(element instanceof SVGElement ? style.fill : style.color);
    let holder = element, back = [0, 0, 0, 0];
    while (holder && back[3] < 255) {
      back = rgba(getComputedStyle(holder).backgroundColor);
      holder = holder.parentElement;
    }
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    const shown = walker.currentNode.data.trim().slice(0, 30);
    if (ratio < 4.5) found[element.tagName + '.' + element.className + ': ' + shown] = ratio;
  }
  return found;
}"""


@pytest.fixture(scope="session")
def payloads() -> list[str]:
    """170 ways to break out of HTML, each different."""
    return PAYLOADS


@pytest.fixture(scope="session")
def find_dangers() -> Callable[[str], list[str]]:
    """What of a page could run or fetch: scripts, handlers, addresses outside the page."""

    def find(html: str) -> list[str]:
        found = []
        for element in html5lib.parse(html, namespaceHTMLElements=False).iter():
            tag = str(element.tag).rpartition("}")[2]
            if tag in (
                "script",
                "iframe",
                "object",
                "embed",
                "base",
                "form",
                "template",
                "math",
                "img",
                "foreignObject",
            ):
                found.append(f"<{tag}>")
            for attribute, value in element.items():
                local = str(attribute).rpartition("}")[2].lower()
                if (
                    local.startswith("on")
                    or "javascript:" in re.sub(r"\s", "", value.lower())
                    or local in ("src", "srcdoc", "action")
                ):
                    found.append(f"<{tag} {local}={value[:60]!r}>")
                if local == "href" and not value.startswith("#") and value != "data:,":
                    found.append(f"<{tag} href={value[:60]!r}>")
                if local == "style" and not re.fullmatch(
                    r"(--s|width|left|order):-?[0-9.]+%?(;width:[0-9.]+%)?", value
                ):
                    found.append(f"<{tag} style={value[:60]!r}>")
        return found

    return find


@pytest.fixture(scope="session")
def count_elements() -> Callable[[str], Counter[str]]:
    """How many elements of each kind a browser would build."""
    return lambda html: Counter(str(e.tag) for e in html5lib.parse(html, namespaceHTMLElements=False).iter())


@pytest.fixture(scope="session")
def find_faint() -> Callable[[Any], dict[str, float]]:
    """The texts of an opened page whose contrast is below 4.5, as drawn, each with its contrast."""
    return lambda page: page.evaluate(CONTRASTS)  # type: ignore[no-any-return]
