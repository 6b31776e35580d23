"""The table `[people]`: each name belongs to one person, and the table is part of no digest."""

from dataclasses import replace

import pytest

from ratchet.config.people import find_person, persons_by_name
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError

PEOPLE = {"ann": ("Ann Smith", "ann@corp.example"), "bob": ()}


def test_names_find_their_person() -> None:
    """In one form; a name that nobody has finds nobody, and without the table everyone is a person of their own."""
    assert persons_by_name(PEOPLE) == {"ann": "ann", "ann smith": "ann", "ann@corp.example": "ann", "bob": "bob"}
    assert [find_person(PEOPLE, name) for name in ("ann smith", "bob", "eve")] == ["ann", "bob", None]
    assert find_person({}, "eve") == "eve"


@pytest.mark.parametrize(
    ("people", "fault"),
    [
        ({"ann": ("A. Smith",), "bob": ("a. SMITH",)}, "belongs to 'ann' too"),
        ({"ann": (), "bob": ("Ann",)}, "belongs to 'ann' too"),
        ({"ann": ("\u0430nn",)}, "mixes the scripts"),
        ({"ann": ("",)}, "is empty"),
    ],
)
def test_a_name_of_two_people_is_refused(people: dict[str, tuple[str, ...]], fault: str) -> None:
    """With the name, and the person who has it."""
    with pytest.raises(RatchetError, match=fault):
        Spec("tickets", (Label("a"), Label("b")), people=people)


def test_people_are_part_of_no_digest() -> None:
    """Whose votes count changes no receipt, so a new annotator makes no candidate stale."""
    spec = Spec("tickets", (Label("a"), Label("b")))
    assert replace(spec, people=PEOPLE).digest == spec.digest
