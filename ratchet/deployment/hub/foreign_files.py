"""Files of an adapter that came from elsewhere, read back into the form that is opened and sealed here.

What `contents.py` makes public is undone: the settings name the base as the card does. A foreign adapter is bound more
tightly than one that was trained here. Add here what must be true of files that somebody else made before they are
opened.
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
"""What may lie beside an adapter, and is no part of it."""
MAX_RANK, MAX_STRENGTH = 64, 4
"""Of a foreign adapter: its rank, and how many times its rank its alpha may be."""
_MAX_BYTES = 2_000_000_000


@dataclass(frozen=True)
class ForeignAdapter:
    """A foreign adapter's small files as one that was sealed here has them."""

    card: AdapterCard
    settings: LoraSettings | None
    files: Mapping[str, bytes]
    receipt: Mapping[str, Any] | None
    """What its publisher says of it: a claim."""


def choose_published(listed: Mapping[str, int]) -> list[str]:
    """Which files of a commit (bytes by path) are a published adapter; raises `RatchetError` for anything that none
    holds."""
    if strange := sorted(set(listed) - set(FILES) - BESIDE):
        raise bad_adapter(
            f"the commit holds {show(strange[0])}, which no published adapter does.", "Nothing of it was fetched."
        )
    wanted = [name for name in FILES if name != README]
    if missing := [name for name in wanted if name not in listed]:
        raise bad_adapter(
            f"the commit holds no {missing[0]}, so it is no adapter that Ratchet published.",
            "Nothing of it was fetched.",
        )
    for name in wanted:
        limit = _MAX_BYTES if name.endswith(".safetensors") else MAX_SMALL
        if not 0 <= listed[name] <= limit:
            raise bad_adapter(
                f"{name} of the commit has {listed[name]} bytes, more than {limit}.", "Nothing of it was fetched."
            )
    return wanted


def restore_files(small: Mapping[str, bytes], base: str = "") -> ForeignAdapter:
    """The small files of a foreign adapter, read strictly. `base` names the base model here, where the card's name
    means nothing.

    Raises `RatchetError` for what no adapter of Ratchet says, or what is beyond the bounds of foreign ones.
    """
    said = form.parse_json(small, form.CARD)
    card = form.AdapterCard.from_json({**said, "base": base} if base and isinstance(said, dict) else said)
    if card.base.startswith(("/", ".")) and not base:
        raise bad_adapter(
            f"{form.CARD} names its base by a folder of another machine.", "Give the base here: --base NAME|./FOLDER."
        )
    receipt = form.parse_json(small, RECEIPT) if RECEIPT in small else None
    if receipt is not None and not isinstance(receipt, dict):
        raise bad_adapter(f"{RECEIPT} is no receipt.")
    files = {form.CARD: _line(card.as_json()) if base else small[form.CARD]}
    if card.method not in form.LOW_RANK:
        return ForeignAdapter(card, None, files, receipt)
    settings = _settings(form.parse_json(small, form.CONFIG), card)
    if settings.rank > MAX_RANK or settings.alpha > MAX_STRENGTH * settings.rank:
        raise bad_adapter(
            f"{form.CONFIG} asks for r = {settings.rank} and lora_alpha = {settings.alpha}; of an adapter that came"
            f" from elsewhere {MAX_RANK} and {MAX_STRENGTH} times r are allowed."
        )
    return ForeignAdapter(card, settings, {**files, form.CONFIG: canonical_json(settings.as_json()).encode()}, receipt)


def _settings(said: Any, card: AdapterCard) -> LoraSettings:
    """The settings without what publishing adds to them."""
    if not isinstance(said, dict):
        raise bad_adapter(f"{form.CONFIG} holds no settings.")
    public = {name: said.get(name, "") for name in ("base_model_name_or_path", "revision")}
    if not all(isinstance(value, str) and len(value) < 500 and value.isprintable() for value in public.values()):
        raise bad_adapter(f"{form.CONFIG} names a base or a revision that is none.")
    kept = {name: value for name, value in said.items() if name != "revision"}
    return LoraSettings.from_json({**kept, "base_model_name_or_path": card.base})


def _line(value: Mapping[str, Any]) -> bytes:
    return canonical_json(value).encode() + b"\n"
