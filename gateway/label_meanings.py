"""Meaning of labels at the gateway while they change: names that people may give, and answers that mean one label.

Add here another place where the gateway compares labels; the rules are `ratchet/data/label_rules.py`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from gateway.errors import RequestError
from gateway.serving.loading import Served, stamp_of
from gateway.serving.slots import SlotChoice
from ratchet.core.label_names import label_form
from ratchet.data.label_rules import NO_RULES, LabelRules
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile


def check_label(home: Home, name: str, served: Served, label: str | None) -> None:
    """Raise `RequestError` for a label that no served adapter answers and no rule knows; one of before may hold another
    form."""
    specs = (served.spec, *served.specs.values())
    labels = dict.fromkeys(label_form(each) for spec in specs for each in spec.labels)
    if label is None or label_form(label) in labels:
        return
    rules = _rules(home, name)
    if label_form(label) not in rules.names or len(rules.read(label_form(label)).parts) != 1:
        raise RequestError(
            422, "bad_label", "label: not a label of this classifier.", f"Labels: {', '.join(labels)}."[:300]
        )


def means_same(home: Home, name: str, one: tuple[SlotChoice, str], other: tuple[SlotChoice, str | None]) -> bool:
    """Return True where two adapters' answers mean one label, or one covers the other since it was split."""
    (first, label), (second, other_label) = one, other
    if other_label is None or label_form(label) == label_form(other_label):
        return other_label is not None
    rules = _rules(home, name)
    parts, other_parts = (
        _readings(rules, tuple(map(label_form, choice.predictor.labels))).get(label_form(each), (label_form(each),))
        for choice, each in ((first, label), (second, other_label))
    )
    return bool(set(parts) & set(other_parts))


def _rules(home: Home, name: str) -> LabelRules:
    return _read(home, name, stamp_of(LabelRuleFile(home, name).file.path))


@lru_cache(maxsize=256)
def _read(home: Home, name: str, stamp: int) -> LabelRules:
    """Return the rules; those that cannot be believed change nothing here, and count nowhere else."""
    return (LabelRuleFile(home, name).try_read() if stamp else None) or NO_RULES


@lru_cache(maxsize=256)
def _readings(rules: LabelRules, labels: Sequence[str]) -> Mapping[str, Sequence[str]]:
    return {label: reading.parts for label, reading in rules.read_adapter(labels).items()}
