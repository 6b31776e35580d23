"""The demo's home and script: what each simulated week holds, and how it must end.

Add a week to `SCRIPT` to show more. How the demo is told is `orchestration/cli/demo.py`.
"""

import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ratchet.cycle import Cycle
from ratchet.errors import RatchetError
from ratchet.files import write_atomically
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.stores.home import Home

SAMPLE = CLASSIFIER
_SOURCE = Path(__file__).parents[2] / "data" / SAMPLE
_MARK = ".ratchet-demo"


@dataclass(frozen=True)
class Scene:
    """One simulated week, and what must become of its candidate."""

    week: date
    requests: int
    story: str
    expected: str
    drift: float = 0.0
    swap: tuple[str, str] | None = None

    def write(self, home: Home) -> None:
        """Drop the week's logs and corrections into the landing folders; who swaps labels reviews the earlier weeks so too.

        The cycle's own week is only tested on, so labels that went wrong in it alone could not yet harm a candidate.
        """
        folder = home.classifier(SAMPLE)
        earlier = sorted((folder / "corrections").glob("*.jsonl"))
        Simulation().write_week(folder, self.week, self.requests, drift=self.drift, swap=self.swap)
        if self.swap:
            write_review(folder / "corrections" / f"{self.week}-review.jsonl", earlier, self.week, self.swap)


def write_review(target: Path, earlier: Sequence[Path], week: date, swap: tuple[str, str]) -> None:
    """Corrections of the week that begins on `week`: every one in the files `earlier` again, the two labels of `swap` exchanged."""
    other = dict((swap, swap[::-1]))
    rows = [json.loads(line) for file in earlier for line in file.read_text().splitlines()]
    newest = {(row["request_id"], row["annotator"]): row for row in rows if row["label"] in other}
    start = datetime.combine(week, time(tzinfo=UTC)) + timedelta(days=2)
    lines = [
        json.dumps({**row, "label": other[row["label"]], "ts": (start + timedelta(seconds=number)).isoformat()})
        for number, row in enumerate(newest.values())
    ]
    write_atomically(target, ("\n".join(lines) + "\n").encode())


SCRIPT = (
    Scene(date(2026, 1, 5), 500, "a first week, little to learn from", "promoted"),
    Scene(date(2026, 1, 12), 600, "a second week, with more to learn from", "promoted", drift=0.1),
    Scene(
        date(2026, 1, 19),
        600,
        "a third week, in which both annotators swap two labels and review the earlier weeks likewise",
        "blocked",
        drift=0.2,
        swap=("validation_error", "accidental_exit"),
    ),
)


def begin_demo(home: Home, *, with_lora: bool = False) -> Home:
    """A fresh home in `demo/` of `home` with the sample classifier; what an earlier demo left there is removed.

    Without `with_lora` only the sample's probes are tried: seconds instead of minutes, and better on so few examples.

    Raises `RatchetError` when something else lies there, or the sample classifier is missing.
    """
    root = home.root / "demo"
    if root.exists() and not (root / _MARK).exists():
        raise RatchetError(
            f"{root} was not made by the demo; nothing was changed.", "Give another folder with --home.", code="exists"
        )
    if not (_SOURCE / "classifier.toml").is_file():
        raise RatchetError(
            f"the sample classifier is not in {_SOURCE}.", "Run the demo from a checkout of Ratchet.", code="no_sample"
        )
    shutil.rmtree(root, ignore_errors=True)
    write_atomically(root / _MARK, b"Made by 'ratchet demo', which removes this folder when it starts anew.\n")
    made = Home(root)
    text = (_SOURCE / "classifier.toml").read_text(encoding="utf-8")
    write_atomically(made.spec(SAMPLE), (text if with_lora else keep_probes(text)).encode())
    write_atomically(made.golden(SAMPLE), (_SOURCE / "golden.jsonl").read_bytes())
    return made


def keep_probes(text: str) -> str:
    """A `classifier.toml` whose last tables are its candidates, without those that are no probe."""
    head, *candidates = text.split("\n[[candidate]]\n")
    return "\n[[candidate]]\n".join([head, *(one for one in candidates if re.search(r'^method = "probe"', one, re.MULTILINE))])


def read_ending(home: Home, cycle: Cycle, why: str) -> dict[str, Any]:
    """The last columns of a week's row: test macro-F1, ECE and why, from its report where there is one."""
    from ratchet.stores.reports import Reports

    if str(cycle.week) not in Reports(home).weeks(cycle.classifier):
        return {"macro-F1": None, "ECE": None, "why": why}
    document = Reports(home).read(cycle)
    test = document["metrics"]["test"]
    return {"macro-F1": test["macro_f1"], "ECE": test["ece"], "why": why or document["verdict"]["sentence"]}
