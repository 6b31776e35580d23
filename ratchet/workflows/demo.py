"""Home and script of the demo: what each simulated week holds, and how it must end.

Add a week to `SCRIPT` to show more. The output of the demo is `orchestration/cli/commands/start/demo.py`.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from ratchet.config.candidate import DEFAULT_BASES
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_atomically
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES
from ratchet.models.adapters.folder import open_folder
from ratchet.models.base_models import base_folder
from ratchet.rollout.evidence.stream import Rate, Stream
from ratchet.rollout.ledger_entry import PROMOTE
from ratchet.simulation.people import Annotator
from ratchet.simulation.weeks import CLASSIFIER, Simulation
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.reconcile import record

SAMPLE = CLASSIFIER
_SOURCE = Path(__file__).parents[2] / "data" / SAMPLE
_MARK = ".ratchet-demo"
_TRAINED = "# --- What is trained."
SWAPPED = ("validation_error", "accidental_exit")
_GOLDEN_LOSS = ("max_golden_loss = 0.05 ", "max_golden_loss = 0.08 ")
"""Wider limit: two adapters of a few hundred examples differ more by chance than two of thousands."""
_CALIBRATION = ("calibration_share = 0.15 ", "calibration_share = 0.3  ")
"""Larger share: of so few labels 15 % are too few to choose the best epoch and candidate by."""
_PROMOTION = """\
[promotion]
margin = 0.1                  # the policy of a demo: so wide that a few minutes of requests can show it
label_margin = 0.2
ripe_hours = 0.0              # its one reviewer answers at once
min_requests = 100
min_step_requests = 30
steps = [5, 25, 50, 100]
dwell_minutes = 0.0

"""
WIDE_POLICY = (
    "The policy is a demo's: a margin of 10 points and no waiting, so that a few minutes decide. A team keeps 2 points"
    " and 48 hours; the chance of a false promotion, 5 % a year, is the same."
)


_CARELESS = (Annotator("ann_a", error_rate=0.012), Annotator("ann_c", error_rate=0.5))


@dataclass(frozen=True)
class Scene:
    """Simulated week, and how it must end for its candidate."""

    week: date
    requests: int
    story: str
    expected: str
    """Verdict of the week's last row."""
    climbs: bool = False
    """True where its candidate shadows and climbs under a gateway; else it is promoted by hand."""
    drift: float = 0.0
    swap: tuple[str, str] | None = None
    careless: bool = False
    """True where the second annotator guesses half of the labels, and the week waits for a third person."""

    @property
    def simulation(self) -> Simulation:
        """Simulation that the week is drawn from."""
        return Simulation(annotators=_CARELESS) if self.careless else Simulation()

    def write(self, home: Home) -> None:
        """Drop the week's logs and corrections into the landing folders."""
        self.simulation.write_week(home.classifier(SAMPLE), self.week, self.requests, drift=self.drift, swap=self.swap)


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
    Scene(date(2026, 2, 2), 340, "a fifth week, with a careless annotator", "passed", drift=0.2, careless=True),
)
COMPLAINTS = date(2026, 1, 26)
"""Week before the last: users of the gateway complain in it, and what people answer trains the last one."""


Family = Literal["encoder", "causal"]
CAUSAL_SCRIPT = tuple(
    replace(scene, requests=requests) for scene, requests in zip(SCRIPT, (360, 280, 240, 240), strict=True)
)
"""Same weeks with fewer requests: a causal model is many times slower on each."""
_CAUSAL = """\
# --- What is trained. Small on purpose: the weeks of the demo must finish within minutes on two cores.
[[candidate]]
family = "causal"             # reads a prompt and answers with one token per label
base = "{base}"
layers = "top:10"             # only the upper layers learn; the output of those below is computed once
rank = 8
alpha = 16.0
epochs = 8
learning_rate = 1e-3
max_tokens = 192
"""


def script_of(family: Family) -> tuple[Scene, ...]:
    """Weeks that the demo plays for a model family."""
    return CAUSAL_SCRIPT if family == "causal" else SCRIPT


def need_base(family: Family, base: str, say: Callable[[str], None]) -> None:
    """Raise `RatchetError`, before anything is removed or trained, where the base is not on this machine."""
    name = base or DEFAULT_BASES[family]
    if family == "causal":
        say(f"demo: base model {name}; a packed one is unpacked at its first use, which takes about a minute")
    base_folder(name)


def init_demo(home: Home, family: Family = "encoder", base: str = "") -> Home:
    """Create a fresh home in `demo/` of `home` with the sample classifier; an earlier demo there is removed.

    Its one causal candidate starts from `base`, or from the default of its family. Raises `RatchetError` where the
    folder was not made by a demo, or the sample classifier is missing.
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
    write_atomically(root / _MARK, b"Made by 'ratchet demo', which removes this folder when it starts again.\n")
    made = Home(root)
    spec = _in_minutes((_SOURCE / "classifier.toml").read_text(encoding="utf-8"))
    if family == "causal":
        spec = spec[: spec.index(_TRAINED)] + _CAUSAL.format(base=base or DEFAULT_BASES[family])
    write_atomically(made.spec(SAMPLE), spec.encode())
    write_atomically(made.golden(SAMPLE), (_SOURCE / "golden.jsonl").read_bytes())
    return made


def _in_minutes(spec: str) -> str:
    """Return the sample's specification with limits that suit a few hundred labels and a few minutes."""
    start, end = spec.index("[promotion]"), spec.index(_TRAINED)
    return spec[:start].replace(*_GOLDEN_LOSS).replace(*_CALIBRATION) + _PROMOTION + spec[end:]


def plant_regression(home: Home) -> str:
    """Promote an adapter with two labels swapped past every gate and step, with the home's own key; return its digest.

    A broken gate, or a careless person with the key, could do the same. Its receipts are made up, but stored as real
    ones.
    """
    store, live = AdapterStore(home), Ledger(home).live(SAMPLE) or ""
    cycle = Cycle(SAMPLE, SCRIPT[-1].week)
    with open_folder(store.open(SAMPLE, live)) as opened:
        labels = list(opened.card.labels)
    first, second = (labels.index(label) for label in SWAPPED)
    labels[first], labels[second] = labels[second], labels[first]
    adapter = store.seal(SAMPLE, store.open(SAMPLE, live), {"labels": labels})
    receipts = Receipts(home)
    for gate in GATES:
        receipts.write(
            cycle, gate, Verdict("passed", "Made up by the demo."), {"adapter": adapter, "training_set": "0" * 64}
        )
    kept = receipts.keep(cycle)
    receipts.clear(cycle)
    ts, why = datetime.now(UTC).isoformat(timespec="seconds"), "demo: a bad adapter is injected past every gate"
    record(
        home, SAMPLE, ts=ts, actor="demo", action=PROMOTE, why=why, adapter=adapter, week=str(cycle.week),
        receipts=kept, stream=Stream(drawn=True, rates=(Rate(datetime.now(UTC), 1.0),)).as_json(),
    )  # fmt: skip
    return adapter


def read_ending(home: Home, cycle: Cycle, why: str) -> dict[str, Any]:
    """Return the last columns of a week's row: test macro-F1, ECE and the reason, from its report if it has one."""
    from ratchet.storage.reports import Reports

    if str(cycle.week) not in Reports(home).weeks(cycle.classifier):
        return {"macro-F1": None, "ECE": None, "why": why}
    document = Reports(home).read(cycle)
    test = document["metrics"]["test"]
    return {"macro-F1": test["macro_f1"], "ECE": test["ece"], "why": why or document["verdict"]["sentence"]}
