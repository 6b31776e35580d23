"""Files of a third-party adapter, converted back into the form that is opened and sealed here.

The changes of `contents.py` are undone: the settings name the base as the card does. Limits are stricter than for an
adapter that was trained here. Add here what must hold for third-party files before they are opened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.digests import canonical_json
from ratchet.deployment.hub.contents import CARD as README
from ratchet.deployment.hub.contents import FILES, RECEIPT
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import MAX_SMALL
from ratchet.models.adapters.format import AdapterCard, bad_adapter, show
from ratchet.models.adapters.peft_format import LoraSettings

BESIDE = frozenset({RECEIPT, README, ".gitattributes"})
"""Files that may lie beside an adapter without being part of it."""
MAX_RANK, MAX_STRENGTH = 64, 4
"""Limits of a third-party adapter: its rank, and its alpha as a multiple of the rank."""
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class ForeignAdapter:
    """Small files of a third-party adapter, in the form of one that was sealed here."""

    card: AdapterCard
    settings: LoraSettings | None
    files: Mapping[str, bytes]
    receipt: Mapping[str, Any] | None
    """Receipt of its publisher: an unverified claim."""


def choose_published(listed: Mapping[str, int]) -> list[str]:
    """Files of a commit (bytes by path) that make up a published adapter; raises `RatchetError` for unexpected ones."""
    if strange := sorted(set(listed) - set(FILES) - BESIDE):
        raise bad_adapter(
            f"the commit holds {show(strange[0])}, which is not a file of a published adapter.", "Nothing was fetched."
        )
    wanted = [name for name in FILES if name != README]
    if missing := [name for name in wanted if name not in listed]:
        raise bad_adapter(
            f"the commit holds no {missing[0]}, so it is not an adapter that Ratchet published.",
            "Nothing was fetched.",
        )
    for name in wanted:
        limit = _MAX_BYTES if name.endswith(".safetensors") else MAX_SMALL
        if not 0 <= listed[name] <= limit:
            raise bad_adapter(
                f"{name} of the commit has {listed[name]} bytes, more than {limit}.", "Nothing was fetched."
            )
    return wanted


def restore_files(small: Mapping[str, bytes], base: str = "") -> ForeignAdapter:
    """Small files of a third-party adapter, read strictly.

    `base` names the base model on this machine, where the card's name does not apply. Raises `RatchetError` for files
    that Ratchet does not write, or that exceed the limits of third-party adapters.
    """
    stated = form.parse_json(small, form.CARD)
    card = form.AdapterCard.from_json({**stated, "base": base} if base and isinstance(stated, dict) else stated)
    if card.base.startswith(("/", ".")) and not base:
        raise bad_adapter(
            f"{form.CARD} names its base by a folder of another machine.",
            "Name the base on this machine: --base NAME|./FOLDER.",
        )
    receipt = form.parse_json(small, RECEIPT) if RECEIPT in small else None
    if receipt is not None and not isinstance(receipt, dict):
        raise bad_adapter(f"{RECEIPT} is not a receipt.")
    files = {form.CARD: _line(card.as_json()) if base else small[form.CARD]}
    if card.method not in form.LOW_RANK:
        return ForeignAdapter(card, None, files, receipt)
    settings = _settings(form.parse_json(small, form.CONFIG), card)
    if settings.rank > MAX_RANK or settings.alpha > MAX_STRENGTH * settings.rank:
        raise bad_adapter(
            f"{form.CONFIG} has r = {settings.rank} and lora_alpha = {settings.alpha}; a third-party adapter may have"
            f" at most {MAX_RANK} and {MAX_STRENGTH} times r."
        )
    return ForeignAdapter(card, settings, {**files, form.CONFIG: canonical_json(settings.as_json()).encode()}, receipt)


def _settings(stated: Any, card: AdapterCard) -> LoraSettings:
    """The settings without the fields that publishing adds."""
    if not isinstance(stated, dict):
        raise bad_adapter(f"{form.CONFIG} holds no settings.")
    public = {name: stated.get(name, "") for name in ("base_model_name_or_path", "revision")}
    if not all(isinstance(value, str) and len(value) < 500 and value.isprintable() for value in public.values()):
        raise bad_adapter(f"{form.CONFIG} has a malformed base or revision.")
    kept = {name: value for name, value in stated.items() if name != "revision"}
    return LoraSettings.from_json({**kept, "base_model_name_or_path": card.base})


def _line(value: Mapping[str, Any]) -> bytes:
    return canonical_json(value).encode() + b"\n"
