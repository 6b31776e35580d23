"""A lease says which entry a gateway answers by, as long as that gateway lives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home
from ratchet.storage.locks.gateway_leases import GatewayLease, running_gateways
from ratchet.testing.killed_processes import run_and_kill
from ratchet.workflows.rollout.followers import find_followers

HOLD = """
import signal, sys
from pathlib import Path
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.locks.gateway_leases import GatewayLease, running_gateways
from ratchet.storage.home import Home
home, lease = Home(Path(sys.argv[1])), GatewayLease()
lease.take(home)
lease.renew({"small": Head(7, "a" * 64)}, {})
print([each.heads["small"].sequence for each in running_gateways(home)], flush=True)
signal.pause()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


@pytest.fixture
def lease(home: Home) -> Iterator[GatewayLease]:
    """A lease of this process."""
    found = GatewayLease()
    found.take(home)
    yield found
    found.release()


def test_a_lease_tells_head_and_problems(home: Home, lease: GatewayLease) -> None:
    """In one file that keeps its name, however much it says; given back, it is gone."""
    (path,) = home.gateways.iterdir()
    for number in range(1, 60):
        names = {f"classifier-{n}": Head(number, f"{number:064x}") for n in range(number)}
        lease.renew(names, {"classifier-0": "x" * 5000})
        (found,) = running_gateways(home)
        assert (found.pid, dict(found.heads), len(found.problems["classifier-0"])) == (os.getpid(), names, 500)
    lease.renew({"small": Head(7, "a" * 64)}, {})
    assert [dict(each.heads) for each in running_gateways(home)] == [{"small": Head(7, "a" * 64)}], "it was longer"
    assert list(home.gateways.iterdir()) == [path]
    lease.release()
    assert (running_gateways(home), list(home.gateways.iterdir())) == ([], [])


def test_a_killed_gateway_is_not_waited_for(home: Home) -> None:
    """Kill -9: its lease has no lock, counts for nothing, and is removed."""
    assert run_and_kill(HOLD, [home.root], 1) == ["[7]"]
    assert len(list(home.gateways.iterdir())) == 1
    assert running_gateways(home) == []
    assert list(home.gateways.iterdir()) == []
    found = find_followers(home, "small", Head(7, "a" * 64))
    assert "no gateway is running" in found.sentence


@pytest.mark.parametrize(
    ("served", "late"),
    [(Head(6, "b" * 64), True), (Head(7, "a" * 64), False), (Head(8, "c" * 64), False), (None, True)],
)
def test_who_answers_by_an_earlier_entry_is_late(
    home: Home, lease: GatewayLease, served: Head | None, late: bool
) -> None:
    """Or by none at all; a later entry is as good."""
    lease.renew({"small": served} if served else {}, {"small": "its adapter is gone"})
    found = find_followers(home, "small", Head(7, "a" * 64))
    assert bool(found.late) is late
    assert (f"gateway {os.getpid()} does not follow entry 7" in found.sentence) is late
    assert ("its adapter is gone" in found.sentence) is late


def test_a_removed_lease_is_made_again(home: Home, lease: GatewayLease) -> None:
    """Somebody tidied the folder."""
    lease.renew({"small": Head(3, "d" * 64)}, {})
    for path in home.gateways.iterdir():
        path.unlink()
    lease.keep()
    assert [each.heads["small"].sequence for each in running_gateways(home)] == [3]


@pytest.mark.parametrize("content", [b"", b"x", b"00000000\n{}", b"\0" * 5000, b'ffffffff\n{"heads": 3}'])
def test_a_lease_that_cannot_be_read_counts_as_late(home: Home, lease: GatewayLease, content: bytes) -> None:
    """Its gateway runs, and nobody knows what it answers by."""
    (path,) = home.gateways.iterdir()
    path.write_bytes(content)
    assert [each.pid for each in find_followers(home, "small", Head(1, "e" * 64)).late] == [os.getpid()]


def test_a_home_that_cannot_be_written_has_no_lease(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """The gateway serves all the same, and says so once."""
    home.gateways.write_text("in the way")
    found = GatewayLease()
    found.take(home)
    found.renew({}, {})
    assert "no lease of this gateway" in caplog.text
    assert running_gateways(home) == []


def test_a_lease_that_could_not_be_made_is_made_later(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """Once it can be: a gateway that runs is not taken for none for ever. It is logged once, and nothing stays."""
    home.gateways.write_text("in its place")
    lease = GatewayLease()
    lease.take(home)
    lease.renew({"small": Head(7, "a" * 64)}, {})
    for _ in range(3):
        lease.keep()
    assert running_gateways(home) == []
    assert len(caplog.records) == 1
    home.gateways.unlink()
    lease.keep()
    (found,) = running_gateways(home)
    assert dict(found.heads) == {"small": Head(7, "a" * 64)}
    lease.release()
    assert list(home.gateways.iterdir()) == []
