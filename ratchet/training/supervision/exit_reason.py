"""Diagnosis of a training process that ended early: killed, out of memory, hung or crashed; and if a retry may help.

Add here another way to end. The reaction is decided in `supervisor.py`.
"""

import errno
import resource
import signal
from dataclasses import dataclass
from typing import Literal

from ratchet.core.errors import RatchetError
from ratchet.training.supervision.watchdog import SILENCE, TRACE

OUT_OF_MEMORY = 71
"""Exit code of a process that was refused memory: EX_OSERR of sysexits.h."""
# messages of torch, CUDA, C++ and the loader
_ALLOCATION_FAILURES = ("allocate memory", "out of memory", "bad_alloc", "failed to map segment")
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
_NATIVE_CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)

Cause = Literal["killed", "out_of_memory", "hung", "crashed"]


class PeerExitedError(Exception):
    """Loss of the other process of a pair. Not a `RatchetError`, which would count as a failure of the candidate."""

    returncode: int | None = None
    """Return code of that process, where known."""


@dataclass(frozen=True)
class ExitReason:
    """Reason for the early end of a training process."""

    cause: Cause
    words: str

    @property
    def worth_another_try(self) -> bool:
        """True where half the memory budget may be enough; a crash would only happen again."""
        return self.cause != "crashed"

    @property
    def hint(self) -> str:
        """Advice for the user."""
        if self.cause == "hung":
            return f"See {TRACE} in the work folder. If the machine is only slow, set a larger {SILENCE}."
        if self.cause == "crashed":
            return "The log of the training holds the traceback."
        return (
            "Give the training more memory, or lower max_tokens or choose a smaller base model; finished epochs are"
            " kept."
        )


def memory_limit() -> int | None:
    """Bytes that this process and its children may map (RLIMIT_AS); None without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def diagnose_exit(returncode: int, silence_s: float, second: int | None = None, limit: int | None = None) -> ExitReason:
    """Diagnose a return code, negative for a signal as in `subprocess`.

    `second` is the return code of the pair's second process, where the first one ended because of it; `limit` is the
    memory limit of both, in bytes.
    """
    who, code = ("the training", returncode) if second is None else ("the training's second process", second)
    if code in _KILLED:
        return ExitReason("killed", f"{who} was killed (SIGKILL; too little memory is the usual cause)")
    if code == OUT_OF_MEMORY:
        return ExitReason("out_of_memory", f"{who} was out of memory: the system refused to allocate more")
    if code == -signal.SIGALRM:
        return ExitReason(
            "hung", f"{who} hung: it made no progress for {silence_s:g} s; {TRACE} shows where it stopped"
        )
    # libraries that do not check an allocation crash when it fails
    if code in _NATIVE_CRASHES and limit is not None:
        words = (
            f"{who} was ended by {signal.Signals(-code).name} (memory is limited to {limit / 1e6:.0f} MB: the usual"
            " cause)"
        )
        return ExitReason("out_of_memory", words)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return ExitReason("crashed", f"{who} {how}")


def is_out_of_memory(error: BaseException) -> bool:
    """True where an exception, or one that it followed from, reports a failed allocation."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    if isinstance(error, (RuntimeError, ImportError)) and any(
        words in str(error).lower() for words in _ALLOCATION_FAILURES
    ):
        return True
    before = error.__cause__ or error.__context__
    return before is not None and is_out_of_memory(before)


def second_failure(first: ExitReason, second: ExitReason) -> RatchetError:
    """Error after two failed tries."""
    return RatchetError(
        f"{first.words}; with half as many texts at once {second.words}.",
        second.hint,
        code=f"training_{second.cause}",
    )
