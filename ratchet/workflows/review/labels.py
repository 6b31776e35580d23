"""`ratchet labels`: the labels of a classifier and their rules, and one change of them, recorded once the file says it.

`classifier.toml` is edited first, by its owner; the rule is one signed line; what follows from it may be repeated. So a
kill at any place leaves a file that the next cycle refuses with the command to give, or a rule that is whole. Add here
another consequence of a change; what contradicts is `ratchet/data/label_changes.py`, rows are `label_rows.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.label_names import label_form
from ratchet.data.label_changes import LabelChange, LabelEdit, LabelFacts
from ratchet.data.label_rules import LabelRule, LabelRules
from ratchet.ingest.manifest import follow_manifest
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.sealed_policy import read_policy
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.storage.toml_lines import line_of
from ratchet.workflows.review.label_notes import describe_change
from ratchet.workflows.review.label_rows import ask_about, count_labels, count_named
from ratchet.workflows.rollout.live_labels import read_live_labels


@dataclass(frozen=True)
class LabelOverview:
    """Labels of the file, of live and of the rows, and the rules between them."""

    listed: tuple[str, ...]
    live: dict[str, list[str]] | None
    """Labels that live answers, each with what it is called now; None where nothing is live."""
    kept: dict[str, int]
    """Labels of rows that the file does not list, as the rules read them, with their labelled requests."""
    rules: LabelRules
    fault: str = ""
    """Difference between file and rules, which stops the next cycle; empty where there is none."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        rules = [rule.as_json() for rule in self.rules.rules]
        return {"labels": list(self.listed), "live": self.live, "kept": self.kept, "rules": rules, "fault": self.fault}


@dataclass(frozen=True)
class RecordedChange:
    """Outcome of a change: its rule, and what follows from it."""

    rule: LabelRule
    is_new: bool
    """False where the rule was recorded before."""
    requests: int
    """Requests that people gave one of the labels before."""
    queued: int
    notes: list[str] = field(default_factory=list)
    """Sentences: what the next cycle does, what goes on meanwhile, and what is left to do."""
    next: str = ""
    """Command to give next."""


def show_labels(home: Home, name: str) -> LabelOverview:
    """Return the labels of a classifier; raises `RatchetError` where file, rules or live cannot be read."""
    spec, rules, live = Specs(home)[name], LabelRuleFile(home, name).read(), read_live_labels(home, name)
    means = None if live is None else rules.read_adapter([*map(label_form, live)])
    counts = count_labels(open_warehouse(home, name), name) if home.has_rows(name) else {}
    return LabelOverview(
        spec.labels,
        None if means is None else {label: list(each.parts) for label, each in means.items()},
        {label: n for label, n in counts.items() if label not in spec.labels},
        rules,
        _find_fault(spec, rules, means),
    )


def change_labels(home: Home, name: str, change: LabelChange, why: str, actor: str) -> RecordedChange:
    """Record a change of labels and do what follows from it; one that is recorded already is not recorded twice.

    Raises `RatchetError` for a change that contradicts something, and while `classifier.toml` says something else: it
    then names each line to edit, and nothing is recorded.
    """
    spec, facts, file = Specs(home)[name], _gather_facts(home, name), LabelRuleFile(home, name)

    def decide(rules: LabelRules) -> LabelRule | None:
        if change.find_recorded(rules) is None:
            change.check(name, facts, rules)
        if edits := change.edits(spec.labels):
            raise _edit_first(home.spec(name), spec, edits)
        if change.find_recorded(rules) is not None:
            return None
        return LabelRule(change.action, change.old, change.new, datetime.now(UTC), why)

    made = file.record(actor, decide)
    failpoint("labels.after_rule")
    rules = file.read()
    rule = made or change.find_recorded(rules)
    assert rule is not None  # noqa: S101 - it was recorded now or before
    requests = queued = 0
    reason = ""
    if home.has_rows(name):
        warehouse = open_warehouse(home, name)
        requests = count_named(warehouse, name, change.old)
        queued, reason = ask_about(home, warehouse, spec, rule, rules)
    notes, next_command = describe_change(home, spec, rule, facts, requests, queued, reason)
    return RecordedChange(rule, made is not None, requests, queued, notes, next_command)


def _gather_facts(home: Home, name: str) -> LabelFacts:
    live = tuple(map(label_form, read_live_labels(home, name) or ()))
    sealed = [policy.labels for entry in Ledger(home).entries(name) if (policy := read_policy(entry))]
    landed = dict.fromkeys(entry.labels for entry in follow_manifest(home.manifest(name)))
    in_force, rows = (
        tuple(dict.fromkeys(tuple(map(label_form, labels)) for labels in lists)) for lists in ((live, *sealed), landed)
    )
    return LabelFacts(Specs(home)[name].labels, live, in_force, rows)


def _find_fault(spec: Spec, rules: LabelRules, means: Any) -> str:
    if differing := rules.differing(spec.labels):
        label, rule = differing[0]
        return f"classifier.toml lists {label}, but rule {rule.sequence} says that {rule.sentence}: no cycle runs"
    lacking = {part for each in (means or {}).values() for part in each.parts} - set(spec.labels)
    if lacking:
        return f"live answers {', '.join(sorted(lacking))}, which classifier.toml does not list: no cycle runs"
    return ""


def _edit_first(path: Path, spec: Spec, edits: Sequence[LabelEdit]) -> RatchetError:
    text = path.read_text(encoding="utf-8-sig")

    def where(label: str) -> str:
        return line_of(("label", spec.labels.index(label), "name"), text).strip()

    sentences = []
    for edit in edits:
        if edit.kind == "change":
            sentences.append(f'{where(edit.label)}: change name = "{edit.label}" to name = "{edit.to}"')
        elif edit.kind == "remove":
            sentences.append(f'{where(edit.label)}: remove the [[label]] with name = "{edit.label}"')
        else:
            sentences.append(f'add a [[label]] with name = "{edit.label}"')
    return RatchetError(
        f"{path.name} does not say so yet; {'; '.join(sentences)}.",
        "Edit the file, then give this command again; nothing is recorded until then.",
        code="edit_first",
        details={"edits": [vars(edit) for edit in edits]},
    )
