"""A new classifier's folder: `classifier.toml`, the landing folders and, where given, the golden set.

Add here a file of a new classifier's folder. The text of the specification is `ratchet/config/template.py`.
"""

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.config.template import write_template
from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder, write_atomically
from ratchet.data.records import REQUEST_KINDS
from ratchet.models.text_fit import measure_texts, say_texts
from ratchet.rollout.power import describe_power
from ratchet.storage.golden_set import GoldenItem, load_golden, read_golden, write_golden
from ratchet.storage.home import Home
from ratchet.storage.specs import load_spec


@dataclass(frozen=True)
class NewClassifier:
    """A new classifier: its labels in order, and the new paths."""

    labels: tuple[str, ...]
    paths: tuple[Path, ...]
    remarks: tuple[str, ...] = ()
    """Sentences about texts of the golden set that the candidate does not read whole, or does not know, and about what
    the team's labels can decide."""


def init_classifier(home: Home, name: str, labels: Sequence[str], golden: Path | None = None) -> NewClassifier:
    """Make the folder of classifier `name`, whole or not at all; `golden` is copied into it and gives the labels.

    Raises `RatchetError` when the classifier exists already, or the labels or the golden set are not valid.
    """
    target = home.classifier(name)
    if home.spec(name).exists() or home.golden(name).exists():
        raise RatchetError(
            f"{target} holds a classifier already; nothing was changed.",
            "Choose another name, or edit its classifier.toml.",
            code="exists",
        )
    chosen = tuple(labels_of(golden)) if golden is not None else tuple(labels)
    text = write_template(name, chosen)
    stage = home.root / f".{name}.{os.getpid()}.new" / name
    shutil.rmtree(stage.parent, ignore_errors=True)
    items: list[GoldenItem] = []
    try:
        write_atomically(stage / "classifier.toml", text.encode())
        files = ["classifier.toml"]
        spec = load_spec(stage / "classifier.toml")
        if golden is not None:
            write_atomically(stage / "golden.jsonl", _plain_copy(golden))
            items = load_golden(stage / "golden.jsonl", spec)
            files.insert(0, "golden.jsonl")
        for kind in REQUEST_KINDS:
            home.landing(name, kind).mkdir(parents=True, exist_ok=True)
        for file in files:
            (stage / file).replace(target / file)
        fsync_folder(target)
    finally:
        shutil.rmtree(stage.parent, ignore_errors=True)
    paths = (*(target / file for file in reversed(files)), *(home.landing(name, kind) for kind in REQUEST_KINDS))
    measured = measure_texts(spec.candidate, [item.text for item in items], [item.label for item in items])
    power = describe_power(spec.promotion, spec.review, spec.review.labels_per_week)
    return NewClassifier(spec.labels, paths, (*say_texts(measured), power))


def _plain_copy(golden: Path) -> bytes:
    """Return the golden set as JSON lines: lines of UTF-8 as they are, any other form and encoding rewritten."""
    content = golden.read_bytes()
    try:
        content.decode()
        for line in filter(bytes.strip, content.splitlines()):
            row = json.loads(line)
            if not isinstance(row["text"], str) or not isinstance(row["label"], str):
                raise TypeError
    except (ValueError, KeyError, TypeError):
        return write_golden([item for _, item in read_golden(golden)])
    return content


def labels_of(golden: Path) -> list[str]:
    """Return the labels of a golden set in order of appearance; raises `RatchetError` naming a line without one."""
    if not golden.is_file():
        missing = "is not a file" if golden.exists() else "does not exist"
        raise RatchetError(f"{golden} {missing}.", "Give a golden set: one {text, label} a line.", code="no_golden")
    result = dict.fromkeys(item.label for _, item in read_golden(golden))
    if not result:
        raise RatchetError(
            f"{golden} is empty.", "A golden set needs at least one item for each label.", code="no_golden"
        )
    return list(result)
