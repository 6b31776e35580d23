"""Quantising a GGUF file, in a separate process: llama.cpp prints to the terminal and aborts its process on errors.

Add a form here, with llama.cpp's number for it. `kinds.py` lists which forms are exports.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from ratchet.config.secret_variables import without_secrets
from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import CONVERSION_S
from ratchet.deployment.exports.gguf_converter import missing_package

FORMS = {"q8_0": 7, "q4_0": 2, "q4_k_m": 15}
"""Numbers of `llama_ftype`. `q4_0` needs rows of a multiple of 32, `q4_k_m` of 256: others it stores in other forms."""


def quantise(source: Path, target: Path, form: str) -> None:
    """Write the 16-bit GGUF file `source` to `target` in `form`.

    Raises `RatchetError` where the tool is missing or fails.
    """
    if importlib.util.find_spec("cyllama") is None:
        raise missing_package("cyllama")
    command = [sys.executable, "-m", __name__, str(source), str(target), form, str(os.getpid())]
    done = subprocess.run(
        command,
        env=without_secrets(),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=CONVERSION_S,
        check=False,
    )
    if done.returncode or not target.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RatchetError(
            f"llama.cpp could not quantise to {form}: {lines[-1][:300] if lines else f'exit code {done.returncode}'}",
            "Export gguf_f16 instead.",
            code="no_export",
        )


def main(source: str, target: str, form: str, parent: str) -> None:
    """Quantise `source` into `target`: the body of the process."""
    die_with_parent(int(parent))
    from cyllama.llama import llama_cpp

    settings = llama_cpp.LlamaModelQuantizeParams()
    settings.ftype, settings.nthread = FORMS[form], 1
    llama_cpp.model_quantize(source, target, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
