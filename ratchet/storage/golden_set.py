"""The golden set of a classifier, read from `golden.jsonl`.

Add here a rule for its lines; labels are checked in `ratchet/config/spec.py`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError


@dataclass(frozen=True)
class GoldenItem:
    """One hand-reviewed text with its label."""

    text: str
    label: str


def digest_golden(items: Sequence[GoldenItem]) -> str:
    """Return the SHA-256 of the items in order; receipts name the golden set by it."""
    return digest_json([[item.text, item.label] for item in items])


def load_golden(path: Path, spec: Spec) -> list[GoldenItem]:
    """Read a golden set, one JSON object with `text` and `label` a line; raises `RatchetError` naming file and line."""
    if not path.exists():
        raise RatchetError(
            f"{path} does not exist.",
            "Write a hand-reviewed golden set there, one {text, label} a line.",
            code="no_golden",
        )
    items: list[GoldenItem] = []
    labels: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            row = json.loads(line)
            text, label = row["text"], row["label"]
            text.encode()  # a lone surrogate is valid JSON, but not a text
            if not isinstance(text, str) or not isinstance(label, str) or not text.strip():
                raise TypeError
        except (ValueError, KeyError, TypeError, AttributeError):
            raise RatchetError(
                f"{where} is not a golden item: {line[:60]!r}.",
                'Write {"text": "...", "label": "..."}.',
                code="bad_golden",
            ) from None
        spec.check_label(label, where)
        other, first = labels.setdefault(text, (label, number))
        if other != label:
            raise RatchetError(
                f"{where} has label {label!r} for the text that has {other!r} in line {first}.",
                "Keep one of the two lines.",
                code="bad_golden",
            )
        items.append(GoldenItem(text, label))
    if not items:
        raise RatchetError(
            f"{path} is empty.", "A golden set needs at least one item for each label.", code="no_golden"
        )
    return items
