"""Refusing a value: the sentence that holds what was found and the cure.

Add a kind of bound here when two settings share it; the settings themselves are in `spec.py`, `policy.py` and
`candidate.py`.
"""

import math

from ratchet.core.errors import RatchetError

STRICT = {"extra": "forbid"}
"""The pydantic configuration of every part of the specification: an unknown key is an error."""


def bad_spec(found: str, cure: str) -> RatchetError:
    """The error for a specification that cannot be used."""
    return RatchetError(found, cure, code="bad_spec")


def need_share(name: str, value: float) -> None:
    """Raise unless `value` is in 0..1."""
    if not 0 <= value <= 1:
        raise bad_spec(
            f"{name} = {value} is outside 0..1.", f"Give {name} as a share between 0 and 1, for instance 0.5."
        )


def need_at_least(name: str, value: float, least: float) -> None:
    """Raise unless `value` is finite and not below `least`."""
    if not value >= least:
        raise bad_spec(f"{name} = {value} is too small.", f"Set {name} to {least} or more.")
    if math.isinf(value):
        raise bad_spec(f"{name} = {value} is not finite.", f"Give {name} a number.")
