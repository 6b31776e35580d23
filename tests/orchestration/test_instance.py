"""Dagster's own home: made once, also when several of its processes begin together."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.instance import open_instance, prepare_dagster_home

pytestmark = pytest.mark.slow

PREPARE = (
    "import sys, pathlib; from orchestration.instance import prepare_dagster_home as p; p(pathlib.Path(sys.argv[1]))"
)


def test_processes_that_start_together_share_one_new_home(tmp_path: Path) -> None:
    """Webserver, daemon and code server of a new home each want its databases; none finds them half made."""
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", PREPARE, str(tmp_path / "dagster")],
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    errors = [process.communicate(timeout=120)[1] for process in starting]
    assert [process.returncode for process in starting] == [0] * 4, errors
    with open_instance(tmp_path / "dagster") as instance:
        assert instance.get_runs_count() == 0


def test_settings_of_the_user_stay_as_they_are(tmp_path: Path) -> None:
    """A `dagster.yaml` that is already there is used, not replaced."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    prepare_dagster_home(tmp_path)
    assert (tmp_path / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"
