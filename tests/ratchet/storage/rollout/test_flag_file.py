"""The flag file is whole at every instant, and of two writers one wins."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.testing.homes import SmallClassifier

A, B = "a" * 64, "b" * 64

WRITER = """
import sys
from pathlib import Path
from ratchet.rollout.flag import Rollout
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.home import Home
Flags(Home(Path(sys.argv[1]))).publish("small", Rollout("b" * 64), seen=1)
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose flag is of generation 1."""
    found = Home(tmp_path)
    SmallClassifier(found).write()
    Flags(found).publish("small", Rollout(A), seen=0)
    return found


def test_a_publication_is_read_back(home: Home) -> None:
    """With its generation, in a document that says it is flagd's."""
    found = Flags(home).read()
    assert (found.generation, found.rollouts) == (1, {"small": Rollout(A)})
    assert json.loads(home.flags.read_bytes())["$schema"] == "https://flagd.dev/schema/v0/flags.json"


def test_flags_of_others_are_kept(home: Home) -> None:
    """A team may keep flags of its own in the same file."""
    document = json.loads(home.flags.read_bytes())
    document["flags"]["dark-mode"] = {"state": "ENABLED", "variants": {"on": True}, "defaultVariant": "on"}
    home.flags.write_text(json.dumps(document))
    Flags(home).publish("small", Rollout(B), seen=1)
    assert json.loads(home.flags.read_bytes())["flags"]["dark-mode"]["variants"] == {"on": True}


def test_a_writer_who_saw_an_older_generation_is_told(home: Home) -> None:
    """F22 for flags: the second of two who saw the same file writes nothing."""
    Flags(home).publish("small", Rollout(B), seen=1)
    before = home.flags.read_bytes()
    with pytest.raises(RatchetError, match="generation 2, not 1: someone else published meanwhile"):
        Flags(home).publish("small", Rollout(A), seen=1)
    assert home.flags.read_bytes() == before


@pytest.mark.parametrize(("failpoint", "live"), [("flags.before_write", A), ("flags.after_write", B)])
def test_a_killed_writer_leaves_the_old_file_or_the_new(home: Home, failpoint: str, live: str) -> None:
    """F17: never a half."""
    environment = {**os.environ, "RATCHET_FAILPOINT": f"{failpoint}:kill"}
    killed = subprocess.run([sys.executable, "-c", WRITER, str(home.root)], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert Flags(home).read().rollouts["small"].live == live
    assert not list(home.root.glob(".flags.json*.tmp"))


def test_a_file_cut_anywhere_is_refused(home: Home) -> None:
    """F18: at every byte; an empty file and an empty object too."""
    content = home.flags.read_bytes()
    for cut in (
        *range(len(content.rstrip()) - 1),
        b"{}",
        b"[]",
        b"null",
        b'{"flags": {}, "metadata": {}}',
        b"[" * 100_000,
    ):
        home.flags.write_bytes(content[:cut] if isinstance(cut, int) else cut)
        with pytest.raises(RatchetError, match=r"flags\.json"):
            Flags(home).read()
