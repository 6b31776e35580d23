"""F04, F05: on a real disk that is full or read-only, answers go on, nothing acknowledged is lost, and a rollback
works."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parent / "full_disk.py"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(made: tuple[Home, list[str]], home: Home, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run the script in a mount namespace of its own: what it mounts is gone with it."""
    where = tmp_path / "disk"
    where.mkdir()
    enter = ["unshare", "--map-root-user", "--mount"]
    try:
        tried = subprocess.run([*enter, "mount", "-t", "tmpfs", "none", str(where)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare on PATH: a small disk cannot be mounted")
    if tried.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {tried.stderr.decode().strip()}")

    def start(*options: str, **environment: str) -> dict[str, Any]:
        command = [*enter, sys.executable, str(SCRIPT), str(home.root), str(where), made[1][1], *options]
        variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
        done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return start


def test_a_full_or_read_only_disk_stops_no_answer_and_no_rollback(run: Callable[..., dict[str, Any]]) -> None:
    """Feedback is 507 and never acknowledged; room comes back: rows are taken again without a restart."""
    found = run("--all")
    full, read_only = found["full"], found["read_only"]
    assert (full["feedback_before"], full["feedback_full"], full["feedback_after"], full["feedback_at_the_end"]) == (
        202,
        507,
        202,
        202,
    )
    assert (full["ballast_before"], full["ballast_full"], full["ballast_after"]) == (4 * 2**20, 0, 4 * 2**20)
    assert (full["answer_full"], full["logged_full"], full["unlogged"]) == (200, "0", True)
    assert (full["ready_full"], full["disk_full"]) == (200, "Rows cannot be written: No space left on device.")
    assert full["feedback_while_ballast_is_spent"] == 507  # that room is for the ledger and the flags
    assert (full["rollback_full"], full["rolled_back"], full["rollback_without_a_gateways_help"]) == (
        "done",
        True,
        "done",
    )
    assert full["recovered_s"] <= 5
    assert (full["lost"], full["twice"]) == (0, 0)
    assert (read_only["answer"], read_only["logged"], read_only["feedback"]) == (200, "0", 507)
    assert read_only["disk"] == "Rows cannot be written: Read-only file system."
    assert read_only["feedback_after"] == 202
    assert read_only["feedback_broken"] == [507, 202]
    assert read_only["stored"] == 2


@pytest.mark.faults
def test_a_gateway_that_keeps_no_room_is_caught(
    run: Callable[..., dict[str, Any]], plant_in_copy: Callable[[str, str, str], dict[str, str]]
) -> None:
    """Mutants, both in one run: the ledger does not use the ballast, and rows eat what it gave back."""
    changed = "if not is_full(error) or not release(path):"
    environment = plant_in_copy("ratchet/storage/reserved_space.py", changed, "if error:")
    landing = Path(environment["PYTHONPATH"]) / "gateway" / "row_log.py"
    changed = "if self.ballast.spent and self.ballast_bytes:"
    assert changed in landing.read_text()
    landing.write_text(landing.read_text().replace(changed, "if False:"))
    found = run(**environment)["full"]
    assert found["rollback_without_a_gateways_help"] != "done"
    assert found["feedback_while_ballast_is_spent"] != 507
