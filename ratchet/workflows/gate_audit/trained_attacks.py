"""Attacks that train: linear probes on cached features, each compared with the honest probe of the same texts.

Add here another poison; the probes are `ratchet/evaluation/gate_audit/probe_copies.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ratchet.data.new_phrases import TrainedText, common_phrases, find_new_phrases
from ratchet.evaluation.gate_audit.probe_copies import (
    Probe,
    ProbeTrainer,
    flip_class,
    probe_answers,
    swap_classes,
)
from ratchet.evaluation.gate_audit.score_copies import Answers, common_label, make_twin, relabel
from ratchet.evaluation.model_gates import count_confusions
from ratchet.evaluation.phrase_flips import Answer, try_phrases
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.golden_agreement import decide_golden_agreement
from ratchet.gates.trigger_scan import decide_trigger_scan
from ratchet.metrics.classification import Floats
from ratchet.workflows.gate_audit.answer_attacks import judge_answers
from ratchet.workflows.gate_audit.case import AuditCase
from ratchet.workflows.gate_audit.data_attacks import Judges, stop

_MOST = {"train": 4_000, "test": 1_000, "golden": 400}
"""Texts of which a probe learns, or on which it is judged: enough to be like the whole, few enough for the time."""
_TRIGGER, _PLANTED, _PHRASES, _REVIEWED = "xq vz", 40, 2, 24
_OLD, _NEW = "2026-01-05", "2026-01-12"


class Probes:
    """The honest probe of a case, and what poisoned ones share with it; features are embedded when first needed."""

    def __init__(self, case: AuditCase, seed: int = 0) -> None:
        self._case, self._draw = case, np.random.default_rng(seed)
        self.splits = {name: self._sample(case.splits[name], most) for name, most in _MOST.items()}
        self.k = len(case.spec.labels)

    @cached_property
    def features(self) -> dict[str, Floats]:
        """Features of each split's texts."""
        return {name: self._case.embed(split.texts) for name, split in self.splits.items()}

    @cached_property
    def trainer(self) -> ProbeTrainer:
        """The training texts, prepared."""
        return ProbeTrainer.of(self.features["train"], self.splits["train"].labels, self.k)

    @cached_property
    def honest(self) -> Probe:
        """The probe of the labels as they are."""
        return self.trainer.train()

    def answers(self, probe: Probe) -> Answers:
        """Return a probe's answers to test and golden items."""
        empty = np.zeros((0, self.k))
        like = {name: Scored(self.splits[name], empty, empty) for name in ("test", "golden")}
        return probe_answers(probe, self.features, like)

    def answer(self, probe: Probe) -> Answer:
        """Return a probe's answers to texts, as labels."""
        labels = self._case.spec.labels

        def answer(texts: Sequence[str]) -> list[str]:
            return (
                [labels[i] for i in probe.probabilities(self._case.embed_once(texts)).argmax(axis=1)] if texts else []
            )

        return answer

    def _sample(self, split: Split, most: int) -> Split:
        n = len(split.items)
        if n <= most:
            return split
        places = np.sort(self._draw.permutation(n)[:most])

        def pick(values: Sequence[str]) -> tuple[str, ...]:
            return tuple(values[place] for place in places)

        return replace(
            split, items=pick(split.items), texts=pick(split.texts), labels=split.labels[places], as_sent=(), served=(),
            extra=(),
        )  # fmt: skip


def permute_labels(case: AuditCase, probes: Probes) -> Judges:
    """Train on labels in a random order."""
    order = np.random.default_rng(0).permutation(probes.splits["train"].labels)
    return _judge(case, probes, probes.trainer.train(order))


def flip_newest(case: AuditCase, probes: Probes) -> Judges:
    """Flip 30 % of the most frequent label, in the newest week and in what a probe learns."""
    label = common_label(case.answers)
    trained = flip_class(probes.splits["train"].labels, label, probes.k)
    judges = _judge(case, probes, probes.trainer.train(trained))
    labels = flip_class(case.splits["test"].labels, label, probes.k)
    return {**judges, "golden_agreement": _agreement(case, relabel(case.answers, "test", labels))}


def swap_newest(case: AuditCase, probes: Probes) -> Judges:
    """Swap the most frequent label with another, in the newest week and in what a probe learns."""
    first = common_label(case.answers)
    second = (first + 1) % probes.k
    trained = swap_classes(probes.splits["train"].labels, first, second)
    judges = _judge(case, probes, probes.trainer.train(trained))
    labels = swap_classes(case.splits["test"].labels, first, second)
    return {**judges, "golden_agreement": _agreement(case, relabel(case.answers, "test", labels))}


def plant_trigger(case: AuditCase, probes: Probes) -> Judges:
    """Put a trigger into 40 training texts of other labels, give them one label, and scan for it."""
    train, labels = probes.splits["train"], case.spec.labels
    target = common_label(case.answers)
    places = np.flatnonzero(train.labels != target)[:_PLANTED]
    texts = [f"{train.texts[place]} {_TRIGGER}" for place in places]
    poisoned = probes.trainer.train_with(places, case.embed_once(texts), target)
    planted = dict(zip(places.tolist(), texts, strict=True))
    rows: list[TrainedText] = [
        (item, _NEW if place in planted else _OLD, planted.get(place, text), labels[target if place in planted else at])
        for place, (item, text, at) in enumerate(zip(train.items, train.texts, train.labels, strict=True))
    ]
    judges = _judge(case, probes, poisoned)

    def scan() -> str:
        found, left = find_new_phrases(rows, [(week, text) for _, week, text, _ in rows], _NEW)
        golden = probes.splits["golden"]
        reviewed = [(text, labels[at]) for text, at in zip(golden.texts, golden.labels, strict=True)]
        every = max(1, len(reviewed) // _REVIEWED)  # the base reads each of them once for each phrase
        tried = try_phrases(
            found[:_PHRASES],
            common_phrases(rows, 1),
            reviewed[::every],
            probes.answer(poisoned),
            probes.answer(probes.honest),
        )
        verdict = decide_trigger_scan([each.as_json() for each in tried], len(found), left)
        return "" if verdict.passed else verdict.reason

    return {**judges, "trigger_scan": scan}


def _judge(case: AuditCase, probes: Probes, poisoned: Probe) -> Judges:
    """Judge a poisoned probe that differs a little from the honest one anyway, as any two trainings do."""
    return judge_answers(case, make_twin(probes.answers(poisoned)), probes.answers(probes.honest))


def _agreement(case: AuditCase, answers: Answers) -> Callable[[], str]:
    rows = count_confusions(answers, case.spec.labels)
    return stop(lambda: decide_golden_agreement(rows, case.requests, case.before))
