"""Environment of a child process without secrets: the variables of this process, without tokens and keys.

Use it for every child that needs no network; those that connect to a Hub have a list of allowed variables
(`ratchet/deployment/hub/subprocesses.py`). Add here a variable that holds a secret.
"""

import os
from collections.abc import Mapping

from ratchet.config.frontier import Frontier

LABEL_STUDIO_TOKEN = "RATCHET_LABEL_STUDIO_TOKEN"  # noqa: S105 - the name of a variable
"""Token of a Label Studio that others run; of our own one, the token is in a file that only its owner reads."""
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", Frontier.key_variable, LABEL_STUDIO_TOKEN)
"""Variables that are never passed on, in addition to the classifier's own `[frontier] key_variable`."""


def without_secrets(frontier: Frontier | None = None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of `environment` without secrets; `frontier` is the classifier's, if known."""
    secrets = _secrets(frontier)
    return {name: value for name, value in environment.items() if name not in secrets}


def emptied_secrets(frontier: Frontier | None = None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the secrets of `environment`, each empty: for a client that only adds to the environment."""
    return dict.fromkeys(_secrets(frontier) & set(environment), "")


def _secrets(frontier: Frontier | None) -> set[str]:
    return {*SECRETS, *([frontier.key_variable] if frontier else [])}
