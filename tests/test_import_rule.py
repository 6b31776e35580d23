"""The order of the rooms is held: an import upward, or a circle, breaks `lint-imports` wherever it hides."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLANTED = {
    "ratchet/core/errors.py": "from ratchet.config.machine import Machine\nfrom ratchet.core.names import NAME\n",
    "ratchet/metrics/thresholds.py": "def lazy() -> None:\n    import ratchet.gates.leakage\n",
    "ratchet/data/splitting.py": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ratchet.storage.home import Home\n"
    ),
    "ratchet/storage/locks/leases.py": "from ratchet.testing.homes import write_lines\n",
}
"""Imports that no rule allows: at the top, inside a function, for types alone, of test support; and one that closes a
circle between two modules of a room."""
BROKEN = (
    "ratchet.core.errors -> ratchet.config.machine",
    "ratchet.metrics.thresholds -> ratchet.gates.leakage",
    "ratchet.data.splitting -> ratchet.storage.home",
    "ratchet.storage.locks.leases -> ratchet.testing.homes",
    "No cycles are allowed in ratchet.core.",
)


def test_every_planted_import_is_found(tmp_path: Path) -> None:
    """In a copy of the product; the contracts of the real one are held by `make check`."""
    for package in ("assets", "checks", "gateway", "orchestration", "ratchet", "resources"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, line in PLANTED.items():
        path = tmp_path / name
        path.write_text(f"{path.read_text()}\n{line}")
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [*command, "--no-cache"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert [each for each in BROKEN if each not in done.stdout] == []
