"""Suspension of one person: the signed line, the requests that lose their only label, and the figures of the page.

Each step may be repeated: a kill between two of them is made good by the same command once more. Add here another
consequence of a suspension; who is suspended is `ratchet/review/suspension.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.names import nearest
from ratchet.data.splitting import lookback_start
from ratchet.review.item import RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import SUSPENDED
from ratchet.review.suspension import Suspension, names_of
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_events
from ratchet.storage.review.index_tables import UNANSWERED_SQL
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.answer import person_of
from ratchet.workflows.review.enqueue import enqueue, text_for_people
from ratchet.workflows.review.people import renew_people
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.review.trained_on import LABELLED_SQL, find_trained_adapters

_PEOPLE_SQL = "SELECT DISTINCT person FROM person_corrections WHERE classifier = $classifier ORDER BY person"
_COUNTED_SQL = """
SELECT DISTINCT request_id FROM attributed_corrections WHERE classifier = $classifier AND label IS NOT NULL
"""
_LOST_SQL = """
WITH own AS (
    SELECT DISTINCT ON (request_id) request_id, label, chosen FROM person_corrections
    WHERE classifier = $classifier AND person = $person AND chosen IS DISTINCT FROM 'check'
    ORDER BY request_id, arrived DESC NULLS LAST, ts DESC
), others AS (
    SELECT DISTINCT ON (request_id, person) request_id, label FROM attributed_corrections
    WHERE classifier = $classifier ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC
)
SELECT request_id, text, own.chosen IS NULL OR own.chosen = 'random' AS drawn
FROM own JOIN production_logs logs USING (request_id)
WHERE classifier = $classifier AND own.label IS NOT NULL AND ts >= $since
  AND request_id NOT IN (SELECT request_id FROM others WHERE label IS NOT NULL)
ORDER BY request_id
"""
"""Requests that have no label left, though the person gave one, and whether they had been drawn at random."""


@dataclass(frozen=True)
class SuspensionResult:
    """Outcome of a suspension."""

    person: str
    since: str
    """Time of the line; an earlier one where the person was suspended already."""
    labels: int
    adapters: tuple[Mapping[str, Any], ...]
    queued: int
    """Requests that lost their only label and are asked again."""


def suspend(home: Home, name: str, warehouse: Warehouse, who: str, why: str, actor: str) -> SuspensionResult:
    """Suspend a person and do what follows from it; of one who is suspended already, do what is left.

    Raises `RatchetError` for somebody who has labelled nothing here.
    """
    spec, file = Specs(home)[name], Suspensions(home, name)
    person = _find_person(home, spec, warehouse, who)
    standing = _line_of(file, person, spec)
    if standing is None:
        labels = len(warehouse.frame(LABELLED_SQL, {"classifier": name, "person": person})["request_id"].unique())
        adapters = find_trained_adapters(home, name, warehouse, person)
        file.suspend(person, why, actor, spec.people, labels, adapters)
        standing = _line_of(file, person, spec)
    assert standing is not None  # noqa: S101 - it was written above
    failpoint("suspension.after_line")
    queued = _ask_again(home, name, warehouse, spec, person, datetime.fromisoformat(standing.ts))
    renew_people(home, name, warehouse)
    return SuspensionResult(person, standing.ts, standing.labels, standing.adapters, queued)


def reinstate(home: Home, name: str, warehouse: Warehouse, who: str, why: str, actor: str) -> tuple[str, int]:
    """Let the labels of a person count again; return their name, and the number of requests that need not be asked.

    Of one who is reinstated already, do what is left. Raises `RatchetError` for one of whom nothing is left to do.
    """
    spec, file = Specs(home)[name], Suspensions(home, name)
    person = person_of(spec, who)
    standing = _line_of(file, person, spec) is not None
    if standing:
        file.reinstate(person, why, actor, spec.people)
        failpoint("reinstatement.after_line")
    withdrawn = _ask_no_more(home, name, warehouse, spec)
    if not standing and not withdrawn:
        file.reinstate(person, why, actor, spec.people)  # raises: it says who is suspended
    renew_people(home, name, warehouse)
    return person, withdrawn


def _find_person(home: Home, spec: Spec, warehouse: Warehouse, who: str) -> str:
    name, person = spec.name, person_of(spec, who)
    known = {str(each) for each in warehouse.frame(_PEOPLE_SQL, {"classifier": name})["person"]}
    if person not in known:  # answers of this hour stand in the journal of the gateway, which the queue reads
        queue = ReviewQueue.open(home, name, spec)
        known |= {each for (each,) in queue.index.rows("SELECT DISTINCT person FROM votes")}
        known |= set(map(str, Suspensions(home, name).names()))
        queue.close()
    if person not in known:
        listed = f"People: {', '.join(sorted(known)[:20]) or 'none'}."
        raise RatchetError(
            f"{person} has labelled nothing of {name}.",
            f"{nearest(person, sorted(known))} {listed}".strip(),
            code="no_person",
        )
    return person


def _line_of(file: Suspensions, person: str, spec: Spec) -> Suspension | None:
    standing = file.standing()
    return next((standing[each] for each in names_of(person, standing, spec.people)), None)


def _ask_no_more(home: Home, name: str, warehouse: Warehouse, spec: Spec) -> int:
    """Take the reason from requests that wait for it though a label of theirs counts again; return their number."""
    queue = ReviewQueue.open(home, name, spec)
    waiting = {each for (each,) in queue.index.rows(UNANSWERED_SQL, (SUSPENDED,))}
    queue.close()
    if not waiting:
        return 0
    labelled = waiting & set(map(str, warehouse.frame(_COUNTED_SQL, {"classifier": name})["request_id"]))
    # of the signed lines' clock: a later suspension asks again, whatever the clock of this machine says
    ts = max(line.ts for line in Suspensions(home, name).entries()) if labelled else ""
    events = [{"event": "withdrawn", "request_id": each, "reason": SUSPENDED, "ts": ts} for each in sorted(labelled)]
    append_events(home, name, "commands", events)  # the writer that queued them, so that they are read after that
    return len(events)


def _ask_again(home: Home, name: str, warehouse: Warehouse, spec: Spec, person: str, since: datetime) -> int:
    """Queue the requests of the look-back window that lost their only label, at the time of the suspension.

    Whether a request judges stays as it was chosen then: that this person labelled it says nothing of its answer.
    """
    weeks = warehouse.weeks(name)
    if not weeks:
        return 0
    first = lookback_start(Cycle(name, max(weeks)), spec.window)
    rows = warehouse.frame(_LOST_SQL, {"classifier": name, "person": person, "since": first}).to_dict("records")
    return enqueue(
        home,
        name,
        [
            QueuedRequest(
                str(row["request_id"]), SUSPENDED, since, text_for_people(spec, str(row["text"])),
                RANDOM if row["drawn"] else VALUE,
            )
            for row in rows
        ],
        writer="commands",
    )  # fmt: skip
