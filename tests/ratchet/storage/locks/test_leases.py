"""A lease says whether a piece of work still has a process, however that process ended."""

import uuid
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from ratchet.storage.locks import leases
from ratchet.storage.locks.leases import Leases
from ratchet.testing.killed_processes import run_and_kill

HOLD = """
import signal, sys
from pathlib import Path
from ratchet.storage.locks.leases import Leases
found = Leases(Path(sys.argv[1]))
with found.hold(sys.argv[2]):
    print(found.state(sys.argv[2]), flush=True)
    signal.pause()
"""


@pytest.fixture
def work() -> str:
    """An id."""
    return str(uuid.uuid4())


def test_a_lease_is_held_and_given_back(tmp_path: Path, work: str) -> None:
    """Twice in one process is once; when the last holder is done nothing is left."""
    found = Leases(tmp_path / "leases")
    assert found.state(work) == "none"
    with found.hold(work):
        with found.hold(work):
            assert found.state(work) == "held"
        assert found.state(work) == "held"
    assert (found.state(work), list(found.folder.iterdir())) == ("none", [])


def test_a_killed_holder_is_told_from_one_that_ended(tmp_path: Path, work: str) -> None:
    """Kill -9: the lease lies there and nobody holds it, until it is forgotten."""
    found = Leases(tmp_path)
    assert run_and_kill(HOLD, [tmp_path, work], 1) == ["held"]
    assert found.state(work) == "left"
    found.forget(work)
    assert found.state(work) == "none"


def test_an_id_never_becomes_a_path(tmp_path: Path) -> None:
    """Only UUIDs are ids."""
    with pytest.raises(ValueError, match="badly formed"):
        Leases(tmp_path).state("../../etc/passwd")


LOCKING = """            stage = path.with_suffix(f".{os.getpid()}")
            descriptor = os.open(stage, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
"""


@pytest.mark.parametrize(("staged", "seen"), [("", "none"), ("            stage = path\n", "left")])
def test_a_lease_is_seen_only_once_it_is_locked(
    tmp_path: Path, work: str, plant: Callable[..., ModuleType], staged: str, seen: str
) -> None:
    """Whoever looks just before the lock sees none yet; the mutant that makes it under its name shows a dead
    holder's."""
    first, second = LOCKING.splitlines(keepends=True)
    looked = f"            SEEN.append(self.state(work))\n            assert SEEN == [{seen!r}]\n"
    looking = plant(leases, LOCKING, first + staged + second + looked)
    found: list[str] = []
    looking.SEEN = found  # type: ignore[attr-defined] # of the planted copy only
    with looking.Leases(tmp_path / "leases").hold(work):
        assert found == [seen]
