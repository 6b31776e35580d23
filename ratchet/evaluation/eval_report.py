"""The eval report: the document `eval_report.json` with all figures of a cycle's candidate.

Add a key here (never rename one) and show it in `ratchet/evaluation/report/`. Figures are computed in
`ratchet/metrics/classification.py`, verdicts in the modules of the gates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.data.given_examples import BY_TIME, describe_judged_on_examples, is_by_text
from ratchet.data.judging import describe_team, sentence_on_judging
from ratchet.evaluation.paired_figures import golden_figures, slice_rows
from ratchet.evaluation.scoring import Scored
from ratchet.evaluation.sweep import build_sweep
from ratchet.evaluation.week_traffic import drift_figures
from ratchet.gates.golden_set_regression import GoldenAnswer, describe_power
from ratchet.gates.registry import AUDIT_GATES, GATES, MODEL_GATES
from ratchet.metrics.classification import describe_split, macro_f1
from ratchet.metrics.intervals import paired_bootstrap
from ratchet.metrics.thresholds import best_thresholds

SCHEMA = 1
_ERRORS_AT_MOST = 2000
_WORST = 20
Scores = Mapping[str, Scored]
"""One model's answers by split name, `test` and `golden`."""


@dataclass(frozen=True)
class Judgement:
    """Facts about one cycle's candidate from which its report is built."""

    cycle: Cycle
    spec: Spec
    adapter: str
    live: str | None
    candidate_scores: Scores
    live_scores: Scores | None
    baselines: Mapping[str, Mapping[str, float]]
    verdicts: Mapping[str, Verdict]
    training: Mapping[str, Any]
    """`result.json` of the training."""
    calibration: Mapping[str, Any]
    data: Mapping[str, Any]
    """Result of curation: splits, dropped, redactions; and the annotators' agreement under `labels`."""
    timings_s: Mapping[str, float]
    versions: Mapping[str, str]
    digests: Mapping[str, str]
    tfidf: Mapping[str, Any] | None = None
    """TF-IDF on the calibration split (`sweep.measure_tfidf`)."""
    texts: Mapping[str, Any] | None = None
    """Number of examples that the chosen candidate does not read whole, by class (`TextFit.as_json`)."""
    three_way: Mapping[str, Any] | None = None
    """Base, tuned and frontier model on a sample of the test split; see `ratchet/evaluation/`."""


def build_report(found: Judgement) -> dict[str, Any]:
    """Build the document of `eval_report.json`. Pure: the same judgement gives the same document."""
    spec, labels = found.spec, found.spec.labels
    golden = found.candidate_scores["golden"]
    best = found.training["candidates"][found.training["best"]]
    classes = np.bincount(golden.split.labels, minlength=len(labels))
    answers = golden_answers(found.candidate_scores, found.live_scores, labels)
    return {
        "schema": SCHEMA,
        "classifier": found.cycle.classifier,
        "week": str(found.cycle.week),
        "adapter": found.adapter,
        "live": found.live,
        "verdict": _verdict(found),
        "labels": list(labels),
        "splits": {
            **found.data["splits"],
            "golden": {"n": len(golden.split.items), "classes": dict(zip(labels, classes.tolist(), strict=True))},
        },
        "data": {
            **{key: found.data[key] for key in ("dropped", "redactions", "labels")},
            "quarantined": found.data.get("quarantined", {}),
            "labels_waiting": found.data.get("labels_waiting", {}),
            "labels_left_out": found.data.get("labels_left_out", {}),
            "boilerplate": found.data.get("boilerplate", {}),
            "alike_other_label": found.data.get("alike_other_label", 0),
            "judging": found.data.get("judging", {}),
            "judging_sentence": sentence_on_judging(found.data),
            "team_sentence": describe_team(found.data["labels"]),
            "split_by": found.data.get("split_by", BY_TIME),
            "labelled_examples": found.data.get("labelled_examples", 0),
            "judged_on_examples": describe_judged_on_examples(found.data["splits"]["test"]["n"])
            if is_by_text(found.data)
            else "",
            **({} if found.texts is None else {"texts": dict(found.texts)}),
        },
        "temperature": found.calibration["temperature"],
        "calibration": {key: value for key, value in found.calibration.items() if key != "curves"},
        "candidate": best,
        "candidates": found.training["candidates"],
        "sweep": build_sweep(found.training, found.tfidf, spec.machine, found.timings_s),
        "metrics": _metrics(found.candidate_scores, spec),
        "live_metrics": _metrics(found.live_scores, spec) if found.live_scores else None,
        "comparison": _compare(found.candidate_scores, found.live_scores, spec) if found.live_scores else None,
        "golden": {
            "n": len(answers),
            "live_right": sum(a.live == a.label for a in answers),
            "lost": [
                # by id alone: a golden text that is shown is soon a text that somebody trains on
                {"item": a.item, "text": "", "label": a.label, "predicted": a.candidate}
                for a in answers
                if a.lost
            ],
            "sentence": describe_power(answers, spec.limits.max_golden_loss),
            **golden_figures(found.verdicts.get("golden_set_regression")),
        },
        "slices": slice_rows(found.verdicts.get("slices")),
        "drift": drift_figures(found.verdicts["label_distribution"].evidence)
        if "label_distribution" in found.verdicts
        else {},
        "baselines": {name: dict(scores) for name, scores in found.baselines.items()},
        "baselines_sentence": found.verdicts["beats_baselines"].reason,
        "three_way": found.three_way,
        "worst_errors": _worst_errors(found.candidate_scores, labels),
        "checks": {
            gate: {"passed": v.passed, "verdict": v.outcome, "reason": v.reason}
            for gate in GATES
            if (v := found.verdicts.get(gate))
        },
        "timings_s": dict(found.timings_s),
        "versions": dict(found.versions),
        "reproduce": {
            "command": f"ratchet cycle {found.cycle.classifier} --week {found.cycle.week}",
            "digests": dict(found.digests),
        },
    }


def golden_answers(candidate: Scores, live: Scores | None, labels: Sequence[str]) -> list[GoldenAnswer]:
    """Return the answers of candidate and live on each golden item."""
    mine, theirs = candidate["golden"], live["golden"] if live else None
    return [
        GoldenAnswer(
            item,
            labels[mine.split.labels[i]],
            labels[mine.predicted[i]],
            labels[theirs.predicted[i]] if theirs else None,
        )
        for i, item in enumerate(mine.split.items)
    ]


def _metrics(scores: Scores, spec: Spec) -> dict[str, Any]:
    result = {}
    for split in ("test", "golden"):
        s = scores[split]
        figures = describe_split(s.raw, s.calibrated, s.split.labels, spec.labels)
        result[split] = {**figures, "thresholds": best_thresholds(s.calibrated, s.split.labels, spec)}
    return result


def _compare(candidate: Scores, live: Scores, spec: Spec) -> dict[str, Any]:
    k, result = len(spec.labels), {}
    for split in ("test", "golden"):
        mine, theirs = candidate[split], live[split]
        difference, interval = paired_bootstrap(
            mine.predicted,
            theirs.predicted,
            mine.split.labels,
            lambda predicted, labels: macro_f1(predicted, labels, k),
        )
        result[split] = {"macro_f1_difference": difference, "ci": interval, "margin": spec.promotion.margin}
    return result


def _worst_errors(scores: Scores, labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the wrong answers of the highest confidence, over test and golden."""
    rows = [
        row for split in ("test", "golden") for row in scores[split].rows(labels) if row["label"] != row["predicted"]
    ]
    rows.sort(key=lambda row: (-row["confidence"], row["split"], row["item"]))
    shown = ("split", "item", "text", "label", "predicted", "confidence")
    return [
        {key: row[key] if key != "text" or row["split"] == "test" else "" for key in shown} for row in rows[:_WORST]
    ]


def list_test_errors(found: Judgement) -> list[dict[str, Any]]:
    """Return the wrong answers of the test split, the most confident first: what stands behind the confusion matrix.

    Texts are as the model reads them: redacted. At most `_ERRORS_AT_MOST` rows.
    """
    rows = [row for row in found.candidate_scores["test"].rows(found.spec.labels) if row["label"] != row["predicted"]]
    rows.sort(key=lambda row: (-row["confidence"], row["item"]))
    kept = ("item", "text", "label", "predicted", "confidence")
    return [{key: row[key] for key in kept} for row in rows[:_ERRORS_AT_MOST]]


def _verdict(found: Judgement) -> dict[str, str]:
    failed = [gate for gate in GATES if gate in found.verdicts and not found.verdicts[gate].passed]
    if failed:
        return {"word": "blocked", "sentence": f"Blocked by {failed[0]}: {found.verdicts[failed[0]].reason}"}
    missing = [gate for gate in GATES if gate not in found.verdicts and gate not in MODEL_GATES + AUDIT_GATES]
    if missing:
        return {"word": "blocked", "sentence": f"Blocked: this cycle has no verdict of {', '.join(missing)}."}
    # A gate of the model that needs this very report decides once it is written.
    later = [gate for gate in MODEL_GATES if gate not in found.verdicts]
    if later:
        return {"word": "open", "sentence": f"No gate has blocked it; {', '.join(later)} decides on this report."}
    if found.live is None:
        return {
            "word": "first",
            "sentence": "Passed every gate. It is the first candidate: no live adapter to compare with.",
        }
    if is_by_text(found.data):
        return {"word": "passed", "sentence": f"Passed every gate against live {found.live[:8]}, on labelled examples."}
    return {"word": "passed", "sentence": f"Passed every gate against live {found.live[:8]}; it may shadow live."}
