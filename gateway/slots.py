"""Which adapter answers whom: the flag file is followed, adapters are loaded beside those that serve, and swapped whole.

An adapter that is missing, changed or not the promoted one never serves: the slot keeps what it had, and `problems` says why.
Add here what must be true of an adapter before it takes traffic; what the flag says is `ratchet/rollout.py`.
"""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from ratchet.canary import check_canary
from ratchet.errors import RatchetError
from ratchet.rollout import CANDIDATE, LIVE, Rollout
from ratchet.shared_base import SharedBases, SharedPredictor
from ratchet.spec import Spec
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.flags import Flags
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.serving import rollout_of
from ratchet.stores.specs import Specs
from ratchet.stores.vouching import vouch

_LOG = logging.getLogger("ratchet.gateway")


@dataclass(frozen=True)
class Served:
    """What one classifier serves at this moment."""

    spec: Spec
    rollout: Rollout
    predictors: Mapping[str, SharedPredictor]
    """By digest."""


@dataclass(frozen=True)
class Choice:
    """Who answers one request, and by which specification."""

    slot: str
    digest: str
    predictor: SharedPredictor
    spec: Spec


@dataclass(frozen=True)
class Other:
    """The adapter that answers after the one that the user saw, for `share` of the requests, under ledger entry `sequence`."""

    choice: Choice
    share: float
    sequence: int


@dataclass(frozen=True)
class _State:
    """What all classifiers serve, with the evaluator of exactly these rollouts: swapped as one."""

    served: Mapping[str, Served] = field(default_factory=dict)
    flags: FlagdCore = field(default_factory=FlagdCore)

    @classmethod
    def of(cls, served: Mapping[str, Served]) -> "_State":
        flags = FlagdCore()
        flags.set_flags({"flags": {name: found.rollout.as_flag() for name, found in served.items()}})
        return cls(served, flags)


@dataclass
class Slots:
    """The slots of every classifier of a home. `follow` is called by one thread, `choose` by any."""

    home: Home
    problems: Mapping[str, str] = field(default_factory=dict)
    """By classifier: why it does not serve what the flags ask for. Empty when all is well."""
    bases: SharedBases = field(default_factory=SharedBases)
    """The base models in memory, each once. An adapter leaves them when nobody holds its predictor."""
    _state: _State = field(default_factory=_State)
    _seen: tuple[int, int, int] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def follow(self) -> None:
        """Look at the flag file, and take over what changed; what cannot be taken over is a problem.

        A classifier that serves nothing yet while the file is broken gets what the ledger says is live.
        """
        with self._lock:
            stamp = self._stamp()
            if stamp == self._seen and not self.problems:
                return
            names, served, problems = self.home.classifiers(), dict(self._state.served), {}
            rollouts: Mapping[str, Rollout] = {}
            try:
                rollouts = Flags(self.home).read().rollouts
            except RatchetError as error:
                problems = dict.fromkeys(names, str(error))
            for name in names:
                if name in problems and name in served:
                    continue
                try:
                    served[name] = self._take(name, rollouts.get(name))
                except RatchetError as error:
                    problems[name] = str(error)
            for name, said in sorted(set(problems.items()) - set(self.problems.items())):
                _LOG.warning("classifier %s keeps what it serves: %s", name, said)
            self._state, self.problems, self._seen = _State.of(served), problems, stamp

    def __contains__(self, name: str) -> bool:
        return name in self._state.served

    def __getitem__(self, name: str) -> Served:
        return self._state.served[name]

    def names(self) -> list[str]:
        """The classifiers that can answer now."""
        return sorted(self._state.served)

    def choose(self, name: str, key: str) -> Choice:
        """Who answers the user or request `key`; raises KeyError for a classifier that does not serve."""
        state = self._state
        served = state.served[name]
        found = state.flags.resolve_string_value(name, served.rollout.live, EvaluationContext(targeting_key=key))
        slot = CANDIDATE if found.variant == CANDIDATE else LIVE
        return Choice(slot, found.value, served.predictors[found.value], served.spec)

    def live(self, name: str) -> Choice:
        """The choice of those who get what is live, whatever the flag says of them."""
        served = self._state.served[name]
        return Choice(LIVE, served.rollout.live, served.predictors[served.rollout.live], served.spec)

    def other_than(self, name: str, digest: str) -> Other | None:
        """Who shadows an answer of `digest`: the rollout's shadow what live said, and live what the candidate said; or nobody."""
        served = self._state.served.get(name)
        shadow = served.rollout.adapters.get("shadow") if served else None
        if served is None or shadow is None or digest not in served.predictors:
            return None
        other = shadow if digest == served.rollout.live else served.rollout.live
        choice = Choice("shadow", other, served.predictors[other], served.spec)
        return Other(choice, served.rollout.shadow_share, served.rollout.head.sequence)

    def _take(self, name: str, rollout: Rollout | None) -> Served:
        """What `rollout` asks for, loaded and verified; without one, what the ledger says is live."""
        if rollout is None:
            standing = Ledger(self.home).standing(name)
            if standing.live is None:
                raise RatchetError(
                    f"{name} has no live adapter.", f"Promote one: ratchet promote {name} --why TEXT.", code="no_live"
                )
            rollout = rollout_of(self.home, name, standing)
        vouch(self.home, name, rollout)
        answering = dict.fromkeys(rollout.adapters.values())
        before = self._state.served.get(name)
        known = before.predictors if before else {}
        store, spec = AdapterStore(self.home), Specs(self.home)[name]
        predictors = {digest: known.get(digest) or self._load(store.open(name, digest)) for digest in answering}
        for digest, predictor in predictors.items():
            if other := sorted(set(predictor.labels) - set(spec.labels)):  # a label that is new in the file is no harm
                raise RatchetError(
                    f"adapter {digest[:12]} may answer {other[0]!r}, which classifier.toml no longer lists.",
                    "Put the label back, or run a cycle with the changed labels and promote it.",
                    code="other_labels",
                )
        return Served(spec, rollout, predictors)

    def _load(self, folder: Path) -> SharedPredictor:
        """An adapter beside those that serve, once it answers as it did when it was trained; that also warms it up."""
        predictor = self.bases.load(folder)
        check_canary(predictor.card, predictor.logits)
        return predictor

    def _stamp(self) -> tuple[int, int, int]:
        try:
            found = self.home.flags.stat()
        except FileNotFoundError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_ino, found.st_size)
