"""The golden set of a classifier, read from `golden.jsonl`.

Add here a rule for its lines; labels are checked in `ratchet/config/spec.py`, their form
is `ratchet/core/label_names.py`. A file that is given for a golden set is
read here too, in every form and encoding that `row_files/` knows, and written as `golden.jsonl` in one form.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_of, skeleton
from ratchet.data.label_rules import NO_RULES, LabelRules
from ratchet.data.near_duplicates import normalise
from ratchet.storage.row_files.formats import UnreadableError
from ratchet.storage.row_files.rows import read_rows, text_of, value_named

MAX_ITEMS = 100_000
"""Items of a golden set: more than people review, and every cycle compares its texts with each."""


@dataclass(frozen=True)
class GoldenItem:
    """One hand-reviewed text with its label."""

    text: str
    label: str


def digest_golden(items: Sequence[GoldenItem]) -> str:
    """Return the SHA-256 of the items in order; receipts name the golden set by it."""
    return digest_json([[item.text, item.label] for item in items])


def read_golden(path: Path) -> Iterator[tuple[int, GoldenItem]]:
    """Yield the items of a file in any form that intake takes, with their lines; integers are their digits.

    Raises `RatchetError` naming file and line; both lines where one's label looks like the other's.
    """
    seen: dict[str, tuple[str, int]] = {}
    try:
        for number, row in enumerate(read_rows(path)):
            if number == MAX_ITEMS:
                raise RatchetError(
                    f"{path.name} has more than {MAX_ITEMS:,} items.",
                    "Keep those that people reviewed for the golden set; the rest are corrections.",
                    code="bad_golden",
                )
            text = text_of(value_named(row.values, "text")[1])
            label = label_of(value_named(row.values, "label")[1])
            if row.reason or not text or not text.strip() or label is None:
                shown = row.reason or _shorten(row.values)
                raise RatchetError(
                    f"{path.name} line {row.line} is not a golden item: {shown}.",
                    'Write {"text": "...", "label": "..."}; the first line of a CSV names its columns: text,label.',
                    code="bad_golden",
                )
            other, first = seen.setdefault(skeleton(label), (label, row.line))
            if other != label:
                raise RatchetError(
                    f"{path.name} line {row.line} has label {label!r}, which looks like {other!r} in line {first}.",
                    "Write both lines with one label.",
                    code="bad_golden",
                )
            yield row.line, GoldenItem(text, label)
    except UnreadableError as error:
        raise RatchetError(
            f"{path} cannot be read: {error}.", 'Write {"text": "...", "label": "..."} a line, in UTF-8.',
            code="bad_golden",
        ) from None  # fmt: skip


def write_golden(items: Sequence[GoldenItem]) -> bytes:
    """Return the lines of `golden.jsonl`."""
    lines = [json.dumps({"text": item.text, "label": item.label}, ensure_ascii=False) for item in items]
    return "".join(f"{line}\n" for line in lines).encode()


def _check_listed(label: str, where: str, spec: Spec) -> None:
    try:
        spec.check_label(label, where)
    except RatchetError as error:
        # an edit of classifier.toml that renames a label stops here first, long before the gates would say so
        ruled = (
            f"Where it was renamed, record it: ratchet labels {spec.name} rename {quote(label)} NEW --why TEXT (or"
            " merge, split, retire)."
        )
        raise RatchetError(error.message, f"{ruled} Else: {error.hint}", code=error.code) from None


def _shorten(values: Mapping[str, Any]) -> str:
    return repr(json.dumps(dict(values), ensure_ascii=True)[:60])


def load_golden(path: Path, spec: Spec, rules: LabelRules = NO_RULES) -> list[GoldenItem]:
    """Read a golden set, one JSON object with `text` and `label` a line; raises `RatchetError` naming file and line.

    An item of a label that was renamed or merged has the label of now. One of a label that was retired, or split and
    not labelled again, has none that the specification lists: it trains nothing, and judges nothing.
    """
    if not path.exists():
        raise RatchetError(
            f"{path} does not exist.",
            "Write a hand-reviewed golden set there, one {text, label} a line.",
            code="no_golden",
        )
    items: list[GoldenItem] = []
    labels: dict[str, tuple[str, int]] = {}
    for number, item in read_golden(path):
        reading, where = rules.read(item.label), f"{path.name} line {number}"
        text, label = item.text, reading.label
        if reading.parts == (label,):
            _check_listed(label, where, spec)
        other, first = labels.setdefault(normalise(text), (label, number))
        if other != label:
            raise RatchetError(
                f"{where} has label {label!r} for the text that has {other!r} in line {first}"
                " (case, spaces and Unicode forms make no difference).",
                "Keep one of the two lines.",
                code="bad_golden",
            )
        items.append(GoldenItem(text, label))
    if not items:
        raise RatchetError(
            f"{path} is empty.", "A golden set needs at least one item for each label.", code="no_golden"
        )
    return items
