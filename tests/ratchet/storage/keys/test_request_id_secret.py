"""The home's secret is made once, whoever comes first, and only its owner can read it."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import ratchet.storage.keys.request_id_secret
from ratchet.core.errors import RatchetError
from ratchet.storage.keys.request_id_secret import keep_secret


def race(keep: Callable[[Path], bytes], path: Path) -> set[bytes]:
    """What eight threads that begin together got."""
    barrier, found = threading.Barrier(8), set[bytes]()

    def begin() -> None:
        barrier.wait()
        found.add(keep(path))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_it_is_made_once_and_private(tmp_path: Path) -> None:
    """The second call gives the first one's secret; the file is 0600 and nothing lies beside it."""
    path = tmp_path / "home" / "request_ids.secret"
    made = keep_secret(path)
    assert (len(made), keep_secret(path)) == (32, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["request_ids.secret"]


def test_of_many_at_once_all_get_the_same(tmp_path: Path) -> None:
    """Fifty races of eight threads: one secret each."""
    for n in range(50):
        assert len(race(keep_secret, tmp_path / str(n))) == 1


def test_a_rename_instead_of_a_link_is_caught(tmp_path: Path, plant: Callable[..., ModuleType]) -> None:
    """Mutant: whoever is slower replaces the secret, and ids that were given already are worth nothing."""
    mutant = plant(ratchet.storage.keys.request_id_secret, "os.link(stage, path)", "os.replace(stage, path)")
    path = tmp_path / "s"
    mutant._make(path, b"a" * 32)
    mutant._make(path, b"b" * 32)
    assert keep_secret(path) == b"b" * 32
    path.unlink()
    ratchet.storage.keys.request_id_secret._make(path, b"a" * 32)
    ratchet.storage.keys.request_id_secret._make(path, b"b" * 32)
    assert keep_secret(path) == b"a" * 32


@pytest.mark.parametrize("content", [b"", b"short", b"zz" * 32, b"\xff" * 64, b"00" * 31])
def test_what_is_no_secret_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged file is not replaced in silence: ids that were given would be worth nothing."""
    path = tmp_path / "s"
    path.write_bytes(content)
    with pytest.raises(RatchetError, match="does not hold a secret"):
        keep_secret(path)
