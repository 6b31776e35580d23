"""A home whose queue is answered in Label Studio, for the tests of sending and taking."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from ratchet.config.secret_variables import LABEL_STUDIO_TOKEN
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import LOW_CONFIDENCE
from ratchet.storage.home import Home
from ratchet.testing.label_studio.server import TOKEN, LocalLabelStudio
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.label_studio import describe_label_studio
from ratchet.workflows.review.label_studio_poll import PollResult, poll
from ratchet.workflows.review.label_studio_push import PushResult, push

NAME = "small"


@dataclass
class StudioDesk:
    """A home with queued requests, a Label Studio, and what landed."""

    home: Home
    url: str
    environment: Mapping[str, str]

    def put(self, count: int, *, start: int = 0, **more: Any) -> None:
        """Queue requests."""
        items = [
            QueuedRequest(f"rq{n}", LOW_CONFIDENCE, datetime.now(UTC), f"text {n}", value=-float(n), **more)
            for n in range(start, start + count)
        ]
        enqueue(self.home, NAME, items, writer="cycle")

    def push(self, **more: Any) -> PushResult:
        """Send a batch."""
        return push(self.home, NAME, environment=self.environment, **more)

    def poll(self, longest_s: float = 20.0) -> PollResult:
        """Take what was answered."""
        return poll(self.home, NAME, environment=self.environment, longest_s=longest_s)

    def rows(self) -> list[dict[str, Any]]:
        """Return the landed corrections by time; a repeated row counts once, as in intake."""
        segments = sorted(self.home.landing(NAME, "corrections").glob("gateway-*.parquet"))
        rows = [row for path in segments for row in pq.read_table(path).to_pylist()]
        return sorted({tuple(row.items()): row for row in rows}.values(), key=lambda row: row["ts"])

    def verdicts(self) -> dict[tuple[str, str], str]:
        """Return the newest answer of each person on each request."""
        return {(row["request_id"], row["annotator"]): row["label"] or row["answer"] for row in self.rows()}

    def status(self) -> str:
        """Return the sentence of `ratchet status`."""
        return describe_label_studio(self.home, NAME)


def write_spec(home: Home, url: str, more: str = "") -> None:
    """Write the specification of the classifier."""
    home.classifier(NAME).mkdir(exist_ok=True)
    labels = "".join(f'[[label]]\nname = "{label}"\ndescription = "of {label}"\n' for label in ("a", "b", "c"))
    home.spec(NAME).write_text(f'{labels}[review]\nlabel_studio = "{url}"\ndouble_share = 0.0\n{more}')


@pytest.fixture
def studio() -> Iterator[LocalLabelStudio]:
    """Return a Label Studio on loopback."""
    with LocalLabelStudio() as server:
        yield server


@pytest.fixture
def studio_desk(tmp_path: Path, studio: LocalLabelStudio) -> StudioDesk:
    """Return a desk whose classifier is answered in `studio`."""
    home = Home(tmp_path)
    write_spec(home, studio.url)
    return StudioDesk(home, studio.url, {LABEL_STUDIO_TOKEN: TOKEN})
