"""Small real homes for tests: a tiny classifier whose weeks are written in seconds, with any fault planted.

Part of the product, so that extensions of Ratchet are tested with the files that the product reads. Add here other
content of a home; simulated traffic of the sample classifier is in `ratchet/simulation`.
"""

import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import publish_segment
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.rollout.shadow_pairs import PAIRS
from ratchet.storage.specs import Specs
from ratchet.testing.report_example import make_example
from ratchet.testing.tiny_adapter import write_tiny_adapter

# names without a relation to their words, so that an untuned base model cannot guess them
WORDS: Mapping[str, Sequence[str]] = {
    "amber": ("refund", "money back", "return the payment", "charge reversed", "reimburse"),
    "green": ("parcel", "courier", "shipping", "tracking number", "delivered"),
    "violet": ("password", "login", "profile", "sign in", "two factor code"),
}
_OPENINGS = (
    "hello",
    "please help",
    "hi there",
    "urgent",
    "quick question",
    "good morning",
    "sorry to ask",
    "dear team",
)
_THINGS = (
    "blue kettle",
    "garden chair",
    "winter coat",
    "desk lamp",
    "phone case",
    "toy train",
    "coffee mill",
    "road bike",
)
_ENDINGS = (
    "since monday",
    "as of today",
    "again",
    "for my sister",
    "from abroad",
    "without an answer",
    "twice now",
    "at last",
)

WeekFault = Callable[[list[dict[str, Any]], list[dict[str, Any]]], None]
"""Function that changes a week's logs and corrections in place before they are written."""


@dataclass(frozen=True)
class SmallClassifier:
    """Classifier with three easy labels under `home`, and weeks of `requests` requests each."""

    home: Home
    name: str = "small"
    requests: int = 90
    seed: int = 1

    @property
    def folder(self) -> Path:
        """Folder of the classifier."""
        return self.home.classifier(self.name)

    def write(
        self, settings: str = "", candidates: str = '[[candidate]]\nmethod = "probe"\n', labels: Sequence[str] = ()
    ) -> None:
        """Write specification and golden set (ten items per label); `settings` is further TOML."""
        self.folder.mkdir(parents=True, exist_ok=True)
        names = list(labels or WORDS)
        listed = "\n".join(f'[[label]]\nname = "{label}"\n' for label in names)
        (self.folder / "classifier.toml").write_text(f"{listed}\n{settings}\n{candidates}")
        draw = random.Random("golden")  # noqa: S311 - test data, guards nothing
        golden = [
            {"text": f"golden: {make_text(label, draw, n)}", "label": label} for label in names for n in range(10)
        ]
        write_lines(self.home.golden(self.name), golden)

    def write_week(self, week: date, fault: WeekFault | None = None) -> None:
        """Write one week of logs, and corrections of every request by two annotators, into the landing folders."""
        draw = random.Random(f"{self.seed} {week}")  # noqa: S311 - as above
        start = datetime(week.year, week.month, week.day, tzinfo=UTC)
        logs, corrections = [], []
        for number in range(self.requests):
            label = list(WORDS)[number % len(WORDS)]
            request, at = f"{week}-{number:04d}", start + timedelta(days=7) * number / self.requests
            logs.append(
                {
                    "request_id": request,
                    "ts": at.isoformat(),
                    "text": make_text(label, draw, number),
                    # wrong for some requests, so that corrections differ from the served labels
                    "label": label if draw.random() < 0.8 else draw.choice(list(WORDS)),
                    "confidence": round(draw.uniform(0.4, 0.99), 3),
                    "adapter": "bootstrap",
                    "latency_ms": round(draw.uniform(5, 40), 2),
                }
            )
            for annotator, saw in (("ann_a", False), ("ann_b", True)):
                later = (at + timedelta(hours=1)).isoformat()
                corrections.append(
                    {"request_id": request, "ts": later, "label": label, "annotator": annotator, "saw_prediction": saw}
                )
        if fault:
            fault(logs, corrections)
        write_lines(self.home.landing(self.name, "production_logs") / f"{week}.jsonl", logs)
        write_lines(self.home.landing(self.name, "corrections") / f"{week}.jsonl", corrections)


def keep_receipts(home: Home, name: str, week: str, adapter: str) -> dict[str, str]:
    """Write passing receipts of every gate for `adapter`, and keep them as a promotion does; digests by gate."""
    store, cycle = Receipts(home), Cycle(name, parse_week(week))
    binds = {"adapter": adapter, "training_set": "0" * 64, "targets": "0" * 64}
    for gate in GATES:
        store.write(cycle, gate, Verdict("passed", "Passes: a receipt for tests."), binds)
    return store.keep(cycle)


def write_publishable(
    home: Home,
    base: Path,
    name: str = "small",
    *,
    week: str = "2026-01-05",
    seed: int = 3,
    publish: str = "",
    **adapter: Any,
) -> str:
    """Write a classifier with one sealed adapter of random weights, its passing receipts and its report.

    Returns the adapter's digest. `publish` is further TOML of the table `[publish]`; `adapter` is passed on to
    `write_tiny_adapter`.
    """
    terms = 'licence = "apache-2.0"\nprovenance = "Made for tests."\ndata_licence = "Free to use."'
    small = SmallClassifier(home, name)
    small.write(settings=f"[publish]\n{terms}\n{publish}\n")
    with tempfile.TemporaryDirectory() as made:
        folder = write_tiny_adapter(Path(made) / "adapter", resolve_base(str(base)), tuple(WORDS), seed=seed, **adapter)
        digest = AdapterStore(home).seal(name, folder, {})
    cycle, store = Cycle(name, parse_week(week)), Receipts(home)
    specs = Specs(home)
    binds = {
        "adapter": digest,
        "training_set": "0" * 64,
        "policy": specs[name].digest,
        "specification": specs[name].file_digest,
        "golden": specs.golden_digest(name),
    }
    for gate in GATES:
        store.write(cycle, gate, Verdict("passed", "Passes: a receipt for tests."), binds)
    store.note(cycle, adapter=digest)
    Reports(home).write(cycle, {**make_example(tuple(WORDS)), "classifier": name, "week": week, "adapter": digest})
    return digest


def write_pairs(
    home: Home,
    name: str,
    compared: tuple[str, str],
    sequence: int,
    rows: Sequence[tuple[str, str, str]],
    *,
    served: int = 0,
    error: str | None = None,
) -> None:
    """Write pairs as a gateway does under ledger entry `sequence`.

    `rows` are (request, label of the first, label of the second) for the two adapters `compared`; `served` is the index
    of the adapter whose answer the users saw, `error` that of the other where it gave no answer. All are drawn as
    evidence.
    """
    sides = [("served", served), ("other", 1 - served)]
    pairs: list[dict[str, Any]] = []
    for request, *labels in rows:
        pair: dict[str, Any] = {
            "request_id": request, "ts": "2026-02-01T00:00:00+00:00", "sequence": sequence, "other_error": error,
            "draw": 0.0,
        }  # fmt: skip
        for side, place in sides:
            pair |= {side: compared[place], f"{side}_label": labels[place], f"{side}_confidence": 0.9}
            pair |= {f"{side}_ms": 5.0 + place / 10, f"{side}_batch": 1}
        if error is not None:
            pair |= {"other_label": None, "other_confidence": None}
        pairs.append(pair)
    publish_segment(home.pairs(name), PAIRS, pairs)


def make_text(label: str, draw: random.Random, number: int) -> str:
    """Make a short message about `label`; messages from one generator are not near-duplicates of each other."""
    words = [draw.choice(part) for part in (_OPENINGS, WORDS[label], _THINGS, WORDS[label], _ENDINGS)]
    draw.shuffle(words)
    return " ".join(
        [*words, "".join(draw.choice("bcdfglmnprstv") + draw.choice("aeiou") for _ in range(4 + number % 3))]
    )


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as JSONL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
