"""Exports on disk: `<home>/<classifier>/exports/<adapter digest>/<kind>/`, each with `export.json` and its digests.

Add here how exports are stored and read. They are written by `ratchet/deployment/exports/kinds.py`, and judged by
`parity.py`.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_bytes, digest_file
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import make_folder, publish_folder, write_json
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.names import nearest
from ratchet.core.verdict import Verdict
from ratchet.deployment.exports.kinds import KINDS, ExportKind
from ratchet.deployment.exports.onnx import ONNX
from ratchet.deployment.exports.onnx_runtime import onnx_predictor
from ratchet.deployment.exports.parity import GOLDEN, HELD_OUT, AnswerPair, compare_sets, judge_evidence, split_by_label
from ratchet.deployment.exports.speed import Speed, compare_speed
from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.specs import Specs
from ratchet.storage.staging_folders import stage_folder, sweep_stages
from ratchet.training.plan import PLAN, Examples, read_examples

RECORD = "export.json"


class Exports:
    """The exports of every classifier of a home."""

    def __init__(self, home: Home, disk: FileSystem = DISK) -> None:
        self._home, self._adapters, self._disk = home, AdapterStore(home), disk

    def folder(self, name: str, digest: str, kind: str) -> Path:
        """Return the folder of an export; raises `RatchetError` for an unknown kind."""
        if kind not in KINDS:
            raise RatchetError(
                f"unknown kind of export {kind!r}.",
                f"{nearest(kind, KINDS)} Known: {', '.join(KINDS)}.".strip(),
                code="bad_kind",
            )
        return self._home.classifier(name) / "exports" / digest / kind

    def make(self, name: str, digest: str, kind: str) -> dict[str, Any]:
        """Write an export unless it exists, compare its answers on labelled texts, and return its record.

        It appears whole or not at all; one that fails parity is kept, for its figures, and is never opened.
        """
        target = self.folder(name, digest, kind)
        if target.exists():
            return self.record(name, digest, kind)
        opened = validate_adapter(self._adapters.open(name, digest))
        make_folder(target.parent, self._disk)
        for folder in target.parents[1].glob(
            "*"
        ):  # leftovers of killed writers, also of adapters that are never exported again
            sweep_stages(folder)
        try:
            with stage_folder(target.parent, kind) as stage:
                if not target.exists():  # another process may just have finished it
                    KINDS[kind].write(opened, stage)
                    write_json(stage / RECORD, self._describe(name, digest, kind, opened, stage))
                    failpoint("exports.before_rename")
                    publish_folder(stage, target, self._disk)
        except BlockingIOError:
            raise RatchetError(
                f"another process is writing the {kind} export of adapter {digest[:12]}.",
                "Wait until it has finished; its export is then found.",
                code="export_busy",
            ) from None
        return self.record(name, digest, kind)

    def made(self, name: str, digest: str, kind: str) -> bool:
        """Return True where the export exists, intact or not."""
        return (self.folder(name, digest, kind) / RECORD).is_file()

    def record(self, name: str, digest: str, kind: str) -> dict[str, Any]:
        """Return the content of `export.json` after comparing every file with it; raises `RatchetError` if one differs.

        The verdict is that of its evidence under the current limits of classifier.toml.
        """
        folder = self.folder(name, digest, kind)
        try:
            result: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
            fits = (result["adapter"], result["kind"]) == (digest, kind) and result["files"] == _file_digests(folder)
            result["verdict"] = _as_json(self._judge(name, kind, result["verdict"]["evidence"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            fits = False
        if not fits:
            raise RatchetError(
                f"the {kind} export of adapter {digest[:12]} is missing or was changed.",
                f"Remove {folder} and run 'ratchet export' again.",
                code="bad_export",
            )
        return result

    def open(self, name: str, digest: str, kind: str, files: Mapping[str, str] | None = None) -> Predictor:
        """Return a predictor on an export that passed parity; raises `RatchetError` for any other.

        Also raises for a kind that Ratchet does not serve, and, with `files` (digests by file name), for an export of
        other bytes.
        """
        result = self.record(name, digest, kind)
        if not KINDS[kind].served:
            raise RatchetError(
                f"a {kind} export is not served by Ratchet.",
                "Serve it with its own runtime, or use onnx_int8.",
                code="not_served",
            )
        if files is not None and result["files"] != dict(files):
            raise RatchetError(
                f"the {kind} export of adapter {digest[:12]} is not the one that its cycle judged.",
                "Run the cycle again and promote its adapter.",
                code="bad_export",
            )
        if result["verdict"]["outcome"] != "passed":
            raise RatchetError(
                f"the {kind} export of adapter {digest[:12]} may not answer: {result['verdict']['reason']}",
                "Use the adapter itself, or another kind.",
                code="no_parity",
            )
        model = (self.folder(name, digest, kind) / ONNX).read_bytes()
        if (
            digest_bytes(model) != result["files"][ONNX]
        ):  # it may have changed since `record`: load only what was checked
            raise RatchetError(
                f"the {kind} export of adapter {digest[:12]} changed while it was read.",
                "Try again.",
                code="bad_export",
            )
        opened = validate_adapter(self._adapters.open(name, digest))
        return onnx_predictor(opened, model, one_by_one=KINDS[kind].one_by_one)

    def _describe(self, name: str, digest: str, kind: str, opened: ValidatedAdapter, stage: Path) -> dict[str, Any]:
        card = opened.card
        evidence, speed = self._compare(name, digest, KINDS[kind], opened, stage)
        tokenizer = opened.tokenizer
        prompted = (
            {"prompt": card.prompt, "label_tokens": list(tokenizer.codes), "suffix_tokens": list(tokenizer.suffix)}
            if isinstance(tokenizer, PromptTokenizer)
            else {}
        )
        return {
            "schema": 1,
            "adapter": digest,
            "kind": kind,
            "family": card.family,
            "method": card.method,
            "labels": list(card.labels),
            "base": card.base,
            "base_revision": card.base_revision,
            "tokenizer_digest": card.tokenizer_digest,
            "max_tokens": card.max_tokens,
            "preprocessing": card.preprocessing,
            **prompted,
            "calibration": opened.calibration.as_json(),
            "files": _file_digests(stage),
            "bytes": sum(path.stat().st_size for path in stage.iterdir()),
            "speed": speed.as_json() if speed else None,
            "verdict": _as_json(self._judge(name, kind, evidence)),
            "versions": {package: version(package) for package in KINDS[kind].packages},
        }

    def _judge(self, name: str, kind: str, evidence: dict[str, Any]) -> Verdict:
        return judge_evidence(evidence, Specs(self._home)[name].export)

    def _compare(
        self, name: str, digest: str, kind: ExportKind, opened: ValidatedAdapter, stage: Path
    ) -> tuple[dict[str, Any], Speed | None]:
        """Compare answers and speed of export and adapter on every text whose label both know."""
        specs, labels = Specs(self._home), opened.card.labels
        golden = [(item.text, item.label) for item in specs.golden(name)]
        given = {GOLDEN: golden, HELD_OUT: held_out_texts(self._home, name, digest, specs[name].export.held_out)}
        examples_by_set, strange = split_by_label(given, labels)
        ours = load_predictor(self._adapters.open(name, digest))
        with kind.ask(opened, stage) as theirs:
            pairs = {}
            for split, examples in examples_by_set.items():
                texts, truth = [text for text, _ in examples], [labels.index(label) for _, label in examples]
                pairs[split] = (_answer(ours, texts), _answer(theirs, texts), truth)
            speed = compare_speed(ours, theirs, [text for text, _ in examples_by_set[GOLDEN]])
            return compare_sets(pairs, strange), speed


def held_out_texts(home: Home, name: str, digest: str, most: int) -> Examples:
    """Return the newest `most` labelled texts of the calibration split of the cycle that sealed this adapter.

    Empty where no cycle of this home did, or its training is gone.
    """
    receipts = Receipts(home)
    for week in receipts.weeks(name) if most else ():
        noted = receipts.noted(Cycle(name, parse_week(week)))
        # the split is read as its training kept it, so that no warehouse has to be opened
        work = home.training(name) / str(noted.get("plan", ""))[:16]
        if noted.get("adapter") == digest and "plan" in noted and (work / PLAN).is_file():
            return read_examples(work, "calibration")[-most:]
    return []


def _answer(predictor: Predictor, texts: Sequence[str]) -> AnswerPair:
    """Return logits and calibrated probabilities."""
    logits = predictor.logits(texts)
    return logits, predictor.judge(logits).probabilities


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {"outcome": verdict.outcome, "reason": verdict.reason, "evidence": dict(verdict.evidence)}


def _file_digests(folder: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in sorted(folder.iterdir()) if path.name != RECORD}
