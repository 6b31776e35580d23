"""The demo's home and script: what each simulated week holds, and how it must end.

Add a week to `SCRIPT` to show more. How the demo is told is `orchestration/cli/demo.py`.
"""

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ratchet.adapter_format import read_card, read_folder
from ratchet.cycle import Cycle
from ratchet.errors import RatchetError
from ratchet.files import write_atomically
from ratchet.gates import GATES, Verdict
from ratchet.ledger_entry import PROMOTE
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger
from ratchet.stores.receipts import Receipts
from ratchet.stores.serving import move

SAMPLE = CLASSIFIER
_SOURCE = Path(__file__).parents[2] / "data" / SAMPLE
_MARK = ".ratchet-demo"
SWAPPED = ("validation_error", "accidental_exit")
_GOLDEN_LOSS = ("max_golden_loss = 0.05 ", "max_golden_loss = 0.08 ")
"""Two adapters of a few hundred examples differ more by chance than two of thousands do."""
_PROMOTION = """\
[promotion]
min_requests = 100            # of the demo: so few that minutes bring them
min_labels = 60
margin = 0.1                  # so wide that so few labels can show it
min_step_requests = 30
steps = [5, 25, 50, 100]
dwell_minutes = 0.0

"""


@dataclass(frozen=True)
class Scene:
    """One simulated week, and what must become of its candidate."""

    week: date
    requests: int
    story: str
    expected: str
    """The verdict of the week's last row."""
    climbs: bool = False
    """Whether its candidate shadows and climbs under a gateway; else it is promoted by hand."""
    drift: float = 0.0
    swap: tuple[str, str] | None = None

    def write(self, home: Home) -> None:
        """Drop the week's logs and corrections into the landing folders."""
        folder = home.classifier(SAMPLE)
        Simulation().write_week(folder, self.week, self.requests, drift=self.drift, swap=self.swap)


SCRIPT = (
    Scene(date(2026, 1, 5), 520, "a first week, little to learn from", "promoted"),
    Scene(date(2026, 1, 12), 400, "a second week, with more to learn from", "rolled back", climbs=True, drift=0.1),
    Scene(
        date(2026, 1, 19),
        340,
        "a third week, in which both annotators swap two labels",
        "blocked",
        drift=0.2,
        swap=SWAPPED,
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
    write_atomically(made.spec(SAMPLE), _in_minutes((_SOURCE / "classifier.toml").read_text(encoding="utf-8")).encode())
    write_atomically(made.golden(SAMPLE), (_SOURCE / "golden.jsonl").read_bytes())
    return made


def _in_minutes(spec: str) -> str:
    """The sample's specification with the limits that a few hundred labels and a few minutes can carry."""
    start, end = spec.index("[promotion]"), spec.index("# --- What is trained.")
    return spec[:start].replace(*_GOLDEN_LOSS) + _PROMOTION + spec[end:]


def plant_regression(home: Home) -> str:
    """An adapter that takes two labels for each other, promoted past every gate and step with the home's own key; its digest.

    What a broken gate, or a person with the key and too much courage, would do. Its receipts are made up, and kept as real ones.
    """
    store, live = AdapterStore(home), Ledger(home).live(SAMPLE) or ""
    cycle = Cycle(SAMPLE, SCRIPT[-1].week)
    labels = list(read_card(read_folder(store.open(SAMPLE, live))).labels)
    first, second = (labels.index(label) for label in SWAPPED)
    labels[first], labels[second] = labels[second], labels[first]
    adapter = store.seal(SAMPLE, store.open(SAMPLE, live), {"labels": labels})
    receipts = Receipts(home)
    for gate in GATES:
        receipts.write(cycle, gate, Verdict("passed", "Made up by the demo."), {"adapter": adapter, "training_set": "0" * 64})
    kept = receipts.keep(cycle)
    receipts.clear(cycle)
    ts, why = datetime.now(UTC).isoformat(timespec="seconds"), "demo: a regression is planted past every gate"
    move(home, SAMPLE, ts=ts, actor="demo", action=PROMOTE, why=why, adapter=adapter, week=str(cycle.week), receipts=kept)
    return adapter


def read_ending(home: Home, cycle: Cycle, why: str) -> dict[str, Any]:
    """The last columns of a week's row: test macro-F1, ECE and why, from its report where there is one."""
    from ratchet.stores.reports import Reports

    if str(cycle.week) not in Reports(home).weeks(cycle.classifier):
        return {"macro-F1": None, "ECE": None, "why": why}
    document = Reports(home).read(cycle)
    test = document["metrics"]["test"]
    return {"macro-F1": test["macro_f1"], "ECE": test["ece"], "why": why or document["verdict"]["sentence"]}
