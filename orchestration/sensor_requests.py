"""Requests of a sensor that looks at every classifier: the fault of one is a reason, and the others go on.

Add here what all such sensors share; what each of them asks is in its own file.
"""

import logging
from collections.abc import Callable, Iterable

import dagster as dg

from assets.metadata import without_markup
from orchestration.run_attempts import GivenUp
from orchestration.unguarded_webserver import warn_once
from ratchet.core.errors import RatchetError
from ratchet.storage.given_up import note_given_up
from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)


def ask_each(
    home: Home, names: Iterable[str], ask: Callable[[str], dg.RunRequest | str], what: str = ""
) -> tuple[list[dg.RunRequest], dg.SkipReason | None]:
    """Ask for each of `names` for a run, or the reason for none; return the requests, or why there is none at all.

    An unexpected error is a reason like another, and also logged with its traceback: with a request of another
    classifier in the tick Dagster shows no reasons. With `what`, the home says what of it is given up.
    """
    warn_once()
    requests: list[dg.RunRequest] = []
    reasons: list[str] = []
    for name in names:
        try:
            result = ask(name)
            if what:
                note_given_up(home, name, what, result if isinstance(result, GivenUp) else "")
        except RatchetError as error:
            result = str(error)
        except Exception as error:  # noqa: BLE001 - a fault of one classifier must not stop the others' rollbacks
            _LOG.warning("%s: the sensor could not look at it", name, exc_info=error)
            result = f"{type(error).__name__}: {error}"
        if isinstance(result, dg.RunRequest):
            requests.append(result)
        else:
            reasons.append(f"{name}: {result}")
    if requests:
        return requests, None
    return [], dg.SkipReason(without_markup("; ".join(reasons)) or f"no classifier in {home.root}")
