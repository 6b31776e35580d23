"""Slots: follow all classifiers of a home, swap what they serve as one, choose for each request.

An adapter that is missing, changed or not promoted never serves: the slot keeps what it had, and `problems` says why.
Add here how an adapter is chosen; what one classifier is to serve is `following.py`, checks on adapters are in
`loading.py`, the flag itself is `ratchet/rollout/flag.py`.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.flags.desired_state import read_desired_state
from gateway.flags.evaluation import Evaluator, Factory, FlagEvaluation, resolve_slot
from gateway.flags.file_provider import FileProvider
from gateway.serving.following import Follower, Move
from gateway.serving.loading import Answering, Served, stamp_of
from ratchet.config.spec import Spec
from ratchet.core.timeouts import FLAG_EVALUATION_S
from ratchet.models.inference.model_pool import ModelPool
from ratchet.rollout.flag import LIVE
from ratchet.storage.home import Home
from ratchet.storage.locks.gateway_leases import GatewayLease

_LOG = logging.getLogger("ratchet.gateway")


@dataclass(frozen=True)
class SlotChoice:
    """Adapter that answers one request, with its slot and the specification."""

    slot: str
    digest: str
    predictor: Answering
    spec: Spec
    edge: Answering | None = None
    """Adapter or export that answers first, with a label alone; None if there is only one path."""
    flag_reason: str = ""
    """OpenFeature's reason for the slot, or why the provider's answer was not used; empty where no flag was asked."""


@dataclass(frozen=True)
class ShadowTarget:
    """Adapter that answers a `share` of the requests unseen, after the user's answer, under ledger entry `sequence`."""

    choice: SlotChoice
    share: float
    sequence: int


@dataclass(frozen=True)
class _State:
    """Adapters of all classifiers, and the generation of the flag file that each follows: swapped as one."""

    served: Mapping[str, Served] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Slots:
    """Slots of every classifier of a home. One thread calls `follow`, any thread `choose`."""

    home: Home
    problems: Mapping[str, str] = field(default_factory=dict)
    """Reason why a classifier does not serve what the flags ask for, by name. Empty if all is well."""
    unpromoted: frozenset[str] = frozenset()
    """Names in `problems` that serve nothing because they were never promoted: harmless if another one serves."""
    bases: ModelPool = field(default_factory=ModelPool)
    """Base models in memory, each once. An adapter leaves them when its predictor is no longer held."""
    factory: Factory | None = None
    """Factory of the provider that replaces the flag file, once `start` is called."""
    timeout_s: float = FLAG_EVALUATION_S
    """Seconds to wait for such a provider."""
    observers: Sequence[Callable[[FlagEvaluation], None]] = ()
    """Functions called with every evaluation, in the context of its request."""
    _state: _State = field(default_factory=_State)
    lease: GatewayLease = field(default_factory=GatewayLease)
    """Lease that says which entry this gateway answers by, held once `start` is called."""
    _seen: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _swap: threading.Lock = field(default_factory=threading.Lock)
    _logged: set[tuple[str, str]] = field(default_factory=set)
    _moves: dict[str, Move] = field(default_factory=dict)
    """Moves that lack their flag, by classifier."""

    def __post_init__(self) -> None:
        if self.home.trust.memory is None:  # whoever writes the home cannot change the key of a gateway that runs
            self.home = replace(self.home, trust=self.home.trust.running())
        self._file = FileProvider(self.home)
        self.follower = Follower(self.home, self.bases, logged=self._logged)
        self._evaluator = Evaluator(self._file, self.factory, self.timeout_s)

    def start(self) -> None:
        """Start the factory's provider, if there is one; it decides from now on. Take the lease of this gateway."""
        self._evaluator.start()
        self.lease.take(self.home)

    def stop(self) -> None:
        """Shut the factory's provider down."""
        self._evaluator.stop()
        self.lease.release()

    def follow(self) -> None:
        """Read the flag file and the ledgers, and follow what changed; what cannot be followed is a problem.

        The newest entry of the ledger counts: where the flag is behind it, the ledger itself is followed, and the flag
        is written after a while. A classifier that serves nothing yet gets the ledger's live adapter.
        """
        with self._lock:
            self.lease.keep()
            stamp = (self._file.stamp(), tuple((name, stamp_of(self.home.ledger(name))) for name in self.home.served()))
            waits = self.problems or self._moves or any(each.is_outdated for each in self._state.served.values())
            if stamp == self._seen and not waits:
                return
            desired, before = read_desired_state(self._file), self._state.served
            found = {
                name: self.follower.follow(name, desired, before.get(name), self._moves.get(name))
                for name in self.home.served()
            }
            problems = {name: each.problem for name, each in found.items() if each.problem}
            unpromoted = frozenset(name for name, each in found.items() if each.is_unpromoted)
            served = {**before, **{name: each.served for name, each in found.items() if each.served}}
            generations = {name: each.generation for name, each in found.items() if each.generation is not None}
            generations = {**self._state.generations, **generations}
            # Only new problems are logged: this runs several times a second.
            for name, problem in sorted(set(problems.items()) - set(self.problems.items())):
                if name in unpromoted:
                    _LOG.info("classifier %s: %s", name, problem)
                else:
                    _LOG.warning("classifier %s keeps what it serves: %s", name, problem)
            for name, each in served.items():
                if each.lacking and (name not in before or before[name].lacking != each.lacking):
                    _LOG.warning("classifier %s: %s", name, each.lacking)
            with self._swap:
                self._file.adopt({name: (each.rollout, generations[name]) for name, each in served.items()})
                self._state = _State(served, generations)
            self._moves = {name: each.move for name, each in found.items() if each.move}
            self.problems, self.unpromoted, self._seen = problems, unpromoted, stamp
            self.lease.renew({name: each.rollout.head for name, each in served.items()}, problems)

    def __contains__(self, name: str) -> bool:
        return name in self._state.served

    def __getitem__(self, name: str) -> Served:
        return self._state.served[name]

    def names(self) -> list[str]:
        """Return the classifiers that can answer now."""
        return sorted(self._state.served)

    def choose(self, name: str, key: str) -> SlotChoice:
        """Return the choice for the user or request `key`; raises KeyError for a classifier that does not serve.

        Whatever the provider returns, only the live adapter or the candidate of the flag file answers: the ledger
        admits both, and both are loaded. For anything else, or a provider that failed, live answers; `observers` get
        every evaluation, and a failure is logged once.
        """
        while True:
            state = self._state
            served = state.served[name]
            details = self._evaluator.ask(name, served.rollout.live, key)
            slot, fallback = resolve_slot(details, served.rollout)
            if not fallback:
                break
            # the provider may know the next rollout already: then its state is here once the swap is done
            with self._swap:
                if self._state is state:
                    break
        for observe in self.observers:
            observe(FlagEvaluation(details, key, self._evaluator.provider_name, fallback))
        if fallback and (name, fallback) not in self._logged:
            self._logged.add((name, fallback))
            _LOG.warning("classifier %s: the flag provider gave no usable answer (%s); live answers", name, fallback)
        digest = served.rollout.adapters[slot]
        return replace(_choice(slot, digest, served), flag_reason=fallback or str(details.reason or ""))

    def live(self, name: str) -> SlotChoice:
        """Return the live choice, for any user."""
        served = self._state.served[name]
        return _choice(LIVE, served.rollout.live, served)

    def other_than(self, name: str, digest: str) -> ShadowTarget | None:
        """Return the shadow of an answer of `digest`: the rollout's shadow for live, else live; None without one."""
        served = self._state.served.get(name)
        shadow = served.rollout.adapters.get("shadow") if served else None
        if served is None or shadow is None or digest not in served.predictors:
            return None
        other = shadow if digest == served.rollout.live else served.rollout.live
        return ShadowTarget(_choice("shadow", other, served), served.rollout.shadow_share, served.rollout.head.sequence)


def _choice(slot: str, digest: str, served: Served) -> SlotChoice:
    spec = served.specs.get(digest, served.spec)
    return SlotChoice(slot, digest, served.predictors[digest], spec, served.edges.get(digest))
