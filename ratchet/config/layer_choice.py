"""Choice of the layers that learn: `all` or `top:K`.

Add here another way to name layers; how a model is cut there is in `ratchet/models/layers.py`.
"""

import re

ALL = "all"
_TOP = re.compile(r"top:([1-9][0-9]{0,3})")


def upper_count(layers: str) -> int | None:
    """Return K of `top:K`, None for `all`; raises ValueError for anything else."""
    if layers == ALL:
        return None
    top = _TOP.fullmatch(layers)
    if top is None:
        raise ValueError(layers)
    return int(top[1])
