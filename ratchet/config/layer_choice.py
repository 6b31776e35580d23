"""Which layers learn: `all` or `top:K`."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


ALL = "all"


_TOP = re.compile(r"top:([1-9][0-9]{0,3})")


def upper_count(layers: str) -> int | None:
    """K of `top:K`, None for `all`; raises ValueError for anything else."""
    if layers == ALL:
        return None
    result = _TOP.fullmatch(layers)
    if result is None:
        raise ValueError(layers)
    return int(result[1])
