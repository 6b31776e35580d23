"""Trust from outside the home: what a writer of the home without the key can forge is seen by every door."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.app import create_app
from gateway.settings import read_settings
from orchestration.cli.app import main
from orchestration.cli.session import pin
from ratchet.core.errors import RatchetError
from ratchet.rollout.trust import CHECKPOINT, PUBLIC_KEY, Trust, trust_of
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.verify import verify_ledger
from resources.storage import open_home

A, B, C = "a" * 64, "b" * 64, "c" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}


def write(root: Path, *adapters: str) -> Home:
    """A home in which each adapter was promoted after the other."""
    home = Home(root)
    SmallClassifier(home).write()
    for adapter in adapters:
        receipts = keep_receipts(home, "small", "2026-01-05", adapter)
        record(home, "small", action="promote", adapter=adapter, receipts=receipts, **SAID)
    return home


@dataclass(frozen=True)
class Kept:
    """A home with two entries, and what its operator keeps elsewhere."""

    home: Home
    key: Path
    notes: Path

    @property
    def environment(self) -> dict[str, str]:
        """The two variables."""
        return {PUBLIC_KEY: str(self.key), CHECKPOINT: str(self.notes)}


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """B is live; key and checkpoint are copied elsewhere."""
    home, elsewhere = write(tmp_path / "home", A, B), tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(home.public_key, elsewhere / "key.pub")
    shutil.copy(home.checkpoint("small"), elsewhere / "small.txt")
    (elsewhere / "other.txt").write_text("ratchet/other\n1\n00\n\n— ratchet AA==\n")  # on another classifier
    return Kept(home, elsewhere / "key.pub", elsewhere)


def copy_ledger(source: Home, target: Home, *, pair: bool) -> None:
    """Put one home's ledger, checkpoint and flag into another, and its key pair too."""
    paths = [source.ledger("small"), source.checkpoint("small"), source.flags]
    for path in paths + ([source.public_key, source.signing_key] if pair else []):
        shutil.copy(path, target.root / path.relative_to(source.root))


def replace_the_pair(kept: Kept, scratch: Path) -> None:
    """A new pair, and a whole history by it."""
    copy_ledger(write(scratch, C), kept.home, pair=True)


def set_the_home_back(kept: Kept, scratch: Path) -> None:
    """Ledger, checkpoint and flag of one entry ago, all rightly signed."""
    old = Home(Path(shutil.copytree(kept.home.root, scratch)))
    for path in (old.ledger("small"), old.checkpoint("small"), old.flags):
        path.unlink()
    receipts = keep_receipts(old, "small", "2026-01-05", A)
    record(old, "small", action="promote", adapter=A, receipts=receipts, **SAID)
    copy_ledger(old, kept.home, pair=False)


def remove_the_history(kept: Kept, scratch: Path) -> None:
    """A home that seems to be new."""
    for path in (kept.home.ledger("small"), kept.home.checkpoint("small"), kept.home.flags):
        path.unlink()


FORGERIES: dict[str, Callable[[Kept, Path], None]] = {
    "another pair and its history": replace_the_pair,
    "the home of an entry ago": set_the_home_back,
    "no history": remove_the_history,
}


def by_the_command(kept: Kept, patch: pytest.MonkeyPatch) -> bool:
    """`ratchet status` with its options."""
    options = ["--public-key", str(kept.key), "--checkpoint", str(kept.notes)]
    return main(["--home", str(kept.home.root), "status", "small", *options]) == 0


def by_the_environment(kept: Kept, patch: pytest.MonkeyPatch) -> bool:
    """Every command reads the variables, `rollback` as an example of one that writes."""
    for name, value in kept.environment.items():
        patch.setenv(name, value)
    return main(["--home", str(kept.home.root), "status", "small"]) == 0


def by_verify(kept: Kept, patch: pytest.MonkeyPatch) -> bool:
    """The ledger's finding of `ratchet verify` with its options; the adapters of this home are only names."""
    return not verify_ledger(pin(kept.home, kept.key, [kept.notes]), "small")[0].fault


def by_a_sensor(kept: Kept, patch: pytest.MonkeyPatch) -> bool:
    """The home that Dagster's resources open for sensors and jobs."""
    for name, value in kept.environment.items():
        patch.setenv(name, value)
    return reads(open_home(str(kept.home.root)))


def by_a_new_gateway(kept: Kept, patch: pytest.MonkeyPatch) -> bool:
    """A gateway that starts with the variables."""
    for name, value in kept.environment.items():
        patch.setenv(name, value)
    return reads(create_app(read_settings(home=kept.home.root, ballast_bytes=0, open=True)).state.gateway.slots.home)


def reads(home: Home) -> bool:
    """True where the ledger can be read."""
    try:
        return Ledger(home).live("small") is not None
    except RatchetError:
        return False


DOORS = {
    "status": by_the_command,
    "any command": by_the_environment,
    "verify": by_verify,
    "a sensor": by_a_sensor,
    "a new gateway": by_a_new_gateway,
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_a_pinned_key_and_checkpoint(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, door: str
) -> None:
    """T20: what is as it was is served; each forgery is seen, though everything in the home fits together."""
    assert DOORS[door](kept, monkeypatch)
    good = shutil.copytree(kept.home.root, tmp_path / "good")
    for name, forge in FORGERIES.items():
        forge(kept, tmp_path / name)
        assert not DOORS[door](kept, monkeypatch), name
        shutil.rmtree(kept.home.root)
        shutil.copytree(good, kept.home.root)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_running_process_keeps_key_and_history_that_it_saw(kept: Kept, tmp_path: Path, forgery: str) -> None:
    """Without anything pinned, too: it began with the rightful home."""
    running = replace(kept.home, trust=Trust().running())
    assert Ledger(running).live("small") == B
    FORGERIES[forgery](kept, tmp_path / "forged")
    with pytest.raises(RatchetError, match=r"is not signed with this home's key|this running process vouches for 2"):
        Ledger(running).live("small")


def test_an_entry_without_its_checkpoint_is_not_remembered(kept: Kept) -> None:
    """Its writer may take it out again where the disk failed; a running process must go on then."""
    running = replace(kept.home, trust=Trust().running())
    files = kept.home.ledger("small"), kept.home.checkpoint("small")
    before = [path.read_bytes() for path in files]
    receipts = keep_receipts(kept.home, "small", "2026-01-05", C)
    Ledger(kept.home).append("small", action="promote", adapter=C, receipts=receipts, **SAID)
    files[1].write_bytes(before[1])
    assert Ledger(running).live("small") == C
    files[0].write_bytes(before[0])
    assert Ledger(running).live("small") == B


def test_nothing_is_signed_that_readers_would_reject(kept: Kept, tmp_path: Path) -> None:
    """Another private key, or none: the promoter says so, and neither writes an entry nor makes a pair."""
    other = write(tmp_path / "other", C)
    ledger = Ledger(replace(kept.home, trust=Trust(kept.key)))
    before = kept.home.ledger("small").read_bytes()
    shutil.copy(other.signing_key, kept.home.signing_key)
    with pytest.raises(RatchetError, match="does not belong to the public key"):
        ledger.append("small", action="rollback", adapter=A, previous_adapter=B, receipts={}, **SAID)
    for path in (kept.home.signing_key, kept.home.public_key):
        path.unlink()
    with pytest.raises(RatchetError, match=r"signing_key\.pem is missing"):
        ledger.append("small", action="rollback", adapter=A, previous_adapter=B, receipts={}, **SAID)
    assert kept.home.ledger("small").read_bytes() == before
    assert not kept.home.signing_key.exists()


@pytest.mark.parametrize("variable", [PUBLIC_KEY, CHECKPOINT])
def test_what_is_pinned_and_missing_is_said_at_the_start(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A gateway does not start on less trust than it was asked to have."""
    for name, value in {**kept.environment, variable: str(kept.notes / "absent")}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(RatchetError, match="absent") as caught:
        create_app(read_settings(home=kept.home.root, open=True))
    assert variable in caught.value.hint


def test_the_variables_are_read_as_paths() -> None:
    """Empty ones ask for nothing; several checkpoints are separated as in PATH."""
    assert trust_of({PUBLIC_KEY: " ", CHECKPOINT: ""}) == Trust()
    listed = os.pathsep.join(["/a.txt", "/notes"])
    assert trust_of({PUBLIC_KEY: "/k.pub", CHECKPOINT: listed}) == Trust(
        Path("/k.pub"), (Path("/a.txt"), Path("/notes"))
    )
