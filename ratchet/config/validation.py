"""Validation of settings: errors that state the value found and a hint.

Add a kind of bound here when two settings share it; the settings themselves are in `spec.py`, `policy.py` and
`candidate.py`.
"""

import math

from ratchet.core.errors import RatchetError

STRICT = {"extra": "forbid"}
"""Pydantic configuration of every part of the specification: an unknown key is an error."""


def bad_spec(found: str, hint: str) -> RatchetError:
    """Return the error for an invalid specification."""
    return RatchetError(found, hint, code="bad_spec")


def need_share(name: str, value: float) -> None:
    """Raise `RatchetError` unless `value` is in 0..1."""
    if not 0 <= value <= 1:
        raise bad_spec(
            f"{name} = {value} is outside 0..1.", f"Give {name} as a share between 0 and 1, for instance 0.5."
        )


def need_at_least(name: str, value: float, least: float) -> None:
    """Raise `RatchetError` unless `value` is finite and not below `least`."""
    if not value >= least:
        raise bad_spec(f"{name} = {value} is too small.", f"Set {name} to {least} or more.")
    if math.isinf(value):
        raise bad_spec(f"{name} = {value} is not finite.", f"Give {name} a number.")
