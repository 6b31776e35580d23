"""Gate keys of a home: which one its ledgers name, and how another comes into force after a loss or a leak.

Add here what must be known of a gate key besides its files (`ratchet/storage/keys/gate_key.py`). Receipts that another
key signed let nothing enter any more; what is live, watched or returned to stays.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_key, gate_public, replace_gate_key
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import reconcile, record


@dataclass(frozen=True)
class GateKeys:
    """The public half in the home, and by classifier the one that its ledger has in force ('' for none)."""

    home: str
    in_force: dict[str, str]

    @property
    def behind(self) -> list[str]:
        """Classifiers whose ledger has another key in force than the home's: no new candidate of them may enter."""
        return [name for name, key in self.in_force.items() if key and key != self.home]


def read_gate_keys(home: Home) -> GateKeys:
    """Return the gate keys of a home; raises `RatchetError` for a ledger or a key that cannot be read."""
    return GateKeys(gate_public(home), {name: Ledger(home).state(name).gate_key for name in home.served()})


def enter_gate_key(home: Home, why: str, *, make: bool = False) -> list[Entry]:
    """Put the home's gate key into force in each ledger that has none or another, and return these entries.

    With `make` another pair is made first. Killed in between, the same command without it finishes: each ledger gets
    one entry for a key.
    """
    if make:
        replace_gate_key(home)
    public = gate_key(home).public_key().public_bytes_raw().hex()
    entered = []
    for name in home.served():
        reconcile(home, name)
        state = Ledger(home).state(name)
        if state.live is None or state.gate_key == public:
            continue  # before the first promotion the home's key is believed, and that promotion names it
        content = {"ts": datetime.now(UTC).isoformat(timespec="seconds"), "actor": actor(), "week": "", "receipts": {}}
        content |= {"action": act.GATE_KEY, "adapter": state.live, "gate_key": public, "why": why}
        entered.append(record(home, name, after=state.head, **content))
    return entered
