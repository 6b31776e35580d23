"""Quantising a GGUF file, in a process of its own: llama.cpp speaks to the terminal, and ends its process where it
gives up.

Add a form here, with llama.cpp's number for it. Which forms are exports is `kinds.py`.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from ratchet.config.secret_variables import without_secrets
from ratchet.core.child_processes import die_with_parent
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports.gguf_converter import missing_package

FORMS = {"q8_0": 7, "q4_0": 2, "q4_k_m": 15}
"""Numbers of `llama_ftype`. `q4_k_m` takes other forms for rows that are no multiple of 256; `q4_0` needs multiples of
32."""
_TIMEOUT_S = 3600


def quantise(source: Path, target: Path, form: str) -> None:
    """Write the 16-bit GGUF file `source` in `form` to `target`; raises `RatchetError` where the tool is missing or
    fails."""
    if importlib.util.find_spec("cyllama") is None:
        raise missing_package("cyllama")
    command = [sys.executable, "-m", __name__, str(source), str(target), form, str(os.getpid())]
    done = subprocess.run(
        command,
        env=without_secrets(),
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode or not target.is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise RatchetError(
            f"llama.cpp could not quantise to {form}: {said[-1][:300] if said else f'exit code {done.returncode}'}",
            "Export gguf_f16 instead.",
            code="no_export",
        )


def main(source: str, target: str, form: str, parent: str) -> None:
    """What the process does."""
    die_with_parent(int(parent))
    from cyllama.llama import llama_cpp

    settings = llama_cpp.LlamaModelQuantizeParams()
    settings.ftype, settings.nthread = FORMS[form], 1
    llama_cpp.model_quantize(source, target, settings)


if __name__ == "__main__":
    main(*sys.argv[1:])
