"""Loading of the adapters and exports of a rollout, and the checks on them before they take traffic.

Ledger and receipts must admit an adapter, its bytes must match its digest, it must answer the canary as it did in
training. Its labels, actions and thresholds are those of the newest sealed policy that fits it, not those of the file;
a threshold that was sealed with the adapter goes before where it is higher.
Where a target runs an export, the export answers in place of the adapter if the receipt of `target_fit` names its
bytes; otherwise the adapter itself does, and `lacking` says why. Add here another such check; when a rollout is
followed, and what happens if it cannot be, is `following.py`.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LOAD_RETRY_S
from ratchet.deployment.exports.batched_predictor import ExportPredictor
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.serving_paths import Paths, part_paths
from ratchet.models.adapters.folder import open_folder
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.multi_adapter import AdapterPredictor
from ratchet.models.inference.reference_logits import PROMPTS, check_reference_logits
from ratchet.rollout.flag import Rollout
from ratchet.rollout.sealed_policy import raise_thresholds
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import RECORD, Exports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.fit_acting import read_thresholds
from ratchet.workflows.rollout.admission import admit, admitted_export
from ratchet.workflows.rollout.reconcile import rollout_of
from ratchet.workflows.rollout.sealing import read_spec, serving_spec

Answering = AdapterPredictor | ExportPredictor
_LOG = logging.getLogger("ratchet.gateway")


@dataclass(frozen=True)
class Served:
    """Adapters and exports that one classifier serves at this moment."""

    spec: Spec
    """Specification of live, with its sealed policy."""
    rollout: Rollout
    predictors: Mapping[str, Answering]
    """Adapter or export that answers with a calibrated confidence, by digest."""
    paths: Paths = field(default_factory=lambda: Paths(None, None))
    edges: Mapping[str, Answering] = field(default_factory=dict)
    """Export or adapter that answers first, with a label alone, by digest. Empty if the gateway runs no such target."""
    lacking: str = ""
    """Reason why an adapter answers in place of an export; empty if all is as the targets require."""
    awaited: Mapping[Path, int] = field(default_factory=dict)
    """Records of missing exports, with the result of `stamp_of`: loading is tried again once that changes."""
    again_at: float = math.inf
    """Time (monotonic seconds) at which loading what failed is tried again."""
    specs: Mapping[str, Spec] = field(default_factory=dict)
    """Specification by which each adapter serves, by digest: the newest sealed policy that fits its labels."""

    @property
    def is_outdated(self) -> bool:
        """True where an export that was missing may have arrived."""
        return time.monotonic() >= self.again_at or any(stamp_of(path) != stamp for path, stamp in self.awaited.items())


def load_served(
    home: Home,
    name: str,
    rollout: Rollout | None,
    bases: ModelPool,
    before: Served | None,
    logged: set[tuple[str, str]],
) -> Served:
    """Return the adapters of `rollout`, loaded and verified; without one, the ledger's live adapter, for everyone.

    Adapters in `before` are not loaded again. An unexpected fault of an export is logged unless it is in `logged`.
    Raises `RatchetError` if a check fails.
    """
    entries = Ledger(home).entries(name)
    if rollout is None:
        if state_after(entries).live is None:
            raise RatchetError(
                f"{name} has no live adapter.", f"Promote one: ratchet promote {name} --why TEXT.", code="no_live"
            )
        # Without a flag it is unknown if the operator had killed the candidate, so only live answers.
        rollout = rollout_of(home, name, entries, killed=True)
    admit(home, name, rollout)
    file, paths = read_spec(home, name), before.paths if before else Paths(None, None)
    if file is not None:
        paths = part_paths(Specs(home).targets(file))
    loader = _Loader(home, name, rollout, bases, logged)
    digests = dict.fromkeys(rollout.adapters.values())
    predictors = {digest: loader.load(digest, paths.export, before.predictors if before else {}) for digest in digests}
    edges = {}
    if (kind := paths.edge_export) is not None:
        edges = {digest: loader.load(digest, kind, before.edges if before else {}) for digest in digests}
    specs = {
        digest: raise_thresholds(serving_spec(home, name, entries, each.labels), _thresholds(home, name, digest, each))
        for digest, each in predictors.items()
    }
    if file is None:
        loader.lacking.append("classifier.toml or targets.toml cannot be read; the sealed policy serves.")
    return Served(
        specs[rollout.live], rollout, predictors, paths, edges, " ".join(loader.lacking), loader.awaited,
        loader.again_at, specs,
    )  # fmt: skip


class _Loader:
    """Loader of one classifier's adapters and exports, which keeps what was missing."""

    def __init__(self, home: Home, name: str, rollout: Rollout, bases: ModelPool, logged: set[tuple[str, str]]) -> None:
        self._home, self._name, self._rollout, self._bases, self._logged = home, name, rollout, bases, logged
        self._adapters: dict[str, AdapterPredictor] = {}
        self.lacking: list[str] = []
        self.awaited: dict[Path, int] = {}
        self.again_at = math.inf

    def load(self, digest: str, kind: str, known: Mapping[str, Answering]) -> Answering:
        """Return the export `kind` of an adapter; the adapter if `kind` is empty or the export may not answer."""
        loaded = known.get(digest)
        if loaded is not None and export_kind_of(loaded) == kind:
            return loaded
        if kind:
            try:
                return self._load_export(digest, kind)
            except RatchetError as error:
                self.lacking.append(f"{self._substitute(digest)}: {error.message} {error.hint}".strip())
            except Exception as error:  # noqa: BLE001 - a runtime may raise anything, and the adapter can still answer
                message = (
                    f"loading the {kind} export of adapter {digest[:12]} raised {type(error).__name__}; the log has"
                    " more."
                )
                self._log_once(f"{self._name}: {message}", error)
                self.again_at = time.monotonic() + LOAD_RETRY_S
                self.lacking.append(f"{self._substitute(digest)}: {message}")
        return loaded if isinstance(loaded, AdapterPredictor) else self._load_adapter(digest)

    def _substitute(self, digest: str) -> str:
        """Return the phrase that an adapter answers in place of its export; it names the slot, except for live."""
        if digest == self._rollout.live:
            return "The adapter itself answers"
        slots = [slot for slot, held in self._rollout.adapters.items() if held == digest]
        return f"In slot {' and '.join(slots)} the adapter itself answers"

    def _log_once(self, message: str, error: Exception) -> None:
        """Log a fault with its traceback, once for each export and error, however often it is tried again."""
        if (message, str(error)) not in self._logged:
            self._logged.add((message, str(error)))
            _LOG.warning("classifier %s", message, exc_info=error)

    def _load_export(self, digest: str, kind: str) -> ExportPredictor:
        exports = Exports(self._home)
        record = exports.folder(self._name, digest, kind) / RECORD
        self.awaited[record] = stamp_of(record)
        files = admitted_export(self._home, self._name, digest, kind)
        if files is None:
            message = f"no receipt of target_fit names the {kind} export of adapter {digest[:12]}."
            hint = "Run its cycle again and promote its adapter." if digest == self._rollout.live else ""
            raise RatchetError(message, hint, code="unvouched")
        export = ExportPredictor(kind, exports.open(self._name, digest, kind, files))
        if KINDS[kind].one_by_one:  # int8 answers only near the recorded logits
            export.answer([(export, PROMPTS[max(PROMPTS)][:2])])  # warms it up
        else:
            with open_folder(AdapterStore(self._home).open(self._name, digest)) as opened:
                card = opened.card
            check_reference_logits(card, export.logits)
        del self.awaited[record]
        return export

    def _load_adapter(self, digest: str) -> AdapterPredictor:
        """Return a loaded adapter, once it answers as it did in training; that check also warms it up."""
        if digest not in self._adapters:
            predictor = self._bases.load(AdapterStore(self._home).open(self._name, digest))
            check_reference_logits(predictor.card, predictor.logits)
            self._adapters[digest] = predictor
        return self._adapters[digest]


def _thresholds(home: Home, name: str, digest: str, answering: Answering) -> Mapping[str, float]:
    if isinstance(answering, AdapterPredictor):
        return answering.card.thresholds or {}
    return read_thresholds(home, name, digest)


def export_kind_of(answering: Answering) -> str:
    """Return the kind of an export; empty for an adapter."""
    return answering.kind if isinstance(answering, ExportPredictor) else ""


def stamp_of(path: Path) -> int:
    """Return the modification time of a file in nanoseconds; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
