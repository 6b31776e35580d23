"""A stage folder has one builder, and is removed once that has ended, however it did."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ratchet.storage.staging_folders import stage_folder, sweep_stages
from ratchet.testing.killed_processes import run_and_kill

HOLD = """
import signal, sys
from pathlib import Path
from ratchet.storage.staging_folders import stage_folder
with stage_folder(Path(sys.argv[1]), sys.argv[2]) as stage:
    (stage / "large").touch()
    print(stage.name, flush=True)
    signal.pause()
"""


def names(folder: Path) -> list[str]:
    """What lies there."""
    return sorted(path.name for path in folder.iterdir())


def test_it_is_gone_with_its_block_unless_it_was_moved_away(tmp_path: Path) -> None:
    """With its lock; also after an error."""
    parent = tmp_path / "some" / "where"
    with stage_folder(parent, "one") as stage:
        (stage / "file").touch()
        assert names(parent) == [".one.lock", ".one.stage"]
        stage.rename(parent / "done")
    with pytest.raises(ZeroDivisionError), stage_folder(parent, "one") as stage:
        (stage / "file").write_text(str(1 / 0))
    assert names(parent) == ["done"]


def test_what_a_killed_builder_left_goes_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    """Kill -9; whichever name the next builder has. A name that somebody holds is refused, here and in another
    process."""
    assert run_and_kill(HOLD, [tmp_path, "killed"], 1) == [".killed.stage"]
    assert (tmp_path / ".killed.stage" / "large").exists()
    (tmp_path / ".of_before.stage").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path), "living"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b".living.stage\n"
        assert names(tmp_path) == [".living.lock", ".living.stage"]
        with pytest.raises(BlockingIOError), stage_folder(tmp_path, "living"):
            pass
        with stage_folder(tmp_path, "other"), pytest.raises(BlockingIOError), stage_folder(tmp_path, "other"):
            pass
        assert (tmp_path / ".living.stage" / "large").exists()
        process.kill()
    sweep_stages(tmp_path)
    assert names(tmp_path) == []


def test_there_are_never_two_builders_of_a_name(tmp_path: Path) -> None:
    """Four that come and go as fast as they can: a lock whose file was just removed is not taken for the lock."""
    inside, most, built = [0], [0], [0]

    def build() -> None:
        while built[0] < 200:
            try:
                with stage_folder(tmp_path, "one"):
                    inside[0] += 1
                    most[0], built[0] = max(most[0], inside[0]), built[0] + 1
                    inside[0] -= 1
            except BlockingIOError:
                continue

    threads = [threading.Thread(target=build) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most[0], names(tmp_path)) == (1, [])
