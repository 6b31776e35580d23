"""A review queue of the classifier `tickets` with a few requests, and what was landed of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.core.current_user import current_user
from ratchet.core.person_names import normalise_name
from ratchet.review.item import RANDOM, QueuedRequest
from ratchet.review.reasons import AUDIT
from ratchet.storage.home import Home
from ratchet.workflows.review.enqueue import enqueue

ME = normalise_name(current_user())


@pytest.fixture
def queued(home: Path) -> Callable[..., Home]:
    """Queue `number` requests; their texts are `text 0` and so on, or given."""

    def fill(number: int = 4, *texts: str) -> Home:
        given = texts or tuple(f"text {n}" for n in range(number))
        now = datetime(2026, 1, 6, tzinfo=UTC)
        items = [QueuedRequest(f"r{n}", AUDIT, now, text, RANDOM, 0.5) for n, text in enumerate(given)]
        enqueue(Home(home), "tickets", items, writer="commands")
        return Home(home)

    return fill


@pytest.fixture
def landed() -> Callable[[Home], list[dict[str, Any]]]:
    """Corrections that were landed, in the order of their times."""

    def read(home: Home) -> list[dict[str, Any]]:
        folder = home.landing("tickets", "corrections")
        rows = [row for path in folder.glob("*.parquet") for row in pq.read_table(path).to_pylist()]
        return sorted(rows, key=lambda row: row["ts"])

    return read
