"""How the process of a training ended, in words: killed, out of memory, hung, or crashed; and whether a second try may
help.

Add here another way to end. What is done about it is decided in `supervisor.py`.
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
# of torch, CUDA, C++ and the loader
_REFUSALS = ("allocate memory", "out of memory", "bad_alloc", "failed to map segment")
_KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)
_NATIVE_CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS)

Cause = Literal["killed", "out_of_memory", "hung", "crashed"]


class PeerExitedError(Exception):
    """The other process of a pair is gone. No fault of the candidate, so it is no `RatchetError`: nobody goes on
    without it."""

    returncode: int | None = None
    """How it ended, where that is known."""


@dataclass(frozen=True)
class ExitReason:
    """Why a training process is gone before its time."""

    cause: Cause
    words: str

    @property
    def worth_another_try(self) -> bool:
        """Whether half the room may be enough: a crash would only come again."""
        return self.cause != "crashed"

    @property
    def hint(self) -> str:
        """What the user can do."""
        if self.cause == "hung":
            return f"{TRACE} lies in the work folder. A machine that is only slow needs a larger {SILENCE}."
        if self.cause == "crashed":
            return "The log of the training holds the traceback."
        return (
            "Give the training more memory, or lower max_tokens or choose a smaller base model; finished epochs are"
            " kept."
        )


def memory_limit() -> int | None:
    """Bytes that this process and its children may map (RLIMIT_AS), None without a limit."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def diagnose_exit(returncode: int, silence_s: float, second: int | None = None, limit: int | None = None) -> ExitReason:
    """The ending behind a return code, negative for a signal as `subprocess` has it.

    `second` is the return code of the pair's second process, where the first one ended because of it; `limit` is the
    limit on memory under which both ran, in bytes: libraries that do not expect a refusal crash on it.
    """
    who, code = ("the training", returncode) if second is None else ("the training's second process", second)
    if code in _KILLED:
        return ExitReason("killed", f"{who} was killed (SIGKILL; too little memory is the usual cause)")
    if code == OUT_OF_MEMORY:
        return ExitReason("out_of_memory", f"{who} was out of memory: the system refused to give more")
    if code == -signal.SIGALRM:
        return ExitReason(
            "hung", f"{who} hung: it gave no sign of life for {silence_s:g} s, and {TRACE} says where it stood"
        )
    if code in _NATIVE_CRASHES and limit is not None:
        words = (
            f"{who} was ended by {signal.Signals(-code).name} (memory is limited to {limit / 1e6:.0f} MB: the usual"
            " cause)"
        )
        return ExitReason("out_of_memory", words)
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return ExitReason("crashed", f"{who} {how}")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception, or one that it followed from, says that the system refused memory."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    if isinstance(error, (RuntimeError, ImportError)) and any(words in str(error).lower() for words in _REFUSALS):
        return True
    before = error.__cause__ or error.__context__
    return before is not None and is_out_of_memory(before)


def second_failure(first: ExitReason, second: ExitReason) -> RatchetError:
    """The sentence after two tries."""
    return RatchetError(
        f"{first.words}; with half as many texts at once {second.words}.",
        second.hint,
        code=f"training_{second.cause}",
    )
