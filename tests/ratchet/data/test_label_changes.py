"""Changes of labels that contradict themselves, a rule, or what there is; and the edits that the file needs."""

from datetime import UTC, datetime

import pytest

from ratchet.core.errors import RatchetError
from ratchet.data.label_changes import LabelChange, LabelFacts
from ratchet.data.label_rules import ADD, MERGE, RENAME, RETIRE, SPLIT, LabelRule, LabelRules

AT = datetime(2026, 3, 1, tzinfo=UTC)
Named = tuple[str, str, str]
NFC, NFD = "gr\u00fcn", "gru\u0308n"


def rules(*named: Named) -> LabelRules:
    """Rules of action, old and new names."""
    return LabelRules(
        tuple(LabelRule(action, tuple(old.split()), tuple(new.split()), AT, sequence=n + 1)
              for n, (action, old, new) in enumerate(named))
    )  # fmt: skip


CASES: dict[str, tuple[Named, str, list[Named], str, str]] = {
    # change; labels of the file before it was edited; rules so far; error, or edits; hint
    "a rename": ((RENAME, "a", "n"), "a b", [], "change a n", ""),
    "a rename of what the file does not list": ((RENAME, "gone", "n"), "a b", [], "add n ", ""),
    "a chain": ((RENAME, "b", "c"), "b x", [(RENAME, "a", "b")], "change b c", ""),
    "a former name": ((RENAME, "a", "c"), "b x", [(RENAME, "a", "b")], "'a' is not a label any more: rule 1", ""),
    "there and back": ((RENAME, "b", "a"), "b x", [(RENAME, "a", "b")], "change b a", ""),
    "a former name for something else": (
        (RENAME, "x", "a"), "b x", [(RENAME, "a", "b")], "'a' was a label: rule 1 says that a is now b.", "never used",
    ),
    "added under a former name": ((ADD, "", "a"), "b x", [(RENAME, "a", "b")], "'a' was a label: rule 1", "never used"),
    "to a label that there is": (
        (RENAME, "a", "b"), "a b", [], "'b' is a label already: rows of both", "merge 'a' 'b' --into 'b'",
    ),
    "to itself": ((RENAME, "a", "a"), "a b", [], "'a' is that name already", ""),
    "to itself in another Unicode form": ((RENAME, NFC, NFD), f"a {NFC}", [], "is that name already", ""),
    "to another case": ((RENAME, "a", "A"), "a b", [], "change a A", ""),
    "to the case of another": ((RENAME, "a", "B"), "a b", [], "'B' looks like 'b'.", "tell apart"),
    "to a name that is no name": ((RENAME, "a", "x\ty"), "a b", [], "label name", ""),
    "nothing of that name": ((RENAME, "refnd", "n"), "refund b", [], "has no label 'refnd'", "Did you mean 'refund'?"),
    "a merge into a new one": ((MERGE, "a b", "c"), "a b x", [], "change a c, remove b ", ""),
    "a merge into one of them": ((MERGE, "a b", "b"), "a b x", [], "remove a ", ""),
    "a merge into a third": ((MERGE, "a", "b"), "a b x", [], "remove a ", ""),
    "a merge of one": ((MERGE, "a", "n"), "a b", [], "a merge of one label is a rename", "rename 'a' 'n'"),
    "a merge of nothing": ((MERGE, "a", "a"), "a b", [], "a merge needs two", ""),
    "a split": ((SPLIT, "a", "n m"), "a b", [], "change a n, add m ", ""),
    "a split that keeps the name": ((SPLIT, "a", "a n"), "a b", [], "add n ", ""),
    "a split into a label that there is": ((SPLIT, "a", "b n"), "a b", [], "change a n", ""),
    "a split into one": ((SPLIT, "a", "n"), "a b", [], "a split needs two", ""),
    "a split into a merged name": (
        (SPLIT, "b", "a b"), "b x", [(MERGE, "a b", "b")], "'a' was a label: rule 1", "never used",
    ),
    "an addition": ((ADD, "", "n"), "a b", [], "add n ", ""),
    "an addition of what live answers": ((ADD, "", "a"), "a b", [], "'a' is a label already: live answers it", ""),
    "an addition of what was retired": ((ADD, "", "r"), "a b", [(RETIRE, "r", "")], "add r ", ""),
    "a merge into what was retired": ((MERGE, "a b", "r"), "a b", [(RETIRE, "r", "")], "'r' was a label", "add 'r'"),
    "a retirement": ((RETIRE, "a", ""), "a b x", [], "remove a ", ""),
    "a second retirement": ((RETIRE, "r", ""), "a b", [(RETIRE, "r", "")], "'r' is not a label any more", ""),
}  # fmt: skip


def outcome(named: Named, listed: tuple[str, ...], facts: LabelFacts, recorded: LabelRules) -> tuple[str, str]:
    """The edits that the file needs, or the error with its hint."""
    action, old, new = named
    try:
        change = LabelChange(action, tuple(old.split()), tuple(new.split(" ")) if new else ())
        change.check("tickets", facts, recorded)
    except RatchetError as error:
        return error.message, error.hint or ""
    return ", ".join(f"{edit.kind} {edit.label} {edit.to}" for edit in change.edits(listed)), ""


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_refused_or_names_the_edits_of_the_file(case: str) -> None:
    """With a hint where there is a way; once the file is edited, the same change needs no edit."""
    named, before, recorded, expected, hint = CASES[case]
    listed = tuple(before.split())
    facts = LabelFacts(listed, listed, (listed,), ((*listed, "gone"),))
    found, found_hint = outcome(named, listed, facts, rules(*recorded))
    assert found.startswith(expected) if expected.endswith(" ") else expected in found
    assert hint in found_hint
    if not found.startswith(("change", "remove", "add")):
        return
    edited = [*listed]
    for kind, label, to in (edit.split(" ") for edit in found.split(", ")):
        place = edited.index(label) if kind != "add" else len(edited)
        edited[place : place + 1] = [label] if kind == "add" else [to] if to else []
    after = LabelFacts(tuple(edited), listed, facts.in_force, facts.landed)
    assert outcome(named, tuple(edited), after, rules(*recorded)) == ("", "")


def test_rows_that_came_between_file_and_rule_do_not_make_a_rename_a_merge() -> None:
    """Intake then knows both names, the former one with the new one; two labels from the start are two."""
    rename = LabelChange(RENAME, ("a",), ("n",))
    rename.check("tickets", LabelFacts(("n", "b"), ("a", "b"), (("a", "b"),), (("a", "b"), ("n", "b", "a"))), rules())
    with pytest.raises(RatchetError, match="'n' is a label already"):
        rename.check("tickets", LabelFacts(("n", "b"), (), (), (("a", "n", "b"),)), rules())


def test_the_same_change_again_is_recorded_already() -> None:
    """So that a kill after the line is made good by the same command; not once a later rule speaks of its labels."""
    rename, back = LabelChange(RENAME, ("a",), ("b",)), LabelChange(RENAME, ("b",), ("a",))
    once, twice = rules((RENAME, "a", "b")), rules((RENAME, "a", "b"), (RENAME, "b", "a"))
    assert rename.find_recorded(once) == once.rules[0]
    assert rename.find_recorded(twice) is None
    assert back.find_recorded(twice) == twice.rules[1]
    assert LabelChange(SPLIT, ("a",), ("a", "c")).find_recorded(once) is None
