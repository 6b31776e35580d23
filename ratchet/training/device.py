"""Device and number format of a training: GPU or CPU, in the format that it multiplies fastest.

Add here choices that follow from the machine; a candidate's own choices are in `ratchet/config/candidate.py`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def fast_dtype() -> "torch.dtype":
    """bfloat16 where the GPU, or else the CPU (AVX512-BF16 or AMX), multiplies it natively; otherwise float32."""
    import torch

    if torch.cuda.is_available():
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if native else torch.float32


def learning_device() -> "torch.device":
    """First GPU that torch sees, else the CPU."""
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
