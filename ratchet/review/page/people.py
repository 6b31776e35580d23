"""Page of the people who label: the document of `people.json` in, one HTML document out, everything escaped.

Nobody is ranked: people stand by name. Add here what the template shows; the figures come from
`ratchet/review/people_figures.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jinja2

from ratchet.core.errors import RatchetError
from ratchet.review.page.rendering import render
from ratchet.review.page.views import Message, ReviewFrame, write_age

OLD = timedelta(days=8)
"""Age from which on figures count as old: a cycle a week writes them."""


@dataclass(frozen=True)
class PersonRow:
    """Figures of one person, in all weeks or in one, ready to read."""

    name: str
    week: str
    labels: int
    without_label: int
    others: str
    checks: str
    seconds: str
    suspended: bool


def read_texts(document: Mapping[str, Any]) -> list[str]:
    """Return the requests whose texts the page shows; raises `RatchetError` for a document of another shape."""
    try:
        return [
            str(each["request_id"])
            for pair in document["confusions"]
            for confusion in pair["confusions"]
            for side in confusion["sides"]
            for each in side
        ]
    except (KeyError, TypeError):
        raise RatchetError("the figures of people are of another shape.", code="bad_people") from None


def render_people(
    frame: ReviewFrame, document: Mapping[str, Any] | None, now: datetime, environment: jinja2.Environment | None = None
) -> str:
    """Render the page; without a document it says how to make one."""
    people = [(_row(each), [_row(week) for week in each["weeks"]]) for each in document["people"]] if document else []
    return render(
        "people.html.j2", environment, frame=frame, people=people, message=_describe_age(frame, document, now),
        confusions=document["confusions"] if document else [], note=document["note"] if document else "",
        least=document["least"] if document else 0,
    )  # fmt: skip


def _describe_age(frame: ReviewFrame, document: Mapping[str, Any] | None, now: datetime) -> Message:
    renew = f"Each cycle writes them, and 'ratchet people {frame.classifier}'."
    if document is None:
        return Message("No figures were written yet.", renew, "open")
    made = datetime.fromisoformat(str(document["generated_at"]))
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    age = write_age(made, now)
    return Message(f"The figures are {age} old.", renew, "open" if now - made > OLD else "")


def _row(found: Mapping[str, Any]) -> PersonRow:
    seconds = found["seconds"]
    return PersonRow(
        str(found["person"]),
        str(found["week"] or ""),
        int(found["labels"]),
        int(found["without_label"]),
        _describe(found["with_others"]),
        _describe(found["with_checks"]),
        f"{seconds:.1f}" if seconds is not None else "not enough to say",
        bool(found["suspended"]),
    )


def _describe(found: Mapping[str, Any]) -> str:
    n, share = int(found["requests"]), found["share"]
    if share is None:
        return f"not enough to say ({n})"
    low, high = found["interval"]
    return f"{share:.0%} of {n} ({low:.0%} to {high:.0%})"
