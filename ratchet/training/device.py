"""Device, number format and number of processes of a training.

Add here choices that follow from the machine; a candidate's own choices are in `ratchet/config/candidate.py`.
"""

import os
from typing import TYPE_CHECKING

from ratchet.core.errors import RatchetError

if TYPE_CHECKING:
    import torch

PROCESSES = "RATCHET_TRAINING_PROCESSES"
"""Variable with the number of processes of a training on a CPU: 2, or 1 where one core is all there is."""


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


def read_processes() -> int:
    """Number of processes that share a training on a CPU, 2 unless the environment sets 1.

    Never read off the machine: sums are rounded otherwise with one, and the same plan must give the same weights
    everywhere. Raises `RatchetError` for other values.
    """
    value = os.environ.get(PROCESSES, "") or "2"
    if value not in {"1", "2"}:
        raise RatchetError(f"{PROCESSES} is {value[:40]!r}.", "Set 1 or 2, or unset it for 2.", code="bad_setting")
    return int(value)
