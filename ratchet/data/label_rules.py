"""Label rules: how labels were renamed, merged, split, added and retired, and what a name of before stands for now.

Rows are never rewritten: whoever reads one asks here what its label means. Add a kind of rule here; what a rule needs
of `classifier.toml` is `label_changes.py`, the signed file is `ratchet/storage/review/label_rules.py`.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form

RENAME, MERGE, SPLIT, ADD, RETIRE = "rename", "merge", "split", "add", "retire"
ACTIONS = (RENAME, MERGE, SPLIT, ADD, RETIRE)
SPLIT_SUFFIX = " (split)"
"""Follows the name of a label that was split, on a row that nobody has answered since: it trains and judges nothing."""
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LabelRule:
    """One rule. Names are in the form of `ratchet/core/label_names.py`."""

    action: str
    """One of `ACTIONS`."""
    old: tuple[str, ...]
    """Labels that it ends, or goes on with where they are among `new`; none for `add`."""
    new: tuple[str, ...]
    """Labels that it begins or goes on with; none for `retire`."""
    at: datetime
    """Time of its record; aware."""
    why: str = ""
    actor: str = ""
    sequence: int = 0

    @property
    def sentence(self) -> str:
        """The rule, in words."""
        before, after = ", ".join(self.old), ", ".join(self.new)
        return {
            RENAME: f"{before} is now {after}",
            MERGE: f"{before} are now {after}",
            SPLIT: f"{before} is split into {after}",
            ADD: f"{after} is added",
            RETIRE: f"{before} is retired",
        }[self.action]

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        named = {"action": self.action, "old": list(self.old), "new": list(self.new), "why": self.why}
        return {"sequence": self.sequence, "at": self.at.isoformat(), "actor": self.actor, **named}


@dataclass(frozen=True)
class LabelReading:
    """Meaning of a name: a label; or none, where the label was retired, or split and nobody has answered since."""

    label: str
    """Label that rows of the name count as; one that `classifier.toml` does not list where there is none."""
    parts: tuple[str, ...] = ()
    """Labels of now that the name covers: one, several of a label that was split, none of one that is retired."""
    ended_at: datetime | None = None
    """Time of a split or a retirement; an answer that is newer takes the place of the rows of before."""


@dataclass(frozen=True)
class LabelImage:
    """LabelReading of a name on rows of the time from `since` to before `until`; None is open."""

    name: str
    since: datetime | None
    until: datetime | None
    reading: LabelReading


@dataclass(frozen=True)
class LabelRules:
    """The rules of a classifier, oldest first. Without a rule every name stands for itself."""

    rules: tuple[LabelRule, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        latest, rules = _EARLIEST, []
        for rule in self.rules:  # a clock that was set back does not change their order
            latest = max(latest, rule.at)
            rules.append(replace(rule, at=latest))
        object.__setattr__(self, "rules", tuple(rules))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a rule mentions."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in (*rule.old, *rule.new)))

    def ended_by(self, name: str) -> LabelRule | None:
        """Return the rule by which `name` is not a label now; None for one that is."""
        index = self._ended(name, len(self.rules))
        return None if index is None else self.rules[index]

    def read(self, name: str, at: datetime | None = None) -> LabelReading:
        """Return what `name` means on a row of time `at`, or in a file of now.

        A name that was not a label any more at that time, as an annotator's tool or the live adapter goes on using it,
        means what it meant last.
        """
        known = len(self.rules) if at is None else sum(rule.at <= at for rule in self.rules)
        return self._walk(name, self._begin(name, known))

    def read_adapter(self, labels: Collection[str]) -> dict[str, LabelReading]:
        """Return what the answers of an adapter with `labels` mean.

        An adapter that knows none of the labels beside which a name goes on since it was split was trained before that.
        """
        return {name: self._walk(name, self._begin_of(name, labels)) for name in labels}

    def labels_now(self, labels: Collection[str]) -> set[str]:
        """Return what the `labels` of an adapter are called now; a split one is its parts, a retired one none."""
        readings = self.read_adapter([label_form(label) for label in labels])
        return {part for reading in readings.values() for part in reading.parts}

    def images(self) -> Iterator[LabelImage]:
        """Yield the readings of every name that does not stand for itself, by time."""
        bounds = [None, *(rule.at for rule in self.rules), None]
        for name in dict.fromkeys(name for rule in self.rules for name in rule.old):
            readings = [self._walk(name, self._begin(name, known)) for known in range(len(self.rules) + 1)]
            for known, reading in enumerate(readings):
                if reading.label != name or reading.parts != (name,):
                    yield LabelImage(name, bounds[known], bounds[known + 1], reading)

    def differing(self, labels: Iterable[str]) -> list[tuple[str, LabelRule]]:
        """Return each of `labels`, those of `classifier.toml`, that is not a label by a rule, with that rule."""
        return [(label, rule) for label in labels if (rule := self.ended_by(label)) is not None]

    def need(self, classifier: str, labels: Iterable[str]) -> None:
        """Raise `RatchetError` where `classifier.toml`, with these labels, lists one that a rule ended."""
        for label, rule in self.differing(labels):
            raise RatchetError(
                f"classifier.toml lists {label!r}, but rule {rule.sequence} says that {rule.sentence}: its rows are"
                " read by the rule.",
                f"Change the file as 'ratchet labels {classifier}' shows it, or record another rule first.",
                code="label_rules",
            )

    def _ended(self, name: str, known: int) -> int | None:
        found = None
        for index, rule in enumerate(self.rules[:known]):
            found = None if name in rule.new else index if name in rule.old else found
        return found

    def _begin(self, name: str, known: int) -> int:
        """Return the index of the first rule that counts for a row of the time when `known` rules were known."""
        ended = self._ended(name, known)
        return known if ended is None else ended

    def _begin_of(self, name: str, labels: Collection[str]) -> int:
        for index, rule in enumerate(self.rules):
            if rule.action == SPLIT and name in rule.old and name in rule.new:
                beside = (self._later_names(part, index + 1) for part in rule.new if part != name)
                if not any(set(names) & set(labels) for names in beside):
                    return index
        return self._begin(name, len(self.rules))

    def _later_names(self, name: str, begin: int) -> Iterator[str]:
        yield name
        for index in range(begin, len(self.rules)):
            yield from _follow((name,), self.rules[begin : index + 1])

    def _walk(self, name: str, begin: int) -> LabelReading:
        label, parts = name, tuple[str, ...]()
        ended_at, action = None, ""
        for rule in self.rules[begin:]:
            if action == SPLIT:
                parts = _follow(parts, [rule])
            elif action == RETIRE:
                if rule.action == ADD and label in rule.new:
                    ended_at, action = None, ""
            elif label in rule.old:
                if rule.action in {SPLIT, RETIRE}:
                    parts, ended_at, action = rule.new, rule.at, rule.action
                else:
                    label = rule.new[0]
        if action == SPLIT:
            return LabelReading(f"{label}{SPLIT_SUFFIX}", parts, ended_at)
        return LabelReading(label, () if action else (label,), ended_at)


def _follow(parts: Sequence[str], rules: Iterable[LabelRule]) -> tuple[str, ...]:
    """Return the labels that `parts` are after `rules`."""
    for rule in rules:
        if rule.action != ADD:
            parts = [new for part in parts for new in (rule.new if part in rule.old else (part,))]
    return tuple(dict.fromkeys(parts))


NO_RULES = LabelRules()
