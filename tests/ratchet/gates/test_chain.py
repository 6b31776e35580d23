"""A candidate enters only when every gate judged what it was made of: every order of steps, on the pure rule."""

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.chain import Link, find_break, has_changed, needed_digests
from ratchet.gates.eligibility import decide_eligibility
from ratchet.gates.registry import ASSETS, GATES, REGISTRY, STAGES

CHECKS = {stage: f"checks of {stage}" for stage in ASSETS if any(gate.stage == stage for gate in REGISTRY)}
MADE = dict(zip(ASSETS, ("logs", "labels", "training_set", "plan", "adapter", "answers", "audit"), strict=True))


@dataclass(frozen=True)
class JudgedReceipt:
    """A verdict and what it was about."""

    verdict: Verdict
    binds: dict[str, Any] = field(default_factory=dict)


@dataclass
class Deployment:
    """Files and tables of one cycle as names of their content, and what steps noted: a step reads what is there now.

    Each content's name holds the names of all that it was made of, so that it shows where it comes from.
    """

    files: dict[str, str] = field(default_factory=lambda: {"corrections": "c0", "golden": "g0", "policy": "p0"})
    tables: dict[str, str] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    receipts: dict[str, JudgedReceipt] = field(default_factory=dict)
    judged: dict[str, set[str]] = field(default_factory=dict)
    """For each gate, what it really judged, whatever its receipt says."""

    def do(self, step: str) -> None:
        """Run one step, if what it reads is there; or change a file."""
        if step in self.files:
            self.files[step] += "'"
        elif step in ASSETS:
            self._make(step)
        else:
            self._judge(next(stage for stage, name in CHECKS.items() if name == step))

    def _make(self, stage: str) -> None:
        inputs = {"corrected_labels": ["logs"], "training_set": ["labels"], "adapter": ["training_set"],
                  "calibration_temperature": ["training_set", "plan"],
                  "eval_report": ["training_set", "plan", "adapter"],
                  "gate_audit": ["training_set", "adapter", "answers"]}.get(stage, [])  # fmt: skip
        if any(name not in self.tables for name in inputs):
            return
        read = {name: self.tables[name] for name in inputs} | {"policy": self.files["policy"]}
        if stage in {"production_logs", "training_set", "eval_report"}:
            read["golden"] = self.files["golden"]
        source = {"corrected_labels": self.files["corrections"]}.get(stage, "")
        if stage == "production_logs":
            self.receipts.clear()
            self.links.clear()
        self.tables[MADE[stage]] = f"{MADE[stage]}({','.join([*filter(None, [source]), *sorted(read.values())])})"
        self.links[stage] = Link({MADE[stage]: self.tables[MADE[stage]]}, read)

    def _judge(self, stage: str) -> None:
        for gate in (gate.name for gate in REGISTRY if gate.stage == stage):
            binds: dict[str, Any] = {name: self.tables.get(name) for name in needed_digests(gate)}
            if None in binds.values():
                return
            answered = self.links.get(stage) if stage == "eval_report" else None
            more = {"policy": self.files["policy"]}
            if gate in {"leakage", "golden_agreement", "golden_set_regression"}:
                more["golden"] = answered.read["golden"] if answered else self.files["golden"]
            self.receipts[gate] = JudgedReceipt(Verdict("passed", "fine"), {**binds, **more})
            self.judged[gate] = set(binds.values())

    @property
    def may_enter(self) -> bool:
        """True where both rules over the receipts let the candidate in."""
        adapter = self.tables.get("adapter", "none")
        eligible = decide_eligibility(adapter, self.receipts).allowed
        return eligible and bool(self.links) and not find_break(self.links, self.receipts)

    @property
    def is_true(self) -> bool:
        """True where the adapter that would enter really comes from what each gate judged, under one policy and one
        golden set."""
        adapter = self.tables.get("adapter", "")
        whole = self.tables.get("answers", "") + adapter
        one_policy = len({name for name in ("p0", "p0'", "p0''") if f"{name}," in whole or f"{name})" in whole}) == 1
        one_golden = len({name for name in ("g0", "g0'", "g0''") if f"{name}," in whole or f"{name})" in whole}) == 1
        made_of = all(
            self.tables[name] in whole and all(self.tables[name] in self.judged[gate] for gate in GATES
            if name in needed_digests(gate)) for name in ("labels", "training_set", "adapter", "answers")
        )  # fmt: skip
        return adapter in self.tables.get("answers", "") and one_policy and one_golden and made_of


ONCE = [step for stage in ASSETS for step in (stage, CHECKS.get(stage, "")) if step]


def test_a_whole_cycle_enters() -> None:
    """Each step once, in its order; and again after a change of everything."""
    made = Deployment()
    for step in [*ONCE, "corrections", "golden", "policy", *ONCE]:
        made.do(step)
    assert made.may_enter
    assert made.is_true


@pytest.mark.parametrize("changed", ["corrections", "golden", "policy"])
def test_no_order_of_steps_lets_in_what_its_gates_did_not_judge(changed: str) -> None:
    """A file changes at any place of a cycle, and up to three steps run in any order, at once or at the end."""
    entered = 0
    for place, late in product(range(1, len(ONCE) + 1), (False, True)):
        for more in product([*ONCE, ""], repeat=3 if place in {3, 5, len(ONCE)} else 2):
            rest = [*ONCE[place:], *more] if late else [*more, *ONCE[place:]]
            made = Deployment()
            for step in [*ONCE[:place], changed, *filter(None, rest)]:
                made.do(step)
            if made.may_enter:
                entered += 1
                assert made.is_true, (place, rest)
    assert entered > 0


ALONE: dict[str, tuple[list[str], str]] = {
    "labels alone, then all that trains": (
        ["corrections", "corrected_labels", *ONCE[3:]], "corrected_labels ran again after row_quality"
    ),
    "labels alone": (["corrections", "corrected_labels"], "corrected_labels ran again after training_set, which read"),
    "the training set alone": (["golden", "training_set"], "training_set ran again after adapter, which read other"),
    "the training set and what trains": (
        ["golden", "training_set", "adapter", "calibration_temperature", "eval_report", "gate_audit"],
        "training_set ran again after label_distribution, which judged other examples",
    ),
    "the report alone, on another golden set": (["golden", "eval_report"], "eval_report ran again after"),
    "the report and its checks, on another golden set": (
        ["golden", *ONCE[-4:]], "golden.jsonl changed while its cycle ran"
    ),
    "the calibration alone, by another policy": (
        ["policy", "calibration_temperature"], "calibration_temperature ran again after eval_report"
    ),
    "the last checks, by another policy": (["policy", ONCE[-1]], "classifier.toml changed while its cycle ran"),
    "nothing changed": (["corrected_labels", "training_set"], ""),
}  # fmt: skip


@pytest.mark.parametrize("case", ALONE)
def test_a_step_that_runs_alone_voids_what_follows_and_is_named(case: str) -> None:
    """Where it made something else; the same content again voids nothing."""
    steps, says = ALONE[case]
    made = Deployment()
    for step in [*ONCE, *steps]:
        made.do(step)
    found = find_break(made.links, made.receipts)
    assert found.startswith(says)
    assert bool(found) is bool(says)


@pytest.mark.parametrize("name", ["golden", "policy"])
def test_a_file_that_changed_is_noticed_by_each_step_that_follows(name: str) -> None:
    """By assets and gates after the one that read it first, and by none before; what a later step read before is
    void, and a file that changed for one step alone is noticed, too."""
    made = Deployment()
    for step in ONCE:
        made.do(step)
    of_before, now = {made.files[name]}, {f"{made.files[name]}'"}
    assert not any(has_changed(name, stage, made.links, of_before) for stage in STAGES)
    assert [stage for stage in STAGES if has_changed(name, stage, made.links, now)] == list(STAGES[1:])
    links = {**made.links, "training_set": Link({}, {name: "another"})}
    noticing = [stage for stage in STAGES if has_changed(name, stage, links, of_before)]
    assert noticing == list(STAGES[STAGES.index("training_set") + 1 :])
    assert not has_changed(name, "eval_report", {}, now)


def test_a_cycle_of_a_former_version_is_not_asked_and_half_of_one_is_not_believed() -> None:
    """Its receipts hold no links; a step that this version runs alone makes them incomplete."""
    made = Deployment()
    for step in ONCE:
        made.do(step)
    former = {
        gate: JudgedReceipt(
            receipt.verdict, {key: value for key, value in receipt.binds.items() if key not in {"labels", "answers"}}
        )
        for gate, receipt in made.receipts.items()
    }
    assert find_break({}, former) == ""
    half = {"corrected_labels": made.links["corrected_labels"]}
    assert find_break(half, made.receipts) == "its production_logs was not made when its other steps were"


def test_links_that_were_lost_or_taken_out_are_not_taken_for_a_former_version() -> None:
    """The receipts hold digests that no version without links wrote."""
    made = Deployment()
    for step in ONCE:
        made.do(step)
    assert find_break({}, made.receipts) == "the notes of what its steps read and made are missing"
