"""Strict format of an adapter folder: its files and its card, checked before a model is built.

Every folder holds `ratchet.json`, the card; the forms `lora` and `dora` add a plain PEFT pair (`adapter_config.json`,
`adapter_model.safetensors`), the form `full` every weight of the model (`model.safetensors`), the form `probe`
`probe.safetensors`. Sealing adds `manifest.json`. Add here which files a folder may hold and what a card states; files
are read in `folder.py`, settings and tensors are checked in `peft_format.py`, models are built in
`ratchet/models/inference/predictor.py`, and adapters are stored by `ratchet/storage/registry/adapters.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from ratchet.core.digests import canonical_json, digest_bytes, digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.strict_json import parse_strictly
from ratchet.data.rendering import RENDERINGS

CARD = "ratchet.json"
MANIFEST = "manifest.json"
CONFIG = "adapter_config.json"
Form = Literal["lora", "dora", "full", "probe"]
"""Form of an adapter's weights; the key `method` of a card."""
LOW_RANK = ("lora", "dora")
WEIGHTS: Mapping[str, str] = {
    "lora": "adapter_model.safetensors",
    "dora": "adapter_model.safetensors",
    "full": "model.safetensors",
    "probe": "probe.safetensors",
}
_MAX_LABELS, _MAX_CHARS, _LARGEST = 10_000, 4096, 3e38
# keys that a card may lack: it gets its calibration when it is sealed, old cards have no canary, most no rendering and
# no thresholds
_LATER = {"calibration", "canary", "rendering", "thresholds"}


def bad_adapter(message: str, hint: str = "") -> RatchetError:
    """Make the error for an adapter folder that breaks a rule."""
    hint = hint or "Train it again, or use another adapter; a changed adapter is never loaded."
    return RatchetError(message, hint, code="bad_adapter")


@dataclass(frozen=True)
class AdapterCard:
    """Content of `ratchet.json`: all that is needed, beside the weights, to serve an adapter as it was trained."""

    family: Literal["encoder", "causal"]
    method: Form
    base: str
    base_revision: str
    tokenizer_digest: str
    labels: tuple[str, ...]
    max_tokens: int
    preprocessing: str
    prompt: Mapping[str, Any] | None = None
    """Text around the input, and the label tokens (`ratchet/config/prompt.py`); None for an encoder's adapter."""
    schema: int = 1
    calibration: Mapping[str, Any] | None = None
    canary: Mapping[str, Any] | None = None
    """Answers to fixed prompts (`ratchet/models/inference/reference_logits.py`): `prompts` is the number of the list of
    prompts, `logits` has one row for each of them."""
    rendering: str | None = None
    """Rendering of texts (`ratchet/data/rendering.py`) with which the adapter was trained; None for none."""
    thresholds: Mapping[str, float] | None = None
    """Least confidence at which the action of a label is taken, by label, where its action promises a largest error;
    a higher threshold of the sealed policy goes before. None for none."""

    def __post_init__(self) -> None:
        known = isinstance(self.method, str) and self.method in WEIGHTS
        prompted = self.family == "causal" and known and self.method != "probe" and isinstance(self.prompt, Mapping)
        bare = self.family == "encoder" and known and self.prompt is None
        if type(self.schema) is not int or self.schema != 1 or not (prompted or bare):
            stated = f"schema {show(self.schema)}, {show(self.family)}/{show(self.method)}"
            raise bad_adapter(f"{CARD} describes {stated}.", "Update Ratchet.")
        texts = (self.base, self.base_revision, self.tokenizer_digest, self.preprocessing, *self.labels)
        if not all(isinstance(text, str) and text for text in texts) or not 2 <= len(set(self.labels)) == len(
            self.labels
        ):
            raise bad_adapter(f"{CARD} lacks a base, a digest or two distinct labels.")
        if len(self.labels) > _MAX_LABELS or not all(len(text) <= _MAX_CHARS and text.isprintable() for text in texts):
            raise bad_adapter(
                f"{CARD} holds more than {_MAX_LABELS} labels, or a name of more than {_MAX_CHARS} printable"
                " characters."
            )
        if self.rendering is not None and self.rendering not in RENDERINGS:
            raise bad_adapter(f"{CARD} names the rendering {show(self.rendering)}.", "Update Ratchet.")
        if self.thresholds is not None and not _are_thresholds(self.thresholds, self.labels):
            raise bad_adapter(
                f"{CARD} has invalid thresholds: they need a share between 0 and 1 for labels of its own."
            )
        if type(self.max_tokens) is not int or not 8 <= self.max_tokens <= 65536:
            raise bad_adapter(f"{CARD} has max_tokens = {show(self.max_tokens)}.")
        if self.canary is not None and not _is_canary(self.canary, len(self.labels)):
            raise bad_adapter(
                f"{CARD} has an invalid canary: it needs the number of a prompt list, and {len(self.labels)} logits for"
                " each prompt."
            )

    def as_json(self) -> dict[str, Any]:
        """Content of `ratchet.json`; canary and calibration are left out until they are known."""
        content = {**asdict(self), "labels": list(self.labels)}
        return {key: value for key, value in content.items() if key not in _LATER or value is not None}

    @classmethod
    def from_json(cls, content: Any) -> "AdapterCard":
        """Inverse of `as_json`; raises `RatchetError` for unknown or missing keys."""
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) - names or names - set(content) - _LATER:
            raise bad_adapter(f"{CARD} has other keys than {', '.join(sorted(names))}.")
        types = {"labels": list, "calibration": dict, "canary": dict, "rendering": str, "thresholds": dict}
        if not all(isinstance(content[key], kind) for key, kind in types.items() if key in content):
            raise bad_adapter(
                f"{CARD} holds labels, a calibration, a canary, a rendering or thresholds of the wrong type."
            )
        return cls(**{**content, "labels": tuple(content["labels"])})


def read_card(content: Mapping[str, bytes]) -> AdapterCard:
    """Read the card among the files of an adapter folder."""
    return AdapterCard.from_json(parse_json(content, CARD))


def content_digest(content: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and bytes of all files except the manifest, 64 hex digits: the adapter's name."""
    return digest_json(file_digests(content))


def file_digests(content: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file except the manifest, by name."""
    return {name: digest_bytes(data) for name, data in sorted(content.items()) if name != MANIFEST}


def check_manifest(content: Mapping[str, bytes], found: Mapping[str, str] | None = None) -> str:
    """Return the digest that the manifest states; raises `RatchetError` where a file differs from it.

    `found` holds the digest of each file, for callers that know them and do not have all files in `content`.
    """
    manifest = parse_json(content, MANIFEST)
    found = file_digests(content) if found is None else dict(found)
    if not isinstance(manifest, dict) or set(manifest) != {"schema", "digest", "files"}:
        raise bad_adapter(f"{MANIFEST} has other keys than digest, files and schema.")
    if manifest["files"] != found or manifest["digest"] != digest_json(found):
        stated = manifest["files"] if isinstance(manifest["files"], dict) else {}
        changed = [
            name if name in found else show(name)
            for name in sorted({*found, *stated})
            if found.get(name) != stated.get(name)
        ]
        raise bad_adapter(f"adapter files differ from their manifest: {', '.join(changed) or 'digest'}.")
    if content[MANIFEST] != write_manifest(found):  # no digest covers the manifest itself
        raise bad_adapter(f"{MANIFEST} is not in the form in which sealing writes it.")
    return str(manifest["digest"])


def make_manifest(content: Mapping[str, bytes]) -> bytes:
    """Make the manifest of these files."""
    return write_manifest(file_digests(content))


def write_manifest(files: Mapping[str, str]) -> bytes:
    """Make the manifest of files with these digests, by name."""
    return canonical_json({"schema": 1, "digest": digest_json(files), "files": files}).encode() + b"\n"


def parse_json(content: Mapping[str, bytes], name: str) -> Any:
    """Parse a JSON file of an adapter folder by `parse_strictly`; raises `RatchetError` where it is missing or bad."""
    if name not in content:
        raise bad_adapter(f"adapter folder lacks {name}.")
    try:
        return parse_strictly(content[name])
    except (ValueError, RecursionError):
        raise bad_adapter(f"{name} is not valid JSON.") from None


def is_number(value: object) -> bool:
    """True where a value of a JSON file is a number, not a truth value, and fits into float32."""
    return type(value) in (int, float) and abs(value) <= _LARGEST  # type: ignore[arg-type]


def show(value: object) -> str:
    """Show a value of an untrusted file: in ASCII, at most 60 characters; of a list or table only the type."""
    return ascii(value)[:60] if value is None or isinstance(value, str | int | float) else f"a {type(value).__name__}"


def _is_canary(canary: Mapping[str, Any], k: int) -> bool:
    rows = canary.get("logits")
    return (
        set(canary) == {"prompts", "logits"}
        and type(canary["prompts"]) is int
        and isinstance(rows, list)
        and all(isinstance(row, list) and len(row) == k for row in rows)
        and all(is_number(value) for row in rows for value in row)
    )


def _are_thresholds(thresholds: Mapping[str, Any], labels: tuple[str, ...]) -> bool:
    return all(label in labels and is_number(value) and 0 <= value <= 1 for label, value in thresholds.items())
