"""Specifications of a home: `classifier.toml` and `golden.jsonl`, read and checked.

Add here faults of a file on disk (syntax, unknown keys, an unreadable line); rules about values belong in
`ratchet/config/spec.py`.
"""

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ratchet.config.action import ActionLimit
from ratchet.config.candidate import Candidate
from ratchet.config.evaluation import Evaluation
from ratchet.config.frontier import Frontier
from ratchet.config.lint import Remark, remark_on
from ratchet.config.machine import Machine
from ratchet.config.policy import ExportPolicy, Limits, PromotionPolicy
from ratchet.config.publish import PublishPolicy
from ratchet.config.receipts import ReceiptPolicy
from ratchet.config.spec import Label, Spec
from ratchet.config.target import Target
from ratchet.config.window import Window
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import read_label, skeleton
from ratchet.core.names import nearest
from ratchet.deployment.targets import ChosenTarget, choose_targets
from ratchet.models.base_models import base_folder
from ratchet.storage.golden_set import GoldenItem, digest_golden, load_golden
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.target_profiles import hint_for_toml, read_targets
from ratchet.storage.toml_lines import line_of

_SECTIONS: dict[str, Any] = {
    "": Spec, "label": Label, "window": Window, "limits": Limits, "promotion": PromotionPolicy, "candidate": Candidate,
    "target": Target, "machine": Machine, "publish": PublishPolicy, "evaluation": Evaluation, "frontier": Frontier,
    "export": ExportPolicy, "action": ActionLimit, "receipts": ReceiptPolicy,
}  # fmt: skip


@dataclass(frozen=True)
class Specs:
    """The specifications and golden sets of a home."""

    home: Home

    def __getitem__(self, name: str) -> Spec:
        """Read and check the specification of classifier `name`; raises `RatchetError` with a hint."""
        self.home.need(name)
        spec = load_spec(self.home.spec(name))
        if spec.target:
            self.targets(spec)
        return spec

    def remarks(self, name: str) -> tuple[Remark, ...]:
        """List settings of classifier `name` that are valid, but probably not what was meant."""
        spec = self[name]
        return remark_on(tomllib.loads(self.home.spec(name).read_text(encoding="utf-8-sig")), spec.candidate)

    def targets(self, spec: Spec) -> tuple[ChosenTarget, ...]:
        """Return the deployment targets of `spec`; raises `RatchetError` for one that is unknown or contradicts it."""
        return choose_targets(spec, read_targets(self.home))

    def golden_digest(self, name: str) -> str:
        """Return the SHA-256 of the golden set's items in order; receipts name the golden set by it."""
        return digest_golden(self.golden(name))

    def golden(self, name: str) -> list[GoldenItem]:
        """Read the golden set of classifier `name`, each label read by the label rules and checked against the spec."""
        spec, rules = self[name], LabelRuleFile(self.home, name).read()
        rules.need(name, spec.labels)
        return load_golden(self.home.golden(name), spec, rules)


def load_spec(path: Path) -> Spec:
    """Read and check a `classifier.toml`; raises `RatchetError` with the file, the value and a hint."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError:
        raise RatchetError(f"{path} does not exist.", "Make it with 'ratchet init'.", code="bad_spec") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RatchetError(f"{path} is not valid TOML: {error}.", hint_for_toml(error), code="bad_spec") from None
    document.setdefault("name", path.parent.name)
    for label in document["label"] if isinstance(document.get("label"), list) else ():
        if isinstance(label, dict) and (name := read_label(label.get("name"))) is not None:
            label["name"] = name
    try:
        content = json.dumps(document, default=str)
        spec = _form().validate_json(content, strict=True)
        spec.need_actions()
    except ValidationError as error:
        raise _explain(error.errors()[0], path, text) from None
    except RatchetError as error:
        where = f"{path.name}{_place_of_bad_value(document, error, text)}"
        raise RatchetError(f"{where}: {error.message}", error.hint, code="bad_spec") from None
    if spec.name != path.parent.name:
        raise RatchetError(
            f"{path} says name = {spec.name!r} but is in folder {path.parent.name!r}.",
            "Make the two equal, or remove the name from the file.",
            code="bad_spec",
        )
    _check_look_alikes(spec.labels, path, text)
    for number, candidate in enumerate(spec.candidate, start=1):
        _check_base(candidate, f"{path.name} candidate {number}")
    return spec.of_file(document)


@cache
def _form() -> TypeAdapter[Spec]:
    """Build the validator, once: that takes pydantic ten times as long as checking a file."""
    return TypeAdapter(Spec)


def _check_look_alikes(labels: Sequence[str], path: Path, text: str) -> None:
    """Raise for two labels that a person takes for one; a sealed policy of before may hold such, and serves."""
    seen: dict[str, int] = {}
    for number, label in enumerate(labels):
        first = seen.setdefault(skeleton(label), number)
        if first != number:
            places = [line_of(("label", place, "name"), text).removeprefix(" line ") for place in (number, first)]
            raise RatchetError(
                f"{path.name} line {places[0]}: label {label!r} looks like {labels[first]!r} in line {places[1]}.",
                "Give them names that a person can tell apart, or keep one.",
                code="bad_spec",
            )


def _check_base(candidate: Candidate, where: str) -> None:
    """Raise when the candidate's base model is unknown, or reads fewer tokens than the candidate's max_tokens."""
    try:
        folder = base_folder(candidate.base)
    except RatchetError as error:
        raise RatchetError(f"{where}: {error.message}", error.hint, code=error.code) from None
    room = json.loads((folder / "config.json").read_bytes()).get("max_position_embeddings", candidate.max_tokens)
    if candidate.max_tokens > room:
        raise RatchetError(
            f"{where}: max_tokens = {candidate.max_tokens} is more than base model {candidate.base!r} can read.",
            f"Set max_tokens to {room} or less.",
            code="bad_spec",
        )


def _explain(error: ErrorDetails, path: Path, text: str) -> RatchetError:
    """Turn pydantic's error into one sentence with the line, and a hint."""
    location = [part for part in error["loc"] if isinstance(part, str)]
    key, section = location[-1] if location else "", location[-2] if len(location) > 1 else ""
    where = f"{path.name}{line_of(error['loc'], text)}"
    dotted = ".".join(location)
    if error["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        return RatchetError(f"{where}: unknown key {dotted!r}.", _place_of(key, section), code="bad_spec")
    if error["type"] in {"missing", "missing_argument"}:
        hint = "Add a [[label]] with a name for each answer." if dotted == "label" else f"Add {key} to the file."
        return RatchetError(f"{where}: {dotted!r} is missing.", hint, code="bad_spec")
    value = repr(error["input"][:60]) if isinstance(error["input"], str) else json.dumps(error["input"])[:60]
    hint = f"Change {key}; 'ratchet init' writes a valid example."
    if error["type"] == "string_type" and not isinstance(error["input"], dict | list):
        hint = f'Put it in quotes: {key} = "{value}".'
    return RatchetError(f"{where}: {dotted} = {value} is not valid: {error['msg']}.", hint, code="bad_spec")


def _place_of_bad_value(document: dict[str, Any], error: RatchetError, text: str) -> str:
    """Return ` line N` of the setting at the start of the error's message, with its candidate; '' when not found."""
    named = re.match(r"(\w+)\.(\w+) = ", error.message)
    if named is None:
        return ""
    section, key = named.groups()
    if section != "candidate":
        return line_of((section, key), text)
    for number, table in enumerate(document["candidate"]):
        try:
            TypeAdapter(Candidate).validate_json(json.dumps(table, default=str), strict=True)
        except RatchetError:
            return f"{line_of((section, number, key), text)}, candidate {number + 1}"
    return ""


def _place_of(key: str, section: str) -> str:
    """Return the hint for `key`, unknown in `section`: its own section, else the nearest known key, else all keys."""
    known = {name: list(settings.__dataclass_fields__) for name, settings in _SECTIONS.items()}
    for other, keys in known.items():
        if key in keys:
            brackets = f"[[{other}]]" if other in ("label", "candidate", "target", "action") else f"[{other}]"
            return (
                f"It belongs in {brackets}."
                if other
                else "It belongs to the whole file: move it above the first [section]."
            )
    return nearest(key, known[section]) or f"Known keys here: {', '.join(known[section])}."
