"""The README's way from `ratchet serve` to the first saved label: its commands are run, its output is compared."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.homes import keep_receipts
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows.rollout.reconcile import record

pytestmark = pytest.mark.slow
README = Path(__file__).parents[3] / "README.md"
LABELS = ("refund", "delivery", "account")
_PORT = "8008"


@pytest.fixture
def live(tmp_path: Path, call: Callable[..., Any]) -> Home:
    """A home in which classifier `tickets` is live."""
    home = Home(tmp_path / "home")
    assert call("--home", home.root, "init", "tickets", "--labels", ",".join(LABELS)).code == 0
    base = resolve_base(str(write_tiny_encoder(tmp_path / "base", ["my parcel never came", "money back"])))
    folder = write_tiny_adapter(tmp_path / "adapter", base, LABELS)
    adapter = AdapterStore(home).seal("tickets", folder, {})
    receipts = keep_receipts(home, "tickets", "2026-01-05", adapter)
    ts = "2026-01-05T10:00:00+00:00"
    record(
        home, "tickets", ts=ts, actor="test", action="promote", why="test", adapter=adapter, week="2026-01-05",
        receipts=receipts,
    )  # fmt: skip
    return home


@pytest.mark.feature(39)
def test_the_readme_leads_to_a_saved_label(live: Home) -> None:
    """Every command of the section is run as it stands, on a port that is free; the output is what the README shows."""
    curl = shutil.which("curl")
    if curl is None or subprocess.run([curl, "--json", "{}", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("no curl that knows --json (7.82)")
    section = README.read_text(encoding="utf-8").partition("## From a doubtful answer to a label")[2]
    shown = section.partition("```console\n")[2].partition("```")[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    commands = re.findall(r"^\$ (.*)$", shown, re.M)
    assert len(commands) == 7
    script = "\n".join(commands).replace(_PORT, port).replace("ratchet serve &", f"ratchet serve --port {port} &")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "RATCHET_HOME": str(live.root), "PATH": path, "COLUMNS": "200"}
    done = subprocess.run(
        ["bash", "-c", f"trap 'kill $(jobs -p)' EXIT\n{script}"], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
    )  # fmt: skip
    output = done.stdout.replace(port, _PORT)
    expected = [line for line in shown.splitlines() if not line.startswith("$ ")]
    for part in filter(None, (part.strip() for line in expected for part in line.split("…"))):
        assert part in output, f"{part!r} is not in:\n{output}"
