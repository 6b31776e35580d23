"""The demo's home and script: what each simulated week holds, and how it must end.

Add a week to `SCRIPT` to show more. How the demo is told is `orchestration/cli/demo.py`.
"""

import shutil
from dataclasses import dataclass
from datetime import date
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
        """Drop the week's logs and corrections into the landing folders."""
        folder = home.classifier(SAMPLE)
        Simulation().write_week(folder, self.week, self.requests, drift=self.drift, swap=self.swap)


SCRIPT = (
    Scene(date(2026, 1, 5), 520, "a first week, little to learn from", "promoted"),
    Scene(date(2026, 1, 12), 480, "a second week, with more to learn from", "promoted", drift=0.1),
    Scene(
        date(2026, 1, 19),
        420,
        "a third week, in which both annotators swap two labels",
        "blocked",
        drift=0.2,
        swap=("validation_error", "accidental_exit"),
    ),
)


def begin_demo(home: Home) -> Home:
    """A fresh home in `demo/` of `home` with the sample classifier; what an earlier demo left there is removed.

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
    for source, target in (("classifier.toml", made.spec(SAMPLE)), ("golden.jsonl", made.golden(SAMPLE))):
        write_atomically(target, (_SOURCE / source).read_bytes())
    return made


def read_ending(home: Home, cycle: Cycle, why: str) -> dict[str, Any]:
    """The last columns of a week's row: test macro-F1, ECE and why, from its report where there is one."""
    from ratchet.stores.reports import Reports

    if str(cycle.week) not in Reports(home).weeks(cycle.classifier):
        return {"macro-F1": None, "ECE": None, "why": why}
    document = Reports(home).read(cycle)
    test = document["metrics"]["test"]
    return {"macro-F1": test["macro_f1"], "ECE": test["ece"], "why": why or document["verdict"]["sentence"]}
