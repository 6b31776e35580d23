"""One finding of `verify`, `status` and `doctor` on a home: a thing that was looked at, and the fault that it has.

Add here what every such finding has. Things are looked at in `verify.py` and `integrity.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ratchet.core.errors import BlockedError, RatchetError


@dataclass(frozen=True)
class VerifyFinding:
    """One thing that was checked, the result, and the fault; an empty `fault` means none."""

    what: str
    detail: str
    fault: str = ""

    def as_json(self) -> dict[str, str]:
        """Return JSON types; readers know the detail by the key `said`."""
        return {"what": self.what, "said": self.detail, "fault": self.fault}


def find(what: str, check: Callable[[], str]) -> VerifyFinding:
    """Return what `check` found of the thing called `what`; an error that it raises is the fault."""
    try:
        return VerifyFinding(what, check())
    except (RatchetError, BlockedError) as error:
        return VerifyFinding(what, "", error.message)
    except OSError as error:
        return VerifyFinding(what, "", f"{error.filename or what} cannot be read ({error.strerror}).")
