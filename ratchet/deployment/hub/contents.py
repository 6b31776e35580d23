"""What is uploaded: a plain PEFT folder, one file of ours beside it, the receipt and the model card. These names and no
others.

The weights are byte for byte those that were judged; of the settings only the name of the base differs, which has to
mean something to others. Add a file to `FILES` and write it here.
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
"""Everything that is ever uploaded."""


def need_peft(content: Mapping[str, bytes]) -> None:
    """Raise unless the adapter is one that PEFT loads."""
    card = form.read_card(content)
    if form.CONFIG not in content or form.WEIGHTS[card.method] != FILES[1]:
        raise RatchetError(
            f"the adapter is a {card.method}, which PEFT cannot load.",
            "Publish an adapter of method 'lora'; or use 'ratchet export' for the whole model.",
            code="no_peft_adapter",
        )


def make_files(content: Mapping[str, bytes], told: CardFacts, receipt: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of the upload, by name; the same facts give the same bytes. `content` are the files of the sealed
    adapter."""
    need_peft(content)
    return {
        form.CONFIG: _line(public_settings(content, told.base)),
        FILES[1]: content[FILES[1]],
        form.CARD: _line(_public_card(told)) if told.card.base.startswith(("/", ".")) else content[form.CARD],
        RECEIPT: _line(receipt),
        CARD: write_card(told).encode(),
    }


def public_settings(content: Mapping[str, bytes], base: PublicBase) -> dict[str, Any]:
    """`adapter_config.json` with the base's public name and revision; all else is as it was judged."""
    return {**read_lora_settings(content).as_json(), "base_model_name_or_path": base.name, "revision": base.revision}


def _public_card(told: CardFacts) -> dict[str, Any]:
    """The card without the path of this machine that its base is named by."""
    return {**told.card.as_json(), "base": f"{told.base.name}@{told.base.revision}"}


def _line(value: Mapping[str, Any]) -> bytes:
    return canonical_json(value).encode() + b"\n"
