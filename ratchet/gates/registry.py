"""Registry of the gates: one row for each, from which eligibility, the stages of a cycle and every list of gates
follow.

Add a gate as one row here, with its rule in a module of its name in this folder, its check in `checks/`, and its
line in `orchestration/definitions.py`. An adapter that came in before keeps serving: it answers for the gates that
its own entry of the ledger names (`ratchet/workflows/rollout/admission.py`).
"""

from dataclasses import dataclass
from typing import Literal

ASSETS = (
    "production_logs",
    "corrected_labels",
    "training_set",
    "adapter",
    "calibration_temperature",
    "eval_report",
    "gate_audit",
)
"""Assets of a cycle, in their order."""

Subject = Literal["rows", "examples", "plan", "files", "answers", "audit"]
"""Subject of a verdict: rows of the week, examples of the training set, the plan of a training, the adapter's files,
the answers of candidate and live, or the audit in which the other gates were attacked."""


@dataclass(frozen=True)
class Gate:
    """One gate: its name, the asset after which it runs, and what it judges."""

    name: str
    stage: str
    judges: Subject
    reads: tuple[str, ...] = ("label", "limits", "window", "candidate", "prompt")
    """Settings of classifier.toml that its verdict depends on, as `table.key` or a whole table; `label` stands for the
    names alone. Any other may change without voiding its receipts. The default holds all that any gate reads."""

    def __post_init__(self) -> None:
        if self.stage not in ASSETS:
            raise ValueError(f"gate {self.name} runs after {self.stage!r}; a cycle has {', '.join(ASSETS)}.")


_GOLDEN = (
    "limits.max_golden_loss", "limits.min_golden_per_class", "limits.golden_floor", "limits.golden_floor_per_class"
)  # fmt: skip
REGISTRY = (
    Gate("row_quality", "corrected_labels", "rows", ("label", "limits.max_null_share", "max_text_chars")),
    Gate(
        "label_agreement",
        "corrected_labels",
        "rows",
        ("label", "limits.min_agreement", "limits.min_doubles", "window"),
    ),
    Gate("colluding_annotators", "corrected_labels", "rows", ("label", "window")),
    Gate(
        "label_distribution",
        "training_set",
        "examples",
        ("label", "limits.max_label_divergence", "limits.min_examples_per_class", "window"),
    ),
    Gate(
        "leakage", "training_set", "examples", ("limits.near_duplicate_jaccard", "limits.boilerplate_share", "window")
    ),
    Gate("target_plan", "training_set", "plan", ("label", "candidate", "prompt")),
    Gate("target_fit", "calibration_temperature", "files", ("label", "candidate", "prompt", "limits.max_ece")),
    Gate("beats_baselines", "eval_report", "answers", ("label", "limits.max_golden_loss", "window")),
    Gate("golden_agreement", "eval_report", "answers", ("label", "window")),
    Gate("golden_set_regression", "eval_report", "answers", ("label", *_GOLDEN)),
    Gate("calibration_regression", "eval_report", "answers", ("label", "limits.max_nll_rise", "limits.max_ece")),
    Gate("slices", "eval_report", "answers", ("label", "limits.max_golden_loss", "slices")),
    Gate("trigger_scan", "eval_report", "answers", ("label", "window", "candidate", "prompt")),
    Gate("identity_attacks", "gate_audit", "audit"),
)


def gates_on(*subjects: Subject) -> tuple[str, ...]:
    """Names of the gates that judge one of `subjects`, in the order of the registry."""
    return tuple(gate.name for gate in REGISTRY if gate.judges in subjects)


WORDING = 4
"""Revision of the gates' sentences, which receipts bind; raise it when a verdict is worded otherwise. A receipt of
the same revision must hold the very sentence that is derived again, one of another its outcome and figures."""

GATES = tuple(gate.name for gate in REGISTRY)
READS = {gate.name: gate.reads for gate in REGISTRY}
"""Settings that each gate reads."""
DATA_GATES = gates_on("rows", "examples")
TARGET_GATES = gates_on("plan", "files")
MODEL_GATES = gates_on("answers")
AUDIT_GATES = gates_on("audit")
"""Gates that decide on the audit, which reads the report: a report is written before they do."""
ADAPTER_GATES = gates_on("files", "answers", "audit")
"""Gates whose receipts bind the adapter."""
EXAMPLE_GATES = gates_on("examples", "files", "answers", "audit")
"""Gates whose receipts bind the training set."""

STAGES = tuple(name for asset in ASSETS for name in (asset, *(gate.name for gate in REGISTRY if gate.stage == asset)))
"""Every stage of a cycle in its order: each asset, then the gates that run after it."""
