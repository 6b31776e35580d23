"""The environment of a process of ours that needs no secret: this process's own, without tokens and keys.

Use it for every child that speaks with nobody; those that speak with a Hub have a list of what they may see
(`ratchet/deployment/hub/subprocesses.py`). Add here a variable that holds a secret.
"""

import os
from collections.abc import Mapping

from ratchet.config.frontier import Frontier

SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", Frontier.key_variable)
"""Variables that never reach such a child, beside the one that a classifier's own `[frontier] key_variable` names."""


def without_secrets(frontier: Frontier | None = None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables of `environment` without those that hold a secret; `frontier` is the classifier's, where that is
    known."""
    secrets = _secrets(frontier)
    return {name: value for name, value in environment.items() if name not in secrets}


def emptied_secrets(frontier: Frontier | None = None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The secrets that `environment` has, each empty: for a client that adds to the environment and takes nothing
    away."""
    return dict.fromkeys(_secrets(frontier) & set(environment), "")


def _secrets(frontier: Frontier | None) -> set[str]:
    return {*SECRETS, *([frontier.key_variable] if frontier else [])}
