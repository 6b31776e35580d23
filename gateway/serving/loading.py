"""Loading: what a rollout needs in memory, and what must be true of it before it takes traffic.

An adapter is vouched for by ledger and receipts, its bytes are those that its name says, it answers its canary as it
did when it was trained, and it knows no label that the specification lacks. Where a target runs an export, the export
answers in the adapter's place when the receipt of `target_fit` names its bytes; otherwise the adapter itself does, and
`lacking` says why. Add here another such condition; when a rollout is taken over, and what happens when it cannot be,
is `slots.py`.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports.batched_predictor import ExportPredictor
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.serving_paths import Paths, part_paths
from ratchet.models.adapters.folder import open_folder
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.multi_adapter import AdapterPredictor
from ratchet.models.inference.reference_logits import PROMPTS, check_reference_logits
from ratchet.rollout.flag import Rollout
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import RECORD, Exports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.admission import admit, admitted_export
from ratchet.workflows.rollout.reconcile import rollout_of

Answering = AdapterPredictor | ExportPredictor
_AGAIN_S = 60.0
"""After so long a fault that nobody expected is worth another look: it may be gone, as memory that was short is."""
_LOG = logging.getLogger("ratchet.gateway")


@dataclass(frozen=True)
class Served:
    """What one classifier serves at this moment."""

    spec: Spec
    rollout: Rollout
    predictors: Mapping[str, Answering]
    """By digest: who answers with a calibrated confidence."""
    paths: Paths = field(default_factory=lambda: Paths(None, None))
    edges: Mapping[str, Answering] = field(default_factory=dict)
    """By digest: who answers first, with a label alone. Empty where the gateway runs no such target."""
    lacking: str = ""
    """Why an adapter answers where an export should; empty when all is as the targets ask."""
    awaited: Mapping[Path, int] = field(default_factory=dict)
    """The records of exports that are lacking, with what `stamp_of` says of them: once that changes it is worth another
    look."""
    again_at: float = math.inf
    """When, on the clock that never goes back, what failed to load is worth another look."""

    @property
    def is_outdated(self) -> bool:
        """Whether an export that was lacking may have come."""
        return time.monotonic() >= self.again_at or any(stamp_of(path) != stamp for path, stamp in self.awaited.items())


def load_served(
    home: Home, name: str, rollout: Rollout | None, bases: ModelPool, before: Served | None, told: set[tuple[str, str]]
) -> Served:
    """What `rollout` asks for, loaded and verified; without one, what the ledger says is live, for everyone.

    Adapters that `before` holds are not loaded again. A fault of an export that nobody expected is logged unless `told`
    has it. Raises `RatchetError` when anything is not as it must be.
    """
    if rollout is None:
        state = Ledger(home).state(name)
        if state.live is None:
            raise RatchetError(
                f"{name} has no live adapter.", f"Promote one: ratchet promote {name} --why TEXT.", code="no_live"
            )
        # Without a flag nobody knows whether the operator had killed the candidate, so only live answers.
        rollout = rollout_of(home, name, state, killed=True)
    admit(home, name, rollout)
    specs = Specs(home)
    spec = specs[name]
    paths, loader = part_paths(specs.targets(spec)), _Loader(home, name, rollout, bases, told)
    digests = dict.fromkeys(rollout.adapters.values())
    predictors = {digest: loader.load(digest, paths.export, before.predictors if before else {}) for digest in digests}
    edges = {}
    if (kind := paths.edge_export) is not None:
        edges = {digest: loader.load(digest, kind, before.edges if before else {}) for digest in digests}
    for digest, predictor in predictors.items():
        if other := sorted(set(predictor.labels) - set(spec.labels)):  # a label that is new in the file is no harm
            raise RatchetError(
                f"adapter {digest[:12]} may answer {other[0]!r}, which classifier.toml no longer lists.",
                "Put the label back, or run a cycle with the changed labels and promote it.",
                code="other_labels",
            )
    return Served(spec, rollout, predictors, paths, edges, " ".join(loader.lacking), loader.awaited, loader.again_at)


class _Loader:
    """Loads adapters and exports of one classifier, and keeps what was lacking."""

    def __init__(self, home: Home, name: str, rollout: Rollout, bases: ModelPool, told: set[tuple[str, str]]) -> None:
        self._home, self._name, self._rollout, self._bases, self._told = home, name, rollout, bases, told
        self._adapters: dict[str, AdapterPredictor] = {}
        self.lacking: list[str] = []
        self.awaited: dict[Path, int] = {}
        self.again_at = math.inf

    def load(self, digest: str, kind: str, known: Mapping[str, Answering]) -> Answering:
        """The export `kind` of an adapter, or, without a kind and where the export may not answer, the adapter
        itself."""
        result = known.get(digest)
        if result is not None and export_kind_of(result) == kind:
            return result
        if kind:
            try:
                return self._load_export(digest, kind)
            except RatchetError as error:
                self.lacking.append(f"{self._who(digest)}: {error.message} {error.hint}".strip())
            except Exception as error:  # noqa: BLE001 - a runtime raises what it likes, and the adapter can still answer
                said = (
                    f"loading the {kind} export of adapter {digest[:12]} raised {type(error).__name__}; the log has"
                    " more."
                )
                self._tell(f"{self._name}: {said}", error)
                self.again_at = time.monotonic() + _AGAIN_S
                self.lacking.append(f"{self._who(digest)}: {said}")
        return result if isinstance(result, AdapterPredictor) else self._load_adapter(digest)

    def _who(self, digest: str) -> str:
        """Who answers in an export's place: of live, which users see, without more words; else the slot is named."""
        if digest == self._rollout.live:
            return "The adapter itself answers"
        slots = [slot for slot, held in self._rollout.adapters.items() if held == digest]
        return f"In slot {' and '.join(slots)} the adapter itself answers"

    def _tell(self, said: str, error: Exception) -> None:
        """Log a fault with where it came from, once for each export and error, though it is tried again."""
        if (said, str(error)) not in self._told:
            self._told.add((said, str(error)))
            _LOG.warning("classifier %s", said, exc_info=error)

    def _load_export(self, digest: str, kind: str) -> ExportPredictor:
        exports = Exports(self._home)
        record = exports.folder(self._name, digest, kind) / RECORD
        self.awaited[record] = stamp_of(record)
        files = admitted_export(self._home, self._name, digest, kind)
        if files is None:
            said = f"no receipt of target_fit names the {kind} export of adapter {digest[:12]}."
            cure = "Run its cycle again and promote its adapter." if digest == self._rollout.live else ""
            raise RatchetError(said, cure, code="unvouched")
        result = ExportPredictor(kind, exports.open(self._name, digest, kind, files))
        if KINDS[kind].one_by_one:  # eight bits answer near the canary, not like it
            result.answer([(result, PROMPTS[max(PROMPTS)][:2])])  # warms it up
        else:
            with open_folder(AdapterStore(self._home).open(self._name, digest)) as opened:
                card = opened.card
            check_reference_logits(card, result.logits)
        del self.awaited[record]
        return result

    def _load_adapter(self, digest: str) -> AdapterPredictor:
        """An adapter beside those that serve, once it answers as it did when it was trained; that also warms it up."""
        if digest not in self._adapters:
            predictor = self._bases.load(AdapterStore(self._home).open(self._name, digest))
            check_reference_logits(predictor.card, predictor.logits)
            self._adapters[digest] = predictor
        return self._adapters[digest]


def export_kind_of(answering: Answering) -> str:
    """The export that this is; empty for an adapter itself."""
    return answering.kind if isinstance(answering, ExportPredictor) else ""


def stamp_of(path: Path) -> int:
    """When a file was written last, in nanoseconds; 0 for none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
