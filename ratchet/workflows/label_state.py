"""Labels of a classifier as a user sees them: those of the file, those that live answers, and rows that do not train.

Add here another difference that `status` and `doctor` shall name; a cycle's choice is `ratchet/data/label_choice.py`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.live_labels import read_live_labels

_ANSWERS = ("none", "cannot_tell", "withdrawn")


@dataclass(frozen=True)
class LabelState:
    """Differences between the labels of `classifier.toml`, of live and of the rows; counts are of the newest cycle."""

    only_live: list[str]
    """Labels that live answers, as they are called now, and the file does not list."""
    only_file: list[str]
    """Labels that the file lists and live does not answer, by any name."""
    waiting: dict[str, int] = field(default_factory=dict)
    """New labels that wait, with their training examples."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Labels of rows that the file does not list, with their labelled requests."""
    served: dict[str, int] = field(default_factory=dict)
    """Labels that were served in the cycle's week and that the file does not list, with their requests."""
    renamed: dict[str, list[str]] = field(default_factory=dict)
    """Labels of live that a rule changed, and what each is called now, until an adapter of now is promoted."""
    fault: str = ""
    """Label that the file lists although a rule ended it, in a sentence: no cycle runs until then."""
    answers: dict[str, int] = field(default_factory=dict)
    """Annotators' newest answers in place of a label, in the cycle's week."""

    @property
    def sentence(self) -> str:
        """Every difference in one sentence; empty where there is none."""
        changed = ", ".join(f"{old} for {', '.join(new) or 'nothing'}" for old, new in self.renamed.items())
        parts = [
            self.fault,
            f"live goes on answering {changed}, by the label rules" if changed else "",
            f"live answers {', '.join(self.only_live)}, which classifier.toml does not list" if self.only_live else "",
            f"live does not answer {', '.join(self.only_file)} yet" if self.only_file else "",
            f"too few examples of {_counted(self.waiting)}: they wait" if self.waiting else "",
            f"labelled requests of labels that classifier.toml does not list: {_counted(self.left_out)}"
            if self.left_out
            else "",
            f"requests served with labels that classifier.toml does not list: {_counted(self.served)}"
            if self.served
            else "",
        ]
        return "; ".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return asdict(self)


def describe_labels(home: Home, name: str) -> LabelState:
    """Compare labels; raises `RatchetError` where `classifier.toml`, the ledger or the live adapter cannot be read."""
    spec, live = Specs(home)[name], read_live_labels(home, name)
    rules = LabelRuleFile(home, name).read()
    means = rules.read_adapter([label_form(label) for label in live or ()])
    answered = {part for each in means.values() for part in each.parts}
    ended = rules.differing(spec.labels)
    noted = _newest_notes(home, name)
    data, labels = noted.get("data", {}), noted.get("labels", {})
    return LabelState(
        sorted(answered - set(spec.labels)),
        [label for label in spec.labels if live is not None and label not in answered],
        {label: n for label, n in data.get("labels_waiting", {}).items() if label in spec.labels},
        {label: n for label, n in data.get("labels_left_out", {}).items() if label not in spec.labels},
        {label: n for label, n in labels.get("served_unlisted", {}).items() if label not in spec.labels},
        {old: list(each.parts) for old, each in means.items() if each.parts != (old,)},
        f"classifier.toml lists {ended[0][0]}, but rule {ended[0][1].sequence} says that {ended[0][1].sentence}"
        if ended
        else "",
        {answer: labels[answer] for answer in _ANSWERS if labels.get(answer)},
    )


def try_labels(home: Home, name: str) -> dict[str, Any] | None:
    """Return the differences as JSON types; None where they cannot be read, which other parts of `status` say."""
    try:
        return describe_labels(home, name).as_json()
    except (RatchetError, OSError):
        return None


def _newest_notes(home: Home, name: str) -> dict[str, Any]:
    receipts = Receipts(home)
    for week in sorted(receipts.weeks(name), reverse=True):
        if "data" in (noted := receipts.noted(Cycle(name, parse_week(week)))):
            return noted
    return {}


def _counted(labels: dict[str, int]) -> str:
    return ", ".join(f"{label} ({n})" for label, n in labels.items())
