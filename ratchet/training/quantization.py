"""Base models in four bits (NF4, double quantisation) for QLoRA, which trains adapters beside them in less memory.

The trained adapter is a plain LoRA; it is evaluated and served on the base in full precision. Add here what concerns
bitsandbytes; the methods are listed in `ratchet/config/candidate.py`.
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
    """Import bitsandbytes where a candidate needs it, before PEFT, which looks for it only once.

    Its search for faster kernels on the Hub, and its warning about finding none, are suppressed.
    """
    if any(candidate.method == METHOD for candidate in candidates):
        logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
        _import_quietly()


@hidden("kernels")
def _import_quietly() -> None:
    import bitsandbytes  # noqa: F401


def load_quantised(folder: Path) -> Any:
    """Load a causal base model, linear layers in four bits and the rest in the fast format, in evaluation mode."""
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
        # else it packs its weights for fast inference, and no gradient passes through packed weights
        if hasattr(module, _PACKS):
            setattr(module, _PACKS, False)
    return model.eval()
