"""A base model in numbers of four bits (NF4, double quantisation): what QLoRA freezes, to train adapters beside it in
less memory.

What is trained so is a plain LoRA, and is judged and served on the base as it is, in full numbers. Add here what
concerns bitsandbytes; which methods there are is said in `ratchet/config/candidate.py`.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.core.blocked_imports import hidden
from ratchet.models.encoders import quiet_loading
from ratchet.training.device import fast_dtype, learning_device

METHOD = "qlora"
_PACKS = "support_avx512bf16_for_cpu"


def prepare_quantising(candidates: Sequence[Candidate]) -> None:
    """Import bitsandbytes where a candidate needs it, before anything imports PEFT, which asks for it once and for all.

    It would look for faster kernels on the Hub, and say that it found none: it is kept from both.
    """
    if any(candidate.method == METHOD for candidate in candidates):
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
        _import_quietly()


@hidden("kernels")
def _import_quietly() -> None:
    import bitsandbytes  # noqa: F401


def load_quantised(folder: Path) -> Any:
    """The causal base model of `folder` with its linear layers in four bits, the rest in the fast format; in evaluation
    mode."""
    import torch
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    device, dtype = learning_device(), fast_dtype()
    four_bits = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=dtype
    )
    with quiet_loading():
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            quantization_config=four_bits,
            dtype=dtype,
            device_map={"": torch.device(device.type, 0) if device.type == "cuda" else device},
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation="eager" if device.type == "cpu" else None,
        )
    for module in model.modules():
        # it would pack its weights for quick inference, through which no gradient passes afterwards
        if hasattr(module, _PACKS):
            setattr(module, _PACKS, False)
    return model.eval()
