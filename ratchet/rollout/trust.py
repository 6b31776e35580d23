"""Trust in a home's ledgers that does not come from the home: a public key and checkpoints that are kept elsewhere.

Whoever can write the home can replace its key pair and every anchor beside it, so a process may be given others to
trust. Add here another thing that vouches from outside; keys are read by `ratchet/storage/rollout/signing_key.py`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Head

PUBLIC_KEY, CHECKPOINT = "RATCHET_PUBLIC_KEY", "RATCHET_CHECKPOINT"
"""Variables that name the key, and the checkpoints or folders of them, separated as in `PATH`."""


@dataclass
class TrustMemory:
    """Key and heads that a running process has seen: it never accepts another key, nor a ledger without them."""

    key: bytes | None = None
    heads: dict[str, Head] = field(default_factory=dict)

    def remember(self, classifier: str, head: Head) -> None:
        """Remember a head that a signed checkpoint vouched for, unless a later one was seen."""
        if classifier not in self.heads or self.heads[classifier].sequence < head.sequence:
            self.heads[classifier] = head


@dataclass(frozen=True)
class Trust:
    """Key and checkpoints that vouch for the ledgers of a home; by default only the public key in the home itself."""

    key: Path | None = None
    """A public key that is trusted instead of the home's."""
    checkpoints: tuple[Path, ...] = ()
    """Signed notes, or folders of `*.txt` notes, each on one classifier: its ledger must hold the entry that one
    names."""
    memory: TrustMemory | None = field(default=None, compare=False)
    """Set in a process that runs for long."""

    def running(self) -> "Trust":
        """Return the trust of a process that starts now and keeps the key that it reads first."""
        return Trust(self.key, self.checkpoints, TrustMemory())

    def notes(self) -> dict[Path, str]:
        """Read every checkpoint; raises `RatchetError` for one that cannot be read, and for a folder without any."""
        result: dict[Path, str] = {}
        for given in self.checkpoints:
            files = sorted(given.glob("*.txt")) if given.is_dir() else [given]
            if not files:
                raise _missing(given, "holds no checkpoint (*.txt)", CHECKPOINT)
            for path in files:
                try:
                    result[path] = path.read_text(encoding="utf-8", errors="replace")
                except OSError as error:
                    raise _missing(path, f"cannot be read ({error.strerror})", CHECKPOINT) from None
        return result

    def check_paths(self) -> None:
        """Raise `RatchetError` for a key or checkpoint that cannot be read, at the start and not at the first use."""
        if self.key is not None and not self.key.is_file():
            odd = "is not a file" if self.key.exists() else "does not exist"
            raise _missing(self.key, odd, PUBLIC_KEY)
        self.notes()


def trust_of(environment: Mapping[str, str] = os.environ) -> Trust:
    """Return the trust that `RATCHET_PUBLIC_KEY` and `RATCHET_CHECKPOINT` ask for; empty variables ask for none."""
    key = environment.get(PUBLIC_KEY, "").strip()
    listed = environment.get(CHECKPOINT, "").split(os.pathsep)
    return Trust(Path(key) if key else None, tuple(Path(each) for each in listed if each.strip()))


def _missing(path: Path, what: str, variable: str) -> RatchetError:
    return RatchetError(
        f"{path} {what}; it is to vouch for the ledgers.",
        f"Give the copy that you keep outside the home, with the option or with {variable}.",
        code="no_file",
    )
