"""Loading: what a rollout needs in memory, and what must be true of it before it takes traffic.

An adapter is vouched for by ledger and receipts, its bytes are those that its name says, it answers its canary as it did when
it was trained, and it knows no label that the specification lacks. Add here another such condition; when a rollout is taken
over, and what happens when it cannot be, is `slots.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ratchet.canary import check_canary
from ratchet.errors import RatchetError
from ratchet.rollout import Rollout
from ratchet.shared_base import SharedBases, SharedPredictor
from ratchet.spec import Spec
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.serving import rollout_of
from ratchet.stores.specs import Specs
from ratchet.stores.vouching import vouch


@dataclass(frozen=True)
class Served:
    """What one classifier serves at this moment."""

    spec: Spec
    rollout: Rollout
    predictors: Mapping[str, SharedPredictor]
    """By digest."""


def load(home: Home, name: str, rollout: Rollout | None, bases: SharedBases, before: Served | None) -> Served:
    """What `rollout` asks for, loaded and verified; without one, what the ledger says is live, for everyone.

    Adapters that `before` holds are not loaded again. Raises `RatchetError` when anything is not as it must be.
    """
    if rollout is None:
        standing = Ledger(home).standing(name)
        if standing.live is None:
            raise RatchetError(f"{name} has no live adapter.", f"Promote one: ratchet promote {name} --why TEXT.", code="no_live")
        # Without a flag nobody knows whether the operator had killed the candidate, so only live answers.
        rollout = rollout_of(home, name, standing, killed=True)
    vouch(home, name, rollout)
    known, spec, store = before.predictors if before else {}, Specs(home)[name], AdapterStore(home)
    predictors = {
        digest: known.get(digest) or _load_one(store.open(name, digest), bases)
        for digest in dict.fromkeys(rollout.adapters.values())
    }
    for digest, predictor in predictors.items():
        if other := sorted(set(predictor.labels) - set(spec.labels)):  # a label that is new in the file is no harm
            raise RatchetError(
                f"adapter {digest[:12]} may answer {other[0]!r}, which classifier.toml no longer lists.",
                "Put the label back, or run a cycle with the changed labels and promote it.",
                code="other_labels",
            )
    return Served(spec, rollout, predictors)


def _load_one(folder: Path, bases: SharedBases) -> SharedPredictor:
    """An adapter beside those that serve, once it answers as it did when it was trained; that also warms it up."""
    predictor = bases.load(folder)
    check_canary(predictor.card, predictor.logits)
    return predictor
