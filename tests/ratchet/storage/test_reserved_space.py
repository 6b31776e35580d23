"""Ballast is real room on the disk, made where there is room, let go once, and held again when there is room again."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import ratchet.storage.reserved_space
from ratchet.storage.reserved_space import ReservedSpace, with_reserve

MIB = 2**20


def test_it_holds_real_blocks_and_lets_them_go(tmp_path: Path) -> None:
    """A sparse file would hold nothing."""
    ballast = ReservedSpace(tmp_path / "ballast", MIB)
    assert (ballast.held, ballast.spent) == (0, False)
    assert ballast.fill()
    assert ballast.path.stat().st_blocks * 512 >= MIB
    assert ratchet.storage.reserved_space.release(ballast.path)
    assert (ballast.spent, ballast.path.stat().st_blocks) == (True, 0)
    assert not ratchet.storage.reserved_space.release(ballast.path)
    assert ballast.fill()
    assert not ballast.spent


def test_a_sparse_ballast_is_caught(tmp_path: Path, plant: Callable[..., ModuleType]) -> None:
    """Mutant: the file has its length and holds no block."""
    mutant = plant(
        ratchet.storage.reserved_space, "os.posix_fallocate(file, 0, self.size)", "os.ftruncate(file, self.size)"
    )
    sparse = mutant.ReservedSpace(tmp_path / "ballast", MIB)
    assert sparse.fill()
    assert sparse.path.stat().st_blocks * 512 < MIB


def test_without_room_beside_it_none_is_made(tmp_path: Path) -> None:
    """More than the disk has: nothing is taken, and nothing counts as spent."""
    ballast = ReservedSpace(tmp_path / "ballast", shutil.disk_usage(tmp_path).total)
    assert not ballast.fill()
    assert (ballast.path.exists(), ballast.spent) == (False, False)


def test_a_size_of_nothing_is_no_ballast(tmp_path: Path) -> None:
    """No file is made."""
    assert ReservedSpace(tmp_path / "ballast", 0).fill()
    assert list(tmp_path.iterdir()) == []


def test_another_size_is_taken_over(tmp_path: Path) -> None:
    """A smaller setting gives room back, a larger one takes more."""
    for size in (MIB, MIB // 2, 2 * MIB):
        assert ReservedSpace(tmp_path / "ballast", size).fill()
        assert (tmp_path / "ballast").stat().st_size == size


@pytest.mark.parametrize(
    ("code", "held", "written"), [(errno.ENOSPC, True, True), (errno.ENOSPC, False, False), (errno.EIO, True, False)]
)
def test_only_a_full_disk_is_tried_again(tmp_path: Path, code: int, held: bool, written: bool) -> None:
    """The ballast is not wasted on other faults, and without ballast the fault is told."""
    ballast, tries = ReservedSpace(tmp_path / "ballast", MIB), list[int]()
    if held:
        ballast.fill()

    def write() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError(code, os.strerror(code))
        return "written"

    if written:
        assert with_reserve(ballast.path, write) == "written"
    else:
        with pytest.raises(OSError, match=os.strerror(code)):
            with_reserve(ballast.path, write)
    assert (ballast.held == 0) == (written or not held)
