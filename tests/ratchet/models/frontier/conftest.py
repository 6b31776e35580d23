"""A frontier model on loopback and somebody who asks it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.frontier import Frontier
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.models.frontier.client import FrontierClient
from ratchet.storage.frontier_cache import CycleSpendLog, FrontierCache
from ratchet.testing.frontier_server import LocalFrontier

PROMPT = make_prompt(PromptPolicy(), [Label("parcel"), Label("refund"), Label("other")])


@pytest.fixture
def waits() -> list[float]:
    """Seconds that were waited for, without waiting."""
    return []


@pytest.fixture
def make_asker(tmp_path: Path, waits: list[float]) -> Callable[..., FrontierClient]:
    """An asker of a local server; keywords are settings. Its memory is in the test's folder, so the next one
    remembers."""

    def make(server: LocalFrontier, key: str | None = None, **changes: Any) -> FrontierClient:
        usual: dict[str, Any] = {"price_input": 1.0, "price_output": 2.0, "at_once": 1, "timeout_s": 5.0}
        settings = Frontier(server.base_url, "large", **{**usual, **changes})
        memory, log = FrontierCache(tmp_path / "answers"), CycleSpendLog(tmp_path / "spent.jsonl")
        return FrontierClient(settings, PROMPT, key, memory, log, wait=waits.append)

    return make
