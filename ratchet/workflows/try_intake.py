"""Intake before a decision: what can be loaded is loaded, and a failure is a remark on the decision, never its end.

Sensors and the promoter decide on what is in the warehouse. Add here another preparation whose failure must not stop
them.
"""

import logging

from ratchet.core.errors import RatchetError
from ratchet.core.system_errors import explain_fault, find_fault
from ratchet.ingest.landing import Landing
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse

_LOG = logging.getLogger(__name__)


def try_intake(home: Home, classifier: str, warehouse: Warehouse) -> str:
    """Load everything new of a classifier; return why that failed, or which files were rejected, else nothing.

    Raises `RatchetError` with code `not_built` alone: without a warehouse there is nothing to decide on.
    """
    try:
        results = Landing(home, warehouse).take(Specs(home)[classifier])
    except RatchetError as error:
        if error.code == "not_built":
            raise
        _LOG.warning("%s: new rows were not loaded: %s", classifier, error.message)
        return _remark(error.message)
    except Exception as error:  # noqa: BLE001 - a surprise in a file must not stop a rollback
        if fault := find_fault(error):
            refused = explain_fault(fault, home.root)
            _LOG.warning("%s: new rows were not loaded: %s", classifier, refused)
            return _remark(refused.message)
        _LOG.warning("%s: new rows were not loaded", classifier, exc_info=error)
        return _remark(f"{type(error).__name__}: {error}")
    whole = [result.file for result in results if result.rejected and not result.accepted and not result.duplicate]
    return f"Not loaded at all: {', '.join(whole[:5])}; ratchet ingest {classifier} says why." if whole else ""


def _remark(reason: str) -> str:
    return f"New rows were not loaded: {reason.splitlines()[0][:300]}"
