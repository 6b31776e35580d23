"""Judging: gathers the content of an eval report from predictors, examples and the record of the training.

Add here a model to run, or items to run it on. Answers are judged in `ratchet/metrics/classification.py`,
`baselines.py` and `model_gates.py`, and the document is built in `eval_report.py`.
"""

import functools
import platform
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from ratchet.config.candidate import DEFAULT_BASES, Candidate
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.label_names import label_form
from ratchet.core.verdict import Verdict
from ratchet.data.given_examples import is_by_text
from ratchet.data.label_rules import NO_RULES, LabelRules
from ratchet.evaluation.baselines import answer_baselines, measure_baselines, pair_baselines
from ratchet.evaluation.comparison import FrontierAsker, compare_three_ways
from ratchet.evaluation.eval_report import Judgement
from ratchet.evaluation.model_gates import decide_model_gates
from ratchet.evaluation.scoring import Scored, Scorer, Split, score
from ratchet.evaluation.sweep import measure_tfidf
from ratchet.evaluation.text_figures import measure_examples
from ratchet.evaluation.untuned_base import Untuned, UntunedCausal, UntunedEncoder
from ratchet.gates.golden_anchor import NO_ANCHOR, Anchor
from ratchet.models.embeddings import embed_and_keep
from ratchet.training.plan import read_plan
from ratchet.training.result import read_result

_VERSIONED = ("ratchet", "torch", "transformers", "peft", "scikit-learn", "duckdb", "dagster")


class LabelledText(Protocol):
    """A text with its label."""

    @property
    def text(self) -> str:
        """Text that the classifier reads."""
        ...

    @property
    def label(self) -> str:
        """Label that it should answer."""
        ...


def read_splits(rows: pd.DataFrame, golden: Sequence[LabelledText], labels: Sequence[str]) -> dict[str, Split]:
    """Return the splits of a cycle by name, with the golden set; its items are named by line, `golden-1` and so on.

    Golden items of a label that is not in `labels`, since it waits for examples, are left out.
    """
    index = {label: i for i, label in enumerate(labels)}
    splits = {
        str(name): Split(
            str(name),
            tuple(part["request_id"]),
            tuple(part["text"]),
            np.array([index[label] for label in part["label"]], dtype=np.int64),
            tuple(part["as_sent"]) if "as_sent" in part else (),
            tuple(part["served"]) if "served" in part else (),
            tuple(part["extra"]) if "extra" in part else (),
        )
        for name, part in rows.groupby("split")
    }
    numbered = [(number, item) for number, item in enumerate(golden, start=1) if item.label in index]
    splits["golden"] = Split(
        "golden",
        tuple(f"golden-{number}" for number, _ in numbered),
        tuple(item.text for _, item in numbered),
        np.array([index[item.label] for _, item in numbered], dtype=np.int64),
    )
    return splits


def gather_judgement(
    cycle: Cycle,
    spec: Spec,
    splits: Mapping[str, Split],
    *,
    candidate: Scorer,
    live: Scorer | None,
    live_digest: str | None,
    noted: Mapping[str, Any],
    training: Path,
    verdicts: Mapping[str, Verdict],
    timings_s: Mapping[str, float],
    frontier: FrontierAsker | None = None,
    requests: Mapping[str, int] | None = None,
    rules: LabelRules = NO_RULES,
    before: Sequence[Mapping[str, Any]] = (),
    anchor: Anchor = NO_ANCHOR,
    slices_before: Mapping[str, Mapping[str, int]] | None = None,
) -> Judgement:
    """Run candidate, live and baselines, and let the gates of the model decide; then compare three ways.

    `noted` holds the notes of earlier stages of the cycle, `training` is the work folder, `verdicts` are those of the
    data gates, `requests` counts the week's requests by served label, `before` holds counts of labels and answers of
    the weeks before. Answers of live are read by the label `rules`: a renamed label is not an error of either. `anchor`
    holds the answers of 13 weeks ago, `slices_before` the test items of each slice in the cycle before.
    """
    result = read_result(training)
    best = read_plan(training).candidates[result.best]
    tfidf = measure_tfidf(splits, spec)  # before the threads, so that its seconds are its own
    # two threads of one torch thread each: the frozen base embeds while candidate and live answer
    with ThreadPoolExecutor(2) as pool:
        frozen = best.base if best.family == "encoder" else DEFAULT_BASES["encoder"]
        embed = functools.partial(embed_and_keep, training, frozen, best)
        untuned = _untuned(best, spec)
        zero_shot = untuned.zero_shot if best.family == "causal" else None
        judged = pool.submit(answer_baselines, splits["train"], splits["test"], spec, embed, zero_shot)
        answered = pool.submit(_score_both, candidate, splits, spec)
        live_answered = pool.submit(_score_live, live, splits, spec, rules, answered) if live else None
        simpler, scores = judged.result(), answered.result()
        live_scores = live_answered.result() if live_answered else None
    truth = splits["test"].labels
    baselines = pair_baselines(measure_baselines(simpler, truth), simpler, scores["test"].predicted, truth)
    title = result.best_candidate.title  # alone on the machine from here on: the time of single calls is measured
    three_way = compare_three_ways(spec, splits["train"], candidate, scores["test"], title, untuned, frontier)
    return Judgement(
        cycle=cycle,
        spec=spec,
        adapter=noted["adapter"],
        live=live_digest,
        candidate_scores=scores,
        live_scores=live_scores,
        baselines=baselines,
        verdicts={
            **verdicts,
            **decide_model_gates(
                scores,
                live_scores,
                baselines,
                spec,
                is_probe=best.method == "probe",
                requests=requests,
                before=before,
                on_examples=is_by_text(noted["data"]),
                anchor=anchor,
                slices_before=slices_before,
            ),
        },
        training=result.as_json(),
        calibration=noted["calibration"],
        data={**noted["data"], "labels": {**noted.get("labels", {}), **noted.get("agreement", {})}},
        timings_s=timings_s,
        versions={"python": platform.python_version(), **{name: version(name) for name in _VERSIONED}},
        digests={
            "adapter": noted["adapter"],
            "training_set": noted["training_set"],
            "plan": noted["plan"],
            "policy": spec.digest,
        },
        tfidf=tfidf,
        texts=measure_examples(best, splits, spec.labels).as_json(),
        three_way=three_way,
    )


def _untuned(best: Candidate, spec: Spec) -> Untuned:
    """Return the base of the chosen candidate before any training."""
    return UntunedCausal(best, spec) if best.family == "causal" else UntunedEncoder(best, spec)


def _score_both(scorer: Scorer, splits: Mapping[str, Split], spec: Spec) -> dict[str, Scored]:
    return {name: score(scorer, splits[name], spec.labels) for name in ("test", "golden")}


def _score_live(
    live: Scorer, splits: Mapping[str, Split], spec: Spec, rules: LabelRules, answered: "Future[dict[str, Scored]]"
) -> dict[str, Scored]:
    means = {label: each.parts for label, each in rules.read_adapter([*map(label_form, live.labels)]).items()}
    # only a split label needs the candidate's answers, which the pool computes before these
    beside = answered.result() if any(len(parts) > 1 for parts in means.values()) else {}
    return {
        name: score(live, splits[name], spec.labels, means, beside[name].predicted if beside else None)
        for name in ("test", "golden")
    }


def prediction_rows(judgement: Judgement) -> pd.DataFrame:
    """Return every answer of candidate and live, as rows of the table `predictions`."""
    models = {
        "candidate": (judgement.adapter, judgement.candidate_scores),
        "live": (judgement.live, judgement.live_scores),
    }
    labels = judgement.spec.labels
    return pd.DataFrame(
        [
            {
                "classifier": judgement.cycle.classifier,
                "week": judgement.cycle.week,
                "model": model,
                "adapter": digest,
                **row,
            }
            for model, (digest, scores) in models.items()
            for scored in (scores or {}).values()
            for row in scored.rows(labels)
        ]
    )
