"""The home page as a file, `<home>/index.html`: written after each cycle and each decision of a rollout.

Add here another file that shows a home to whoever serves nothing. The served page is `gateway/routes/home_page.py`.
"""

import logging
from contextlib import suppress
from datetime import UTC, datetime

from ratchet.core.files import write_atomically
from ratchet.storage.home import Home
from ratchet.workflows.overview.cards import load_overview
from ratchet.workflows.overview.page.rendering import render_home

_LOG = logging.getLogger(__name__)


def write_home_page(home: Home, now: datetime | None = None) -> None:
    """Write the page as it is now. Its file is expendable: whatever fails is logged, and stops nothing."""
    try:
        page = render_home(load_overview(home, now or datetime.now(UTC)), None)
        write_atomically(home.page, page.encode(), mode=0o640)
    except Exception as error:  # noqa: BLE001 - a page must never stop a cycle or a rollback
        with suppress(OSError):
            _LOG.warning("%s was not written: %s", home.page.name, error)
