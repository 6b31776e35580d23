"""Uploaded files: a plain PEFT folder, `ratchet.json`, the receipt and the model card; these names and no others.

The weights are byte for byte the evaluated ones; in the settings only the name of the base differs, which others must
be able to find. Add a file to `FILES` and write it here.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.core.digests import canonical_json
from ratchet.core.errors import RatchetError
from ratchet.deployment.hub.model_card import CardFacts, write_card
from ratchet.deployment.hub.public_base import PublicBase
from ratchet.models.adapters import format as form
from ratchet.models.adapters.peft_format import read_lora_settings

CARD = "README.md"
RECEIPT = "receipt.json"
FILES = (form.CONFIG, "adapter_model.safetensors", form.CARD, RECEIPT, CARD)
"""Names of all files that are ever uploaded."""


def need_peft(content: Mapping[str, bytes]) -> None:
    """Raise `RatchetError` unless PEFT can load the adapter."""
    card = form.read_card(content)
    if form.CONFIG not in content or form.WEIGHTS[card.method] != FILES[1]:
        raise RatchetError(
            f"the adapter is a {card.method}, which PEFT cannot load.",
            "Publish an adapter of method 'lora', or use 'ratchet export' for the whole model.",
            code="no_peft_adapter",
        )


def make_files(content: Mapping[str, bytes], facts: CardFacts, receipt: Mapping[str, Any]) -> dict[str, bytes]:
    """Contents of the uploaded files by name; equal facts give equal bytes. `content` is the sealed adapter's files."""
    need_peft(content)
    return {
        form.CONFIG: _line(public_settings(content, facts.base)),
        FILES[1]: content[FILES[1]],
        form.CARD: _line(_public_card(facts)) if facts.card.base.startswith(("/", ".")) else content[form.CARD],
        RECEIPT: _line(receipt),
        CARD: write_card(facts).encode(),
    }


def public_settings(content: Mapping[str, bytes], base: PublicBase) -> dict[str, Any]:
    """`adapter_config.json` with the base's public name and revision; the rest is as evaluated."""
    return {**read_lora_settings(content).as_json(), "base_model_name_or_path": base.name, "revision": base.revision}


def _public_card(facts: CardFacts) -> dict[str, Any]:
    """The card with the public name of its base in place of a path of this machine."""
    return {**facts.card.as_json(), "base": f"{facts.base.name}@{facts.base.revision}"}


def _line(value: Mapping[str, Any]) -> bytes:
    return canonical_json(value).encode() + b"\n"
