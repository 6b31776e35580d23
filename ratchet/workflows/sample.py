"""Home with the sample classifier and simulated weeks, whose cycle takes minutes; and the sample's golden set.

Add here what such a home holds. What a simulated week is made of is `ratchet/simulation/weeks.py`; the demo, which also
plays a rollout, is `demo.py`.
"""

import json
import random
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import write_atomically
from ratchet.data.near_duplicates import NearDuplicates
from ratchet.data.records import REQUEST_KINDS
from ratchet.simulation.traces import LABELS, make_trace
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.storage.home import Home

SOURCE = Path(__file__).parents[2] / "data" / CLASSIFIER
FIRST_WEEK = date(2026, 1, 5)
FEWEST_REQUESTS, MOST_REQUESTS = 800, 1_000_000
"""Limits of a sample: with fewer requests the rarest class may lack the training examples that a cycle needs."""
_DRIFT = 0.1
"""Share of the whole drift by which each week is further than the one before."""
_SHORT = 40


@dataclass(frozen=True)
class SampleHome:
    """Sample classifier in a home, and the Mondays of its weeks with their requests."""

    folder: Path
    weeks: dict[date, int]


def make_sample(home: Home, requests: int, weeks: int = 4, seed: int = 7) -> SampleHome:
    """Make the sample classifier in `home`, with `requests` simulated requests spread over `weeks` weeks to ingest.

    A home that holds only the settings and golden set of the sample is taken as it is. Raises `RatchetError` where the
    classifier holds anything else, and `UsageError` for numbers out of range.
    """
    if not 1 <= weeks <= 52:
        raise UsageError(f"--weeks {weeks} is outside 1..52.", "Give a number of weeks, for instance 4.", code="usage")
    fewest = max(FEWEST_REQUESTS, 120 * weeks)
    if not fewest <= requests <= MOST_REQUESTS:
        raise UsageError(
            f"--requests {requests} is outside {fewest}..{MOST_REQUESTS}.",
            "Give enough for a few examples of each class in each week, for instance 4000.",
            code="usage",
        )
    if not (SOURCE / "classifier.toml").is_file():
        raise RatchetError(
            f"the sample classifier is not in {SOURCE}.", "Run it from a checkout of Ratchet.", code="no_sample"
        )
    folder = home.classifier(CLASSIFIER)
    own = {path.name: (SOURCE / path.name) for path in SOURCE.iterdir()}
    for path in sorted(folder.iterdir()) if folder.exists() else []:
        source = own.get(path.name)
        if source is None or not path.is_file() or path.read_bytes() != source.read_bytes():
            raise RatchetError(
                f"{folder} holds {path.name} already; nothing was changed.",
                "Give another folder with --home, or remove this one.",
                code="exists",
            )
    for name in ("classifier.toml", "golden.jsonl"):
        write_atomically(folder / name, (SOURCE / name).read_bytes())
    for kind in REQUEST_KINDS:
        home.landing(CLASSIFIER, kind).mkdir(parents=True, exist_ok=True)
    made = {}
    for number in range(weeks):
        week = FIRST_WEEK + timedelta(days=7 * number)
        made[week] = requests // weeks + (number < requests % weeks)
        Simulation(seed=seed).write_week(folder, week, made[week], drift=min(1.0, _DRIFT * number))
    return SampleHome(folder, made)


def make_golden(per_class: int = 34, seed: str = "form_abandonment golden set") -> str:
    """Return a golden set as JSON lines: clear visits only, `per_class` of each class, no two of them alike."""
    draw = random.Random(seed)  # noqa: S311 - must be repeatable, not secret
    alike, short, items = NearDuplicates(0.8), set[str](), []
    for _ in range(per_class):
        for label in LABELS:
            text = make_trace(label, draw)
            while text in short or (len(text) > _SHORT and alike.find_or_add(text) is not None):
                text = make_trace(label, draw)
            short.add(text)
            items.append(json.dumps({"text": text, "label": label}))
    return "\n".join(items) + "\n"
