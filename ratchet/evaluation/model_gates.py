"""Gates of the model on answers in memory, as the report shows them before their checks read them back.

Add a gate of the model here beside its check; its rule is a module of its name in `ratchet/gates/`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from ratchet.config.spec import Spec
from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import count_confirming
from ratchet.evaluation.eval_report import golden_answers
from ratchet.evaluation.scoring import Scored
from ratchet.gates.beats_baselines import decide_baselines
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.first_model import pair_first
from ratchet.gates.golden_agreement import decide_golden_agreement, labels_of_test
from ratchet.gates.golden_anchor import NO_ANCHOR, Anchor
from ratchet.gates.golden_set_regression import decide_regression
from ratchet.gates.paired_answers import PairedAnswer, read_metadata
from ratchet.gates.slices import decide_slices
from ratchet.metrics.classification import macro_f1


def decide_model_gates(
    candidate: Mapping[str, Scored],
    live: Mapping[str, Scored] | None,
    baselines: Mapping[str, Mapping[str, float]],
    spec: Spec,
    *,
    is_probe: bool = False,
    requests: Mapping[str, int] | None = None,
    before: Sequence[Mapping[str, Any]] = (),
    on_examples: bool = False,
    anchor: Anchor = NO_ANCHOR,
    slices_before: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Verdict]:
    """Return the verdicts of the gates that judge the model; with `on_examples` no request is among the test items.

    `before` holds counts of labels and answers of the weeks before, `slices_before` the test items of each slice in the
    cycle before, `anchor` the golden answers of 13 weeks ago.
    """
    test = candidate["test"]
    reached = macro_f1(test.predicted, test.split.labels, len(spec.labels))
    counts = np.bincount(test.split.labels, minlength=len(spec.labels)).tolist()
    support = {label: n for label, n in zip(spec.labels, counts, strict=True) if n}
    every = count_confusions(candidate, spec.labels)
    confusions = [row for row in every if row["split"] == "golden" or not on_examples]
    selection = count_confirming(labels_of_test(confusions))
    paired, margin = pair_answers(candidate, live, spec) if live else [], spec.limits.max_golden_loss
    return {
        "beats_baselines": decide_baselines(
            reached,
            baselines,
            is_probe=is_probe,
            support=support,
            selection=selection,
            first=pair_first(baselines, len(test.split.items), margin) if live is None else None,
        ),
        "golden_agreement": decide_golden_agreement(confusions, requests, before),
        "golden_set_regression": decide_regression(golden_answers(candidate, live, spec.labels), spec.limits, anchor),
        "calibration_regression": decide_calibration(paired, spec.limits.max_nll_rise),
        "slices": decide_slices(paired, spec.slices, margin, before=slices_before),
    }


def pair_answers(candidate: Mapping[str, Scored], live: Mapping[str, Scored], spec: Spec) -> list[PairedAnswer]:
    """Return what `paired_answers.PAIRED_SQL` finds, from answers in memory."""
    labels = spec.labels
    return [
        PairedAnswer(
            split=name,
            label=labels[truth],
            candidate=labels[int(p.argmax())],
            live=labels[int(q.argmax())],
            p=float(p[truth]),
            live_p=float(q[truth]),
            served=served,
            metadata=read_metadata(extra, spec.slices.columns),
        )
        for name in ("golden", "test")
        for truth, p, q, served, extra in zip_longest(
            candidate[name].split.labels,
            candidate[name].calibrated,
            live[name].calibrated,
            candidate[name].split.served,
            candidate[name].split.extra,
        )
    ]


def count_confusions(scores: Mapping[str, Scored], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Count the rows of `golden_agreement.CONFUSIONS_SQL` from answers in memory."""
    counts = Counter(
        (row["split"], row["label"], row["predicted"], served)
        for scored in scores.values()
        for row, served in zip_longest(scored.rows(labels), scored.split.served)
    )
    return [
        {"split": split, "label": label, "predicted": predicted, "served": served, "n": n}
        for (split, label, predicted, served), n in counts.items()
    ]
