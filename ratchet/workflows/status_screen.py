"""The status screen of a home: every classifier, and one that is broken as its row with one sentence.

Add here what concerns all classifiers together; the facts of one are `status.py`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.system_errors import explain_fault, find_fault
from ratchet.storage.home import Home
from ratchet.workflows.status import describe_classifier


def describe_each(home: Home, names: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """Return the facts of each of `names`; of one that cannot be read `classifier` and `error` alone."""
    return [_describe(home, name, now) for name in names]


def _describe(home: Home, name: str, now: datetime) -> dict[str, Any]:
    try:
        return describe_classifier(home, name, now)
    except RatchetError as error:
        return {"classifier": name, **error.as_json()}
    except Exception as error:  # noqa: BLE001 - whatever is broken of one classifier, the others are shown
        if fault := find_fault(error):
            return {"classifier": name, **explain_fault(fault, home.root).as_json()}
        found = f"{name} cannot be shown ({type(error).__name__}: {' '.join(str(error).split())[:300]})."
        return {
            "classifier": name,
            **RatchetError(found, "Run 'ratchet doctor' to see which file is damaged.").as_json(),
        }
