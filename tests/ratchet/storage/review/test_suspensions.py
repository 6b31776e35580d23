"""Suspensions: who is suspended by which name, and whose corrections the warehouse then leaves out."""

from pathlib import Path

import pytest

from ratchet.config.people import People, persons_by_name
from ratchet.core.errors import RatchetError
from ratchet.ingest.ingested_files import IngestedFiles
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.suspension import names_of
from ratchet.storage.home import Home
from ratchet.storage.review.suspensions import Suspensions
from ratchet.testing.homes import SmallClassifier

PEOPLE: People = {"ann": ("ann@corp.example",), "bob": ()}


@pytest.fixture
def suspensions(tmp_path: Path) -> Suspensions:
    """No suspension yet, of a classifier with four corrections by three names, one of them a check."""
    home = Home(tmp_path)
    SmallClassifier(home).write()
    with open_warehouse(home, "small").connect() as connection:
        for request, name, chosen in (
            ("r1", "ann", None), ("r2", "ann@corp.example", "value"), ("r3", "bob", "check"), ("r4", "carol", "random")
        ):  # fmt: skip
            connection.execute(
                "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week, chosen) "
                "VALUES ('small', ?, now(), 'amber', ?, false, DATE '2026-01-05', ?)",
                [request, name, chosen],
            )
    return Suspensions(home, "small")


def suspend(suspensions: Suspensions, person: str, people: People = {}) -> None:  # noqa: B006 - never changed
    """Suspend somebody."""
    suspensions.suspend(person, "guesses", "owner", people, 3, [{"adapter": "a" * 64}])


def counted(suspensions: Suspensions, people: People) -> list[str]:
    """Requests whose corrections count, as every reader of the warehouse finds them."""
    with open_warehouse(suspensions.home, "small").connect() as connection:
        IngestedFiles(connection, "small").name_people(persons_by_name(people))
        found = connection.execute("SELECT request_id FROM attributed_corrections ORDER BY ALL").fetchall()
    return [request for (request,) in found]


def test_a_suspended_person_counts_under_no_name_and_a_reinstated_one_again(suspensions: Suspensions) -> None:
    """By the names of [people] as it is now; without the table by the name itself."""
    assert counted(suspensions, {}) == ["r1", "r2", "r4"]
    suspend(suspensions, "ann@corp.example")
    assert counted(suspensions, {}) == ["r1", "r4"]
    assert counted(suspensions, PEOPLE) == []  # ann and her address are one person; carol is not listed
    assert names_of("ann", suspensions.names(), PEOPLE) == ["ann@corp.example"]
    assert names_of("bob", suspensions.names(), PEOPLE) == []
    suspensions.reinstate("ann", "trained", "owner", PEOPLE)
    assert counted(suspensions, PEOPLE) == ["r1", "r2"]
    assert open_warehouse(suspensions.home, "small").count_corrections("small") == 2
    lines = [(line.action, line.person, line.why, line.labels) for line in suspensions.entries()]
    assert lines == [("suspend", "ann@corp.example", "guesses", 3), ("reinstate", "ann@corp.example", "trained", 0)]


def test_a_second_suspension_is_an_error_and_so_is_a_reinstatement_of_nobody(suspensions: Suspensions) -> None:
    """Each names what stands."""
    suspend(suspensions, "ann")
    with pytest.raises(RatchetError, match="is suspended already"):
        suspend(suspensions, "ann@corp.example", PEOPLE)
    with pytest.raises(RatchetError, match=r"bob is not suspended \(suspended: ann\)"):
        suspensions.reinstate("bob", "why", "owner", PEOPLE)
    suspend(suspensions, "ann@corp.example")  # two names, before [people] said that they are one person
    suspensions.reinstate("ann", "why", "owner", PEOPLE)
    assert suspensions.standing() == {}


def test_nobody_counts_while_the_file_cannot_be_believed(suspensions: Suspensions) -> None:
    """A rollout's other guardrails work on, a cycle ends; the count by which cycles say how far they saw stays."""
    suspend(suspensions, "bob")
    path = suspensions.file.path
    whole = path.read_text()
    path.write_text(whole.replace("bob", "eve"))
    assert counted(suspensions, {}) == []
    assert open_warehouse(suspensions.home, "small").count_corrections("small") == 3
    with pytest.raises(RatchetError, match="does not continue the chain"):
        suspensions.standing()
    path.write_text(whole)
    assert counted(suspensions, {}) == ["r1", "r2", "r4"]
