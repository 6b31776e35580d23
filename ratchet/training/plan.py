"""Plan of one training: all inputs under one digest, and the work folder that holds them.

Add here inputs of a training. Its outputs are in `result.py`, its processes in `__main__.py`.
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import Prompt
from ratchet.core.digests import digest_file, digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.files import publish_file, write_json
from ratchet.models.base_models import Base
from ratchet.models.tokenization import template_digest

Examples = list[tuple[str, str]]
"""`(text, label)` pairs."""

TEACHERS = "teachers"
"""Subfolder of a work folder: teacher adapters by digest, and files of answers."""
SPLITS = ("train", "calibration")
PLAN = "plan.json"


@dataclass(frozen=True)
class TrainingPlan:
    """Inputs that decide the weights. `bases` maps each base model's name to the revision of its content."""

    labels: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    bases: Mapping[str, str]
    data_digest: str
    code_version: str
    prompt: Prompt | None = None
    """Prompt of causal candidates; None without any."""
    teachers: Mapping[str, str] = field(default_factory=dict)
    """Digest of each teacher's content, by the name that candidates give it."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Digest of each base's chat template file, where the prompt reads it."""
    preprocessing: str = ""
    """Version of what happens to a text before it is tokenized; empty in plans of before there were two."""

    def __post_init__(self) -> None:
        lacking = sorted({candidate.base for candidate in self.candidates} - set(self.bases))
        if lacking:
            raise RatchetError(f"the plan pins no revision of {', '.join(lacking)}.", "Resolve every base model first.")
        if unknown := sorted({candidate.teacher for candidate in self.candidates} - {"", *self.teachers}):
            raise RatchetError(f"the plan pins no content of teacher {unknown[0]}.", "Find every teacher first.")
        if not self.candidates:
            raise RatchetError("the plan has no candidate.", "Add a [[candidate]] to classifier.toml.")
        if self.prompt is None and any(candidate.family == "causal" for candidate in self.candidates):
            raise RatchetError(
                "the plan has a causal candidate and no prompt.", "Make one from the specification first."
            )

    @property
    def digest(self) -> str:
        """SHA-256 of the plan, 64 hex digits; the same plan gives the same weights on the same machine."""
        return digest_json(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Content of `plan.json`."""
        content = asdict(self)
        del content["prompt"]  # a plan without one keeps the digest that it had before there were prompts
        prompt = {"prompt": self.prompt.as_json()} if self.prompt else {}
        for later in ("teachers", "templates", "preprocessing"):
            if not content[later]:
                del content[later]
        candidates = [candidate.as_json() for candidate in self.candidates]
        return {**content, "labels": list(self.labels), "candidates": candidates, **prompt}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "TrainingPlan":
        """Inverse of `as_json`."""
        candidates = tuple(
            Candidate(**{**candidate, "target_modules": tuple(candidate["target_modules"])})
            for candidate in content["candidates"]
        )
        prompt = Prompt.from_json(content["prompt"]) if "prompt" in content else None
        return cls(**{**content, "labels": tuple(content["labels"]), "candidates": candidates, "prompt": prompt})


def pin_templates(prompt: Prompt | None, bases: Iterable[Base]) -> dict[str, str]:
    """Return the `templates` of a plan with this prompt on these bases; empty unless it is a chat prompt."""
    result = {base.name: template_digest(base.folder) for base in bases} if prompt is not None and prompt.chat else {}
    return {name: digest for name, digest in result.items() if digest}


def prepare(
    folder_root: Path,
    plan: TrainingPlan,
    train: Sequence[tuple[str, str]],
    calibration: Sequence[tuple[str, str]],
    teachers: Mapping[str, Path] | None = None,
) -> Path:
    """Write the plan and its examples into the work folder `<root>/<plan digest[:16]>` and return it; idempotent.

    `teachers` are the folders and files of the plan's teachers by name; missing or damaged copies are made again. The
    plan is written last, so that a folder with a plan is complete. Raises `RatchetError` for a label that has no
    training example, a label outside the plan, and an empty split.
    """
    for split, examples in zip(SPLITS, (train, calibration), strict=True):
        result = {label for _, label in examples}
        if unknown := sorted(result - set(plan.labels)):
            raise RatchetError(
                f"label {unknown[0]!r} of the {split} split is not in the plan.", "Curate the examples again."
            )
        if not examples:
            raise RatchetError(f"the {split} split is empty.", "Use more weeks, or collect more corrections.")
    if lacking := sorted(set(plan.labels) - {label for _, label in train}):
        raise RatchetError(
            f"label {lacking[0]!r} has no training example.",
            "Collect corrections for it, or remove it from classifier.toml.",
        )
    work = folder_root / plan.digest[:16]
    # examples before the plan: a folder that has a plan is never written again
    if not (work / PLAN).is_file():
        work.mkdir(parents=True, exist_ok=True)
        for split, examples in zip(SPLITS, (train, calibration), strict=True):
            _write_examples(work / f"{split}.parquet", examples)
    for name, path in (teachers or {}).items():
        _lay_teacher(path, work / TEACHERS / name)
    if not (work / PLAN).is_file():
        write_json(work / PLAN, plan.as_json())
    return work


def read_plan(work: Path) -> TrainingPlan:
    """Read the plan of a work folder; raises `RatchetError` where it is missing or belongs to another folder."""
    path = work / PLAN
    if not path.is_file():
        raise RatchetError(f"{work} holds no plan.json.", "Give the folder that `prepare` returned.", code="no_plan")
    plan = TrainingPlan.from_json(json.loads(path.read_text(encoding="utf-8")))
    if not plan.digest.startswith(work.name):
        raise RatchetError(
            f"{path} is the plan of another folder.", "Delete the work folder; it will be created again."
        )
    return plan


def read_examples(work: Path, split: str) -> Examples:
    """Read the `(text, label)` pairs of `train` or `calibration`, in their stored order."""
    import pyarrow.parquet as pq

    table = pq.read_table(work / f"{split}.parquet")
    return list(zip(table["text"].to_pylist(), table["label"].to_pylist(), strict=True))


def count_examples(work: Path, split: str) -> int:
    """Count the examples of a split without reading them."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(work / f"{split}.parquet").num_rows)


def _write_examples(path: Path, examples: Sequence[tuple[str, str]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stage = path.with_name(f".{path.name}.tmp")
    columns = {"text": [text for text, _ in examples], "label": [label for _, label in examples]}
    pq.write_table(pa.table(columns, schema=pa.schema([("text", pa.string()), ("label", pa.string())])), stage)
    publish_file(stage, path)


def _lay_teacher(source: Path, target: Path) -> None:
    """Copy a folder or file, each file atomically; identical copies stay."""
    files = {target / path.name: path for path in source.iterdir()} if source.is_dir() else {target: source}
    for copy, path in files.items():
        if copy.is_file() and digest_file(copy) == digest_file(path):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        stage = copy.with_name(f".{copy.name}.tmp")
        shutil.copyfile(path, stage)
        publish_file(stage, copy)
