"""Trial: an adapter folder is loaded by the runtime of a target and answers there as it does where it was trained.

Add here a runtime that this machine can run. Who trains the adapter that is tried, and keeps the outcome, is
`ratchet/stores/trials.py`.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ratchet.canary import PROMPTS, TOLERANCE, check_canary
from ratchet.deployment.profile import Runtime
from ratchet.errors import RatchetError

_TEXTS = PROMPTS[1][:8]


def can_try(runtime: Runtime) -> bool:
    """Whether this machine can run it."""
    return runtime in _TRIALS


def try_adapter(folder: Path, runtime: Runtime, export: str) -> str:
    """What was seen, in words; raises `RatchetError` where the adapter cannot be loaded there or answers otherwise.

    `export` is the kind of export that the runtime loads, empty where it loads none.
    """
    return _TRIALS[runtime](folder, export)


def _try_in_process(folder: Path, _export: str) -> str:
    from ratchet.shared_base import SharedBases

    predictor = SharedBases().load(folder)
    check_canary(predictor.card, predictor.logits)
    return "beside others on one base it answers as it did when it was trained"


def _try_onnx(folder: Path, export: str) -> str:
    from ratchet.exports.kinds import KINDS
    from ratchet.exports.onnx_files import ONNX
    from ratchet.exports.onnx_runtime import onnx_predictor
    from ratchet.opened_adapter import open_adapter
    from ratchet.prediction import load_predictor

    opened, kind = open_adapter(folder), KINDS[export]
    with TemporaryDirectory() as stage:
        kind.write(opened, Path(stage))
        found = onnx_predictor(opened, (Path(stage) / ONNX).read_bytes(), one_by_one=kind.one_by_one).logits(_TEXTS)
    if kind.one_by_one:  # numbers of eight bits: how near they are is judged by parity, on an adapter that learned something
        if not np.isfinite(found).all():
            raise _differs(export, "what is no number")
        return f"its {export} export answers"
    expected = load_predictor(folder).logits(_TEXTS)
    distance = float(np.abs(found - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not distance <= limit:  # also when it is no number
        raise _differs(export, f"logits {distance:.2g} away from its own, more than {limit:.2g}")
    return f"its {export} export answers within {limit:.2g} of its own logits"


def _differs(export: str, how: str) -> RatchetError:
    return RatchetError(f"its {export} export answers with {how}.", "Take another kind of export.", code="bad_export")


_TRIALS: Mapping[Runtime, Callable[[Path, str], str]] = {"in_process": _try_in_process, "onnx": _try_onnx}
