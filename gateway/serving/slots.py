"""Which adapter answers whom: the flag file is followed, adapters are loaded beside those that serve, and swapped
whole.

An adapter that is missing, changed or not the promoted one never serves: the slot keeps what it had, and `problems`
says why. Add here what must be true of an adapter before it takes traffic; what the flag says is
`ratchet/rollout/flag.py`.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.flags.desired_state import DesiredState, read_desired_state
from gateway.flags.evaluation import Evaluator, Factory, FlagEvaluation, resolve_slot
from gateway.flags.file_provider import FileProvider
from gateway.serving.loading import Answering, Served, load_served
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.models.inference.model_pool import ModelPool
from ratchet.rollout.flag import LIVE, Rollout
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger

_LOG = logging.getLogger("ratchet.gateway")
_MOVE_S = 2.0
"""So long a move may take from its entry in the ledger to its flag. What lasts longer was cut short."""


@dataclass(frozen=True)
class SlotChoice:
    """Who answers one request, and by which specification."""

    slot: str
    digest: str
    predictor: Answering
    spec: Spec
    edge: Answering | None = None
    """Who answers first, with a label alone; None where there is one path only."""


@dataclass(frozen=True)
class ShadowTarget:
    """The adapter that answers after the one that the user saw, for `share` of the requests, under ledger entry
    `sequence`."""

    choice: SlotChoice
    share: float
    sequence: int


@dataclass(frozen=True)
class _State:
    """What all classifiers serve, with the generation of the flag file that each follows: swapped as one."""

    served: Mapping[str, Served] = field(default_factory=dict)
    generations: Mapping[str, int] = field(default_factory=dict)


@dataclass
class Slots:
    """The slots of every classifier of a home. `follow` is called by one thread, `choose` by any."""

    home: Home
    problems: Mapping[str, str] = field(default_factory=dict)
    """By classifier: why it does not serve what the flags ask for. Empty when all is well."""
    unpromoted: frozenset[str] = frozenset()
    """Those of `problems` that serve nothing because nothing of them was ever promoted: no harm where another serves.
    """
    bases: ModelPool = field(default_factory=ModelPool)
    """The base models in memory, each once. An adapter leaves them when nobody holds its predictor."""
    factory: Factory | None = None
    """Makes the provider that decides in the flag file's place, once `start` is called."""
    timeout_s: float = 0.05
    """How long such a provider is waited for."""
    observers: Sequence[Callable[[FlagEvaluation], None]] = ()
    """Each is told of every evaluation, in the context of the request."""
    clock: Callable[[], float] = time.monotonic
    _state: _State = field(default_factory=_State)
    _seen: tuple[int, int, int] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _swap: threading.Lock = field(default_factory=threading.Lock)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _moving: dict[str, tuple[Head, float]] = field(default_factory=dict)
    """By classifier whose flag is one entry behind: the ledger's head, and when that was seen first."""

    def __post_init__(self) -> None:
        self._file = FileProvider(self.home)
        self._evaluator = Evaluator(self._file, self.factory, self.timeout_s)

    def start(self) -> None:
        """Let the factory's provider decide from now on, if there is one."""
        self._evaluator.start()

    def stop(self) -> None:
        """Shut the factory's provider down."""
        self._evaluator.stop()

    def follow(self) -> None:
        """Look at the flag file, and take over what changed; what cannot be taken over is a problem.

        A classifier that serves nothing yet while its flag cannot be followed gets what the ledger says is live.
        """
        with self._lock:
            stamp = self._file.stamp()
            waits = self.problems or self._moving or any(each.is_outdated for each in self._state.served.values())
            if stamp == self._seen and not waits:
                return
            served, generations, problems = dict(self._state.served), dict(self._state.generations), dict[str, str]()
            moving, unpromoted = dict[str, tuple[Head, float]](), set[str]()
            asked = read_desired_state(self._file)
            for name in self.home.classifiers():
                wanted: list[Rollout | None] = []
                try:
                    wanted.append(asked.rollout(name, Ledger(self.home).head(name)))
                except Exception as error:  # noqa: BLE001 - what is wrong with one must not keep the others from following
                    if begun := self._begun(name, error, asked):
                        moving[name] = begun
                    if not begun or self.clock() - begun[1] >= _MOVE_S:
                        problems[name] = self._explain(name, error)
                if name not in served and None not in wanted:
                    wanted.append(None)
                for rollout in wanted:
                    try:
                        served[name] = load_served(
                            self.home, name, rollout, self.bases, self._state.served.get(name), self._told
                        )
                        generations[name] = asked.flags.generation if rollout else 0
                        break
                    except Exception as error:  # noqa: BLE001 - as above: no memory, a disk that fails, a runtime's own
                        if (
                            isinstance(error, RatchetError)
                            and error.code == "no_live"
                            and not {name} & (problems.keys() | served.keys())
                        ):
                            unpromoted.add(name)
                        problems.setdefault(name, self._explain(name, error))
                if name in problems.keys() | moving.keys() and name in served and asked.kills(name):
                    served[name] = replace(served[name], rollout=replace(served[name].rollout, killed=True))
            for name, said in sorted(set(problems.items()) - set(self.problems.items())):
                if name in unpromoted:
                    _LOG.info("classifier %s: %s", name, said)
                else:
                    _LOG.warning("classifier %s keeps what it serves: %s", name, said)
            for name, each in served.items():
                before = self._state.served.get(name)
                if each.lacking and (before is None or before.lacking != each.lacking):
                    _LOG.warning("classifier %s: %s", name, each.lacking)
            with self._swap:
                self._file.adopt({name: (each.rollout, generations[name]) for name, each in served.items()})
                self._state = _State(served, generations)
            self.problems, self.unpromoted, self._moving, self._seen = problems, frozenset(unpromoted), moving, stamp

    def _begun(self, name: str, error: Exception, asked: DesiredState) -> tuple[Head, float] | None:
        """Head and first sight of a move whose entry stands and whose flag is still that of the entry before; else
        None."""
        if not isinstance(error, RatchetError) or error.code != "stale_flag":
            return None
        try:
            state = Ledger(self.home).state(name)
        except (RatchetError, OSError):
            return None  # the flag's own error is said
        rollout = asked.flags.rollouts.get(name)
        flagged = rollout.head if rollout else Head()
        if state.newest is None or flagged != Head(state.head.sequence - 1, state.newest.previous):
            return None
        before = self._moving.get(name)
        return before if before and before[0] == state.head else (state.head, self.clock())

    def _explain(self, name: str, error: Exception) -> str:
        """The problem in words; what nobody expected is logged with where it came from, once."""
        if isinstance(error, RatchetError):
            return str(error)
        said = f"loading it raised {type(error).__name__}; the log has more. It is tried again at every look."
        if (name, said) not in self._told:
            self._told.add((name, said))
            _LOG.warning("classifier %s: %s", name, said, exc_info=error)
        return said

    def __contains__(self, name: str) -> bool:
        return name in self._state.served

    def __getitem__(self, name: str) -> Served:
        return self._state.served[name]

    def names(self) -> list[str]:
        """The classifiers that can answer now."""
        return sorted(self._state.served)

    def choose(self, name: str, key: str) -> SlotChoice:
        """Who answers the user or request `key`; raises KeyError for a classifier that does not serve.

        Whatever the provider says, only the live adapter or the candidate of the flag file answers: both are vouched
        for by the ledger and loaded. Anything else, and a provider that failed, is live; told to `observers`, and
        logged once.
        """
        while True:
            state = self._state
            served = state.served[name]
            said = self._evaluator.ask(name, served.rollout.live, key)
            slot, fallback = resolve_slot(said, served.rollout)
            if not fallback:
                break
            # the provider may know the next rollout already: then its state is here once the swap is done
            with self._swap:
                if self._state is state:
                    break
        for observe in self.observers:
            observe(FlagEvaluation(said, key, self._evaluator.provider_name, fallback))
        if fallback and (name, fallback) not in self._told:
            self._told.add((name, fallback))
            _LOG.warning("classifier %s: the flag provider gave no usable answer (%s); live answers", name, fallback)
        digest = served.rollout.adapters[slot]
        return _choice(slot, digest, served)

    def live(self, name: str) -> SlotChoice:
        """The choice of those who get what is live, whatever the flag says of them."""
        served = self._state.served[name]
        return _choice(LIVE, served.rollout.live, served)

    def other_than(self, name: str, digest: str) -> ShadowTarget | None:
        """Who shadows an answer of `digest`: the rollout's shadow what live said, and live what the candidate said; or
        nobody."""
        served = self._state.served.get(name)
        shadow = served.rollout.adapters.get("shadow") if served else None
        if served is None or shadow is None or digest not in served.predictors:
            return None
        other = shadow if digest == served.rollout.live else served.rollout.live
        return ShadowTarget(_choice("shadow", other, served), served.rollout.shadow_share, served.rollout.head.sequence)


def _choice(slot: str, digest: str, served: Served) -> SlotChoice:
    return SlotChoice(slot, digest, served.predictors[digest], served.spec, served.edges.get(digest))
