"""Moves that a sensor asks for no more, since their runs failed: `given_up/<sensor>.json`, so that screens can say it.

Add here what a screen must know of it; when a sensor gives up is decided in `orchestration/run_attempts.py`.
"""

import json
import logging
from datetime import UTC, datetime

from ratchet.core.files import write_json
from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)


def note_given_up(home: Home, classifier: str, what: str, reason: str) -> None:
    """Note why a sensor asks for `what` no more; with an empty reason, that it does again. Errors of the disk are
    logged."""
    path = home.classifier(classifier) / "given_up" / f"{what}.json"
    try:
        if not reason:
            path.unlink(missing_ok=True)
        elif read_given_up(home, classifier).get(what, {}).get("reason") != reason:
            write_json(path, {"reason": reason, "since": datetime.now(UTC).isoformat(timespec="seconds")})
    except OSError as error:
        _LOG.warning("%s cannot be written: %s", path, error)


def read_given_up(home: Home, classifier: str) -> dict[str, dict[str, str]]:
    """Return `reason` and `since` of what is given up, by what it is; damaged files are left out."""
    found = {}
    for path in sorted((home.classifier(classifier) / "given_up").glob("*.json")):
        try:
            document = json.loads(path.read_bytes())
            found[path.stem] = {key: str(document[key]) for key in ("reason", "since")}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def describe_given_up(home: Home, classifier: str) -> dict[str, str]:
    """Return one sentence for each thing that is given up."""
    return {
        what: f"given up since {each['since']}: {each['reason']}; tried again by new code, or the next day"
        for what, each in read_given_up(home, classifier).items()
    }
