"""Slots: follow the flag file, load adapters beside those that serve, swap them whole, choose for each request.

An adapter that is missing, changed or not promoted never serves: the slot keeps what it had, and `problems` says why.
Add here how rollouts are followed and chosen from; checks on adapters are in `loading.py`, the flag itself is
`ratchet/rollout/flag.py`.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.flags.desired_state import (
    WantedRollout,
    choose_rollout,
    finish_move,
    ledger_alone,
    name_gap,
    read_desired_state,
)
from gateway.flags.evaluation import Evaluator, Factory, FlagEvaluation, resolve_slot
from gateway.flags.file_provider import FileProvider
from gateway.serving.loading import Answering, Served, load_served, stamp_of
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import FLAG_EVALUATION_S, LEDGER_TO_FLAG_S
from ratchet.models.inference.model_pool import ModelPool
from ratchet.rollout.flag import LIVE, Rollout
from ratchet.rollout.ledger_entry import Head
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.gateway_leases import GatewayLease
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger

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
    clock: Callable[[], float] = time.monotonic
    _state: _State = field(default_factory=_State)
    lease: GatewayLease = field(default_factory=GatewayLease)
    """Lease that says which entry this gateway answers by, held once `start` is called."""
    _seen: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _swap: threading.Lock = field(default_factory=threading.Lock)
    _logged: set[tuple[str, str]] = field(default_factory=set)
    _moving: dict[str, tuple[Head, float]] = field(default_factory=dict)
    """Head of the ledger and when it was first seen, by classifier whose flag is one entry behind."""

    def __post_init__(self) -> None:
        if self.home.trust.memory is None:  # whoever writes the home cannot change the key of a gateway that runs
            self.home = replace(self.home, trust=self.home.trust.running())
        self._file = FileProvider(self.home)
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
            waits = self.problems or self._moving or any(each.is_outdated for each in self._state.served.values())
            if stamp == self._seen and not waits:
                return
            served, generations, problems = dict(self._state.served), dict(self._state.generations), dict[str, str]()
            moving, unpromoted = dict[str, tuple[Head, float]](), set[str]()
            desired = read_desired_state(self._file)
            for name in self.home.served():
                wanted: list[Rollout | None] = []
                state, half_done = RolloutState(), False
                try:
                    entries = Ledger(self.home).entries(name)
                    state = state_after(entries)
                    now = served[name].rollout if name in served else None
                    want = choose_rollout(self.home, name, desired, entries, now)
                    half_done = want.half_done
                    if want.rollout or not want.fault:
                        wanted.append(want.rollout)
                    if alone := ledger_alone(self.home, name, entries, now):
                        wanted.append(alone)
                    if want.half_done and (begun := self._wait_for_flag(name, state.head, want)):
                        moving[name] = begun
                    elif want.fault:
                        problems[name] = str(want.fault)
                except Exception as error:  # noqa: BLE001 - a fault of one classifier must not stop the others
                    problems[name] = self._explain(name, error)
                if name not in served and None not in wanted:
                    wanted.append(None)
                for rollout in wanted:
                    try:
                        served[name] = load_served(
                            self.home, name, rollout, self.bases, self._state.served.get(name), self._logged
                        )
                        generations[name] = desired.flags.generation if rollout else 0
                        break
                    except Exception as error:  # noqa: BLE001 - as above: memory, disk, or a runtime's own
                        if (
                            isinstance(error, RatchetError)
                            and error.code == "no_live"
                            and not {name} & (problems.keys() | served.keys())
                        ):
                            unpromoted.add(name)
                        problems.setdefault(name, self._explain(name, error))
                if name in served and (gap := name_gap(state, served[name].rollout.head)):
                    problems[name] = f"{gap} {problems.get(name, '')}".strip()
                if name in problems and not half_done and name in served and desired.kills(name):
                    # The kill switch holds even if the rest of its flag cannot be followed.
                    served[name] = replace(served[name], rollout=replace(served[name].rollout, killed=True))
            # Only new problems are logged: this runs several times a second.
            for name, problem in sorted(set(problems.items()) - set(self.problems.items())):
                if name in unpromoted:
                    _LOG.info("classifier %s: %s", name, problem)
                else:
                    _LOG.warning("classifier %s keeps what it serves: %s", name, problem)
            for name, each in served.items():
                before = self._state.served.get(name)
                if each.lacking and (before is None or before.lacking != each.lacking):
                    _LOG.warning("classifier %s: %s", name, each.lacking)
            with self._swap:
                self._file.adopt({name: (each.rollout, generations[name]) for name, each in served.items()})
                self._state = _State(served, generations)
            self.problems, self.unpromoted, self._moving, self._seen = problems, frozenset(unpromoted), moving, stamp
            self.lease.renew({name: each.rollout.head for name, each in served.items()}, problems)

    def _wait_for_flag(self, name: str, head: Head, want: WantedRollout) -> tuple[Head, float] | None:
        """Return when the move to `head` was first seen without its flag, while its writer may still be at work.

        After that the flag is written here; None where that failed, which is a problem then.
        """
        before = self._moving.get(name)
        begun = before if before and before[0] == head else (head, self.clock())
        if self.clock() - begun[1] < LEDGER_TO_FLAG_S:
            return begun
        reason = finish_move(self.home, name)
        if reason and want.fault is not None and (name, reason) not in self._logged:
            self._logged.add((name, reason))
            _LOG.warning("classifier %s: its flag cannot be written here: %s", name, reason)
        return None if reason else begun

    def _explain(self, name: str, error: Exception) -> str:
        """Return the sentence for a problem; an unexpected one is also logged with its traceback, once."""
        if isinstance(error, RatchetError):
            return str(error)
        problem = f"loading it raised {type(error).__name__}; the log has more. It is tried again at every look."
        if (name, problem) not in self._logged:
            self._logged.add((name, problem))
            _LOG.warning("classifier %s: %s", name, problem, exc_info=error)
        return problem

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
        return _choice(slot, digest, served)

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
