"""Sentences about a change of labels: what the next cycle does, what goes on meanwhile, and the next command.

Add here what a person should know after a change; its steps are `labels.py`.
"""

from collections.abc import Sequence

from ratchet.config.spec import Spec
from ratchet.data.label_changes import LabelFacts
from ratchet.data.label_rules import ADD, MERGE, RENAME, RETIRE, SPLIT, LabelRule
from ratchet.review.reasons import SPLIT as SPLIT_REASON
from ratchet.rollout.sealed_policy import find_policy
from ratchet.rollout.state import state_after
from ratchet.storage.golden_set import read_golden
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger


def describe_change(
    home: Home, spec: Spec, rule: LabelRule, facts: LabelFacts, requests: int, queued: int, reason: str
) -> tuple[list[str], str]:
    """Return what the next cycle does, what goes on meanwhile, and the next command."""
    old, new, name = ", ".join(rule.old), ", ".join(rule.new), spec.name
    golden = _golden_lines(home, name, rule.old)
    notes = []
    if rule.action in {RENAME, MERGE}:
        notes.append(
            f"the next cycle reads {requests} labelled request(s) and {len(golden)} golden item(s) of it as {new}"
        )
    elif rule.action == RETIRE:
        notes.append(
            f"{requests} labelled request(s) and {len(golden)} golden item(s) of {old} are kept and train nothing"
        )
    elif rule.action == SPLIT:
        notes.append(
            f"{queued} request(s) of {old} wait for an answer, and have no label until then: ratchet review {name}"
        )
        if golden:
            shown = ", ".join(map(str, golden[:20])) + (" ..." if len(golden) > 20 else "")
            keeps = f"they go on as {old}" if set(rule.old) & set(rule.new) else "they judge nothing until then"
            notes.append(f"look through golden.jsonl, line(s) {shown}: {keeps}")
    elif queued:
        notes.append(f"{queued} request(s) that may be {new} are queued for review: ratchet review {name}")
    entries = Ledger(home).entries(name)
    state, ending = state_after(entries), [label for label in rule.old if label in facts.live and label not in rule.new]
    if ending:
        until = f"an adapter with {new}" if rule.new else "an adapter without it"
        notes.append(
            f"live goes on answering {', '.join(ending)} until {until} is promoted; feedback and corrections are taken"
            " under either name"
        )
    if state.challenger is not None and rule.action != ADD:
        notes.append(
            f"{state.challenger[:12]} is being compared and answers the labels of before: it goes no further, since"
            f" classifier.toml changed; ratchet rollback {name} ends it at once"
        )
    sealed = find_policy(entries)
    if sealed is not None and not sealed.fits(rule.new):
        notes.append(
            f"the action and threshold of {new} come into force once they are sealed, before a candidate enters"
        )
        return notes, f"ratchet policy {name} --why TEXT"
    waits = reason == SPLIT_REASON and queued
    return notes, f"ratchet review {name}" if waits else f"ratchet cycle {name} --week latest"


def _golden_lines(home: Home, name: str, labels: Sequence[str]) -> list[int]:
    path = home.golden(name)
    return [line for line, item in read_golden(path) if item.label in labels] if path.exists() else []
