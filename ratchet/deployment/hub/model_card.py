"""The model card: `README.md` with the metadata that the Hub reads, made from the eval report, without any user's text.

Add a section in `templates/model_card.md.j2` and the facts that it shows here. A section whose facts are missing is
left out; none is ever empty. `ratchet/metrics/classification.py` defines the figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import yaml

from ratchet.config.publish import PublishPolicy
from ratchet.config.spec import Spec
from ratchet.core.verdict import Verdict
from ratchet.deployment.hub.public_base import PublicBase
from ratchet.deployment.hub.usage_snippet import loading_lines
from ratchet.metrics.intervals import proportion_interval
from ratchet.models.adapters.format import AdapterCard
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.preprocessing import VERSIONS

_CONFUSIONS = 8
_RESAMPLES = 2000
_SPLITS = {"test": "blind corrections of the week", "golden": "hand-reviewed golden set"}

_COMPARED = (
    ("model", "name"), ("texts", "n"), ("macro-F1", "macro_f1"), ("ECE", "ece"),
    ("cost of 1,000 calls", "cost_per_1000"), ("median ms", "p50_ms"), ("95th percentile ms", "p95_ms"),
)  # fmt: skip


@dataclass(frozen=True)
class CardFacts:
    """The facts of a model card."""

    repo: str
    adapter: str
    """Digest that identifies the adapter where it was trained."""
    card: AdapterCard
    settings: LoraSettings
    base: PublicBase
    policy: PublishPolicy
    spec: Spec
    report: Mapping[str, Any]
    """`eval_report.json` of the cycle that made the adapter."""
    bytes: int
    """Size of the weights file."""
    fits: Mapping[str, Verdict]
    """Verdicts by deployment target: does it accept this adapter?"""


def write_card(facts: CardFacts) -> str:
    """The whole `README.md`: metadata between two lines of dashes, then the sections."""
    front = yaml.safe_dump(metadata(facts), sort_keys=False, allow_unicode=True, width=1000)
    body = _template().render(facts=facts, **_facts(facts))
    return f"---\n{front}---\n{body}"


def metadata(facts: CardFacts) -> dict[str, Any]:
    """Metadata that the Hub reads: licence, base, task, and the figures as a model index."""
    return {
        "library_name": "peft",
        "pipeline_tag": "text-classification",
        "license": facts.policy.licence,
        "base_model": facts.base.name,
        "base_model_relation": "adapter",
        "tags": ["ratchet", facts.card.method, facts.card.family],
        "model-index": [
            {"name": facts.repo.rpartition("/")[2], "results": [_result(facts, split) for split in _SPLITS]},
        ],
    }


def _describe_split(report: Mapping[str, Any], split: str) -> str:
    """Return what a split holds; without a labelled request the test split holds labelled examples."""
    on_examples = split == "test" and report.get("data", {}).get("judged_on_examples")
    return "labelled examples, split by text" if on_examples else _SPLITS[split]


def _result(facts: CardFacts, split: str) -> dict[str, Any]:
    figures, name = facts.report["metrics"][split], facts.spec.name
    on_examples = facts.report.get("data", {}).get("judged_on_examples")
    of_week = f" from {facts.report['week']}" if split == "test" and not on_examples else ""
    n, intervals = figures["n"], _intervals(figures)
    shown = (
        ("f1", "macro-F1", "macro_f1"),
        ("accuracy", "accuracy", "accuracy"),
        ("ece", "expected calibration error", "ece"),
    )
    return {
        "task": {"type": "text-classification", "name": "text classification"},
        "dataset": {
            "name": f"{name}, {_describe_split(facts.report, split)}{of_week}",
            "type": f"private/{name}",
            "split": split,
        },
        "metrics": [
            {
                "type": kind,
                "name": title,
                "value": round(figures[key], 6),
                "args": {"n": n, "interval_95": [round(end, 6) for end in intervals[key]]},
            }
            for kind, title, key in shown
        ],
    }


def _intervals(figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    accuracy = figures.get("accuracy_ci") or proportion_interval(
        round(figures["accuracy"] * figures["n"]), figures["n"]
    )
    return {
        "macro_f1": tuple(figures["macro_f1_ci"]),
        "accuracy": tuple(accuracy),
        "ece": ece_interval(figures["reliability"]["after"]),
    }


def ece_interval(bins: Sequence[Mapping[str, float]], *, seed: int = 0) -> tuple[float, float]:
    """95 % interval of the calibration error, from a parametric bootstrap of the answers within each confidence bin.

    `bins` are rows of `ratchet.metrics.classification.reliability`. With few answers the error is biased upwards, and
    so is its interval.
    """
    count, confidence, accuracy = (np.array([row[key] for row in bins]) for key in ("count", "confidence", "accuracy"))
    drawn = np.random.default_rng(seed).binomial(count.astype(int), accuracy, (_RESAMPLES, len(count))) / count
    errors = (np.abs(drawn - confidence) * count).sum(axis=1) / count.sum()
    low, high = np.percentile(errors, [2.5, 97.5])
    return float(low), float(high)


def _facts(facts: CardFacts) -> dict[str, Any]:
    report = facts.report
    splits = {
        split: {
            **report["metrics"][split],
            "intervals": _intervals(report["metrics"][split]),
            "what": _describe_split(report, split),
        }
        for split in _SPLITS
    }
    return {
        "splits": splits,
        "on_examples": bool(report.get("data", {}).get("judged_on_examples")),
        "confusions": confusions(report["metrics"]["test"]["confusion"], report.get("labels") or facts.spec.labels),
        "most_wrong": proportion_interval(0, report["metrics"]["test"]["n"])[1],
        "costs": _costs(report),
        "three_way": _three_way(report),
        "kept": VERSIONS[facts.card.preprocessing].describe(facts.card.max_tokens),
        "loading": loading_lines(facts.card, facts.base, facts.repo),
    }


def confusions(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> list[dict[str, Any]]:
    """The commonest mistakes: true label, predicted label, count, and number of texts of the true label."""
    rows: list[dict[str, Any]] = [
        {"label": labels[true], "answered": labels[predicted], "count": count, "of": sum(row)}
        for true, row in enumerate(matrix)
        for predicted, count in enumerate(row)
        if true != predicted and count
    ]
    return sorted(rows, key=lambda row: (-row["count"], row["label"], row["answered"]))[:_CONFUSIONS]


def _costs(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    best, timings = report.get("candidate") or {}, report.get("timings_s") or {}
    rows = []
    if seconds := best.get("seconds"):
        rows.append(("training", f"{seconds:.1f} s"))
    if rate := best.get("samples_per_second"):
        rows.append(("training, texts per second", f"{rate:.1f}"))
    if share := best.get("trainable_share"):
        rows.append(("share of trained parameters", f"{share:.2%}"))
    return [*rows, *((f"stage {stage}", f"{seconds:.1f} s") for stage, seconds in timings.items())]


def _three_way(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the comparison with the untuned base and a frontier model; empty where the report has none."""
    rows = (report.get("three_way") or {}).get("rows") or []
    return [{title: _shown(row.get(key)) for title, key in _COMPARED} for row in rows]


def _shown(value: object) -> str:
    return "not measured" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def _cell(value: object) -> str:
    """`value` escaped for one cell of a Markdown table: no markup, no line break, no end of the cell."""
    text = "".join(c if c.isprintable() else " " for c in str(value))
    for sign in "\\`*_[]|#~":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(  # noqa: S701 - Markdown, and every text of a cell goes through `_cell`
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["figure"] = lambda value: f"{value:.3f}"
    environment.filters["ends"] = lambda pair: f"{pair[0]:.3f} to {pair[1]:.3f}"
    return environment.get_template("model_card.md.j2")
