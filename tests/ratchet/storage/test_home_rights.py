"""Files of a home have the rights of its folder's group and none of others; a copy has no more than its source."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.storage.home_rights import follow_home_rights, limit_to_readers, umask_of


@pytest.fixture(autouse=True)
def kept_umask() -> Iterator[None]:
    """Leave the process's umask as it was."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("mode", "umask"),
    [(0o700, 0o077), (0o750, 0o027), (0o770, 0o007), (0o755, 0o027), (0o777, 0o007), (0o720, 0o077), (0o2770, 0o007)],
)
def test_the_folder_of_the_home_decides_for_its_group(mode: int, umask: int) -> None:
    """Others get nothing, whatever the folder gives them; a group that cannot read does not write."""
    assert umask_of(mode) == umask


def test_new_files_and_folders_follow_it(tmp_path: Path) -> None:
    """Also in a home that does not exist yet, whose folder is made by this process."""
    os.umask(0o000)
    follow_home_rights(tmp_path / "new")
    (tmp_path / "new").mkdir()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o770
    (tmp_path / "new").chmod(0o750)
    follow_home_rights(tmp_path / "new")
    (tmp_path / "new" / "file").touch()
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("source", "folder", "copy"),
    [(0o644, 0o755, 0o660), (0o640, 0o750, 0o660), (0o600, 0o755, 0o600), (0o660, 0o700, 0o600), (0o604, 0o755, 0o600)],
)
def test_a_copy_has_no_more_readers_than_its_source(tmp_path: Path, source: int, folder: int, copy: int) -> None:
    """Neither where the source itself, nor where a folder above it keeps the group out."""
    place = tmp_path / "place"
    place.mkdir()
    (place / "source").touch()
    (tmp_path / "copy").touch()
    (tmp_path / "copy").chmod(0o666)
    (place / "source").chmod(source)
    for above in place.parents:
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o010:
            above.chmod(above.stat().st_mode | 0o050)  # pytest's own folders keep the group out
    place.chmod(folder)
    limit_to_readers(tmp_path / "copy", place / "source")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == copy
    place.chmod(0o755)


def test_a_source_that_is_gone_has_no_readers(tmp_path: Path) -> None:
    """Its copy is the owner's alone."""
    (tmp_path / "copy").touch(0o666)
    limit_to_readers(tmp_path / "copy", tmp_path / "gone")
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
