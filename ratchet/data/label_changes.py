"""Changes of labels, before they are recorded: what contradicts, and which edits `classifier.toml` still needs.

Add here what a change must not be. Names of before are read by `label_rules.py`; the sequence of steps is
`ratchet/workflows/review/labels.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form, skeleton
from ratchet.core.names import nearest
from ratchet.data.label_rules import ADD, MERGE, RENAME, RETIRE, SPLIT, LabelRule, LabelRules


@dataclass(frozen=True)
class LabelEdit:
    """One edit of `classifier.toml`: `change` a label's name to `to`, `remove` its table, or `add` one for it."""

    kind: str
    label: str
    to: str = ""


@dataclass(frozen=True)
class LabelFacts:
    """Labels that there are, and lists of those that were in use together."""

    listed: tuple[str, ...]
    """Labels of `classifier.toml` as it is."""
    live: tuple[str, ...] = ()
    """Labels that live answers; empty where nothing is live."""
    in_force: tuple[Collection[str], ...] = ()
    """Lists of labels of live and of sealed policies."""
    landed: tuple[Collection[str], ...] = ()
    """Lists of labels that rows could have, oldest first; each holds former labels as well."""

    @property
    def known(self) -> list[str]:
        """Every label that the file, an adapter or a row may have had."""
        lists = (self.listed, self.live, *self.in_force, *self.landed)
        return [*dict.fromkeys(name for labels in lists for name in labels)]

    def had(self, name: str) -> bool:
        """Return True where rows or adapters knew the label."""
        return any(name in labels for labels in (*self.in_force, *self.landed))

    def had_both(self, new: str, old: str) -> bool:
        """Return True where both were labels at one time: in force, or before that when rows first had `old`."""
        lists = [labels for labels in self.in_force if old in labels]
        lists = lists or [next((labels for labels in self.landed if old in labels), ())]
        return any(new in labels for labels in lists) or (new in self.listed and old in self.listed)


@dataclass(frozen=True)
class LabelChange:
    """A change that somebody asks for; names are brought to their one form."""

    action: str
    old: tuple[str, ...]
    new: tuple[str, ...]

    def __post_init__(self) -> None:
        for key in ("old", "new"):
            object.__setattr__(self, key, tuple(dict.fromkeys(map(label_form, getattr(self, key)))))
        for name in self.new:
            Label(name)  # raises for a name that no label may have

    def find_recorded(self, rules: LabelRules) -> LabelRule | None:
        """Return the rule that says so already, unless a later one speaks of the same labels."""
        names = {*self.old, *self.new}
        newest = next((rule for rule in reversed(rules.rules) if names & {*rule.old, *rule.new}), None)
        same = newest is not None and (newest.action, {*newest.old}, {*newest.new}) == (
            self.action, {*self.old}, {*self.new},
        )  # fmt: skip
        return newest if same else None

    def check(self, classifier: str, facts: LabelFacts, rules: LabelRules) -> None:
        """Raise `RatchetError` for a change that contradicts itself, what is recorded, or what there is."""
        known = [*dict.fromkeys([*facts.known, *rules.names])]
        for name in self.old:
            if name not in known:
                raise _bad(f"{classifier} has no label {name!r}, now or before.", nearest(name, known))
            if rule := rules.ended_by(name):
                hint = "Name the label that it is now." if rule.new else "Add it again first, to use its rows."
                raise _bad(f"{name!r} is not a label any more: rule {rule.sequence} says that {rule.sentence}.", hint)
        self._check_counts(classifier, facts)
        for name in self.new:
            self._check_new(name, classifier, facts, rules)

    def edits(self, listed: Sequence[str]) -> list[LabelEdit]:
        """Return the edits after which `classifier.toml`, which lists these labels, says what the rule will say."""
        leaving = [name for name in self.old if name in listed and name not in self.new]
        missing = [name for name in self.new if name not in listed]
        n = min(len(leaving), len(missing))
        return [
            *(LabelEdit("change", name, to) for name, to in zip(leaving[:n], missing[:n], strict=True)),
            *(LabelEdit("remove", name) for name in leaving[n:]),
            *(LabelEdit("add", name) for name in missing[n:]),
        ]

    def _check_counts(self, classifier: str, facts: LabelFacts) -> None:
        several = len({*self.old, *self.new})
        if self.action == RENAME and several < 2:
            raise _bad(f"{self.old[0]!r} is that name already.", "Nothing is to be done.")
        if self.action == MERGE and several < 2:
            raise _bad("a merge needs two labels.", f"ratchet labels {classifier} merge A B --into C")
        if self.action == MERGE and len(self.old) == 1 and not facts.had(self.new[0]):
            hint = f"ratchet labels {classifier} rename {self.old[0]!r} {self.new[0]!r} --why TEXT"
            raise _bad(f"{self.new[0]!r} was not a label before: a merge of one label is a rename.", hint)
        if self.action == SPLIT and len(self.new) < 2:
            raise _bad("a split needs two labels or more.", f"ratchet labels {classifier} split OLD --into A,B")

    def _check_new(self, name: str, classifier: str, facts: LabelFacts, rules: LabelRules) -> None:
        if rule := rules.ended_by(name):
            self._check_former(name, rule, classifier, rules)
        elif self.action == RENAME and facts.had_both(name, self.old[0]):
            raise _bad(
                f"{name!r} is a label already: rows of both would count as one, which is a merge.",
                f"ratchet labels {classifier} merge {self.old[0]!r} {name!r} --into {name!r} --why TEXT",
            )
        elif self.action == ADD and name in facts.live:
            raise _bad(f"{name!r} is a label already: live answers it.", "Nothing is to be recorded.")
        like = [label for label in facts.listed if label not in {name, *self.old} and skeleton(label) == skeleton(name)]
        if like:
            raise _bad(f"{name!r} looks like {like[0]!r}.", "Choose a name that a person can tell apart.")

    def _check_former(self, name: str, rule: LabelRule, classifier: str, rules: LabelRules) -> None:
        """Raise for a former name, unless it comes back with its own rows: read by its rule, another's would be too."""
        if rule.action == RETIRE:
            if self.action != ADD:
                hint = f"Add it again first: ratchet labels {classifier} add {name!r} --why TEXT."
                raise _bad(f"{name!r} was a label: rule {rule.sequence} says that {rule.sentence}.", hint)
        elif self.action not in {RENAME, MERGE} or not set(rules.read(name).parts) <= set(self.old):
            hint = "Rows of that name are read by the rule: choose a name that was never used."
            raise _bad(f"{name!r} was a label: rule {rule.sequence} says that {rule.sentence}.", hint)


def _bad(message: str, hint: str) -> RatchetError:
    return RatchetError(message, hint, code="bad_label_rule")
