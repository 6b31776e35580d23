"""Reads and writes `classifier.toml` and `golden.jsonl`. Values are checked in `ratchet/spec.py`.

Add here what a file on disk can have wrong (syntax, unknown keys, an unreadable line); rules about values belong in the spec.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ratchet.bases import base_folder
from ratchet.errors import RatchetError
from ratchet.names import nearest
from ratchet.spec import Candidate, Label, Limits, PromotionPolicy, Spec, Window
from ratchet.stores.home import Home

_SECTIONS: dict[str, Any] = {
    "": Spec, "label": Label, "window": Window, "limits": Limits, "promotion": PromotionPolicy, "candidate": Candidate,
}  # fmt: skip


@dataclass(frozen=True)
class GoldenItem:
    """One hand-reviewed text with its label."""

    text: str
    label: str


@dataclass(frozen=True)
class Specs:
    """The specifications and golden sets of a home."""

    home: Home

    def __getitem__(self, name: str) -> Spec:
        """The checked specification of classifier `name`; raises `RatchetError` with the cure."""
        self.home.need(name)
        return load_spec(self.home.spec(name))

    def golden(self, name: str) -> list[GoldenItem]:
        """The golden set of classifier `name`, each label checked against the spec."""
        return load_golden(self.home.golden(name), self[name])


def load_spec(path: Path) -> Spec:
    """Read and check a `classifier.toml`; raises `RatchetError` that names the file, the value and the cure."""
    try:
        text = path.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        raise RatchetError(f"{path} does not exist.", "Make it with 'ratchet init'.", code="bad_spec") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RatchetError(f"{path} is not valid TOML: {error}.", "Mend the line it names.", code="bad_spec") from None
    document.setdefault("name", path.parent.name)
    try:
        content = json.dumps(document, default=str)
        spec = TypeAdapter(Spec).validate_json(content, strict=True)
    except ValidationError as error:
        raise _explain(error.errors()[0], path, text) from None
    except RatchetError as error:
        raise RatchetError(f"{path.name}: {error.message}", error.hint, code="bad_spec") from None
    if spec.name != path.parent.name:
        raise RatchetError(
            f"{path} says name = {spec.name!r} but lies in folder {path.parent.name!r}.",
            "Make the two equal, or drop the name from the file.",
            code="bad_spec",
        )
    for candidate in spec.candidate:
        base_folder(candidate.base)
    return spec


def load_golden(path: Path, spec: Spec) -> list[GoldenItem]:
    """Read a golden set: one JSON object with `text` and `label` a line; raises `RatchetError` naming file and line."""
    if not path.exists():
        raise RatchetError(
            f"{path} does not exist.", "Write a hand-reviewed golden set there, one {text, label} a line.", code="no_golden"
        )
    items = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name} line {number}"
        try:
            row = json.loads(line)
            text, label = row["text"], row["label"]
            if not isinstance(text, str) or not isinstance(label, str) or not text.strip():
                raise TypeError
        except (ValueError, KeyError, TypeError):
            raise RatchetError(
                f"{where} is no golden item: {line[:60]!r}.", 'Write {"text": "...", "label": "..."}.', code="bad_golden"
            ) from None
        spec.check_label(label, where)
        items.append(GoldenItem(text, label))
    if not items:
        raise RatchetError(f"{path} is empty.", "A golden set needs at least one item for each label.", code="no_golden")
    return items


def _explain(error: ErrorDetails, path: Path, text: str) -> RatchetError:
    """The first of pydantic's complaints as one sentence with the line and the cure."""
    location = [part for part in error["loc"] if isinstance(part, str)]
    key, section = location[-1] if location else "", location[-2] if len(location) > 1 else ""
    where = f"{path.name}{_line_of(key, text)}"
    dotted = ".".join(location)
    if error["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        known = list(_SECTIONS[section].__dataclass_fields__)
        return RatchetError(
            f"{where}: unknown key {dotted!r}.",
            nearest(key, known) or f"Known keys here: {', '.join(known)}.",
            code="bad_spec",
        )
    if error["type"] in {"missing", "missing_argument"}:
        return RatchetError(f"{where}: {dotted!r} is missing.", f"Add {key} to the file.", code="bad_spec")
    return RatchetError(
        f"{where}: {dotted} = {str(error['input'])[:60]!r} does not fit: {error['msg']}.",
        f"Change {key}; 'ratchet init' writes a file that passes as it is.",
        code="bad_spec",
    )


def _line_of(key: str, text: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip().startswith((key, f'"{key}"', f"[{key}", f"[[{key}")):
            return f" line {number}"
    return ""
