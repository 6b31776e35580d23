"""Answers that do not come through the gateway: they land as corrections, in the name of a person.

`land_corrections` is the one door of import and Label Studio; that of the terminal is
`ratchet/storage/review/local_answers.py`, that of the gateway its journal. Add here how a person is found for a name.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratchet.config.people import find_person
from ratchet.config.spec import Spec
from ratchet.core.current_user import current_user
from ratchet.core.errors import RatchetError
from ratchet.core.person_names import BadNameError, normalise_name
from ratchet.storage.home import Home
from ratchet.storage.review.local_answers import land_rows


def land_corrections(home: Home, name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Land corrections as one segment, durable on return; the same rows give the same file. Raises OSError."""
    return land_rows(home, name, rows)


def person_of(spec: Spec, name: str) -> str:
    """Return the person whom a name or mail address stands for; raises `RatchetError` where there is none."""
    try:
        form = normalise_name(name)
    except BadNameError as error:
        raise RatchetError(
            f"the name {name[:60]!r} {error}.", "Write the name in letters of one script.", code="bad_name"
        ) from None
    person = find_person(spec.people, form)
    if person is None:
        raise RatchetError(
            f"{form[:60]!r} is not in [people] of classifier.toml, so their labels would not count.",
            f"Add them to [people], or give a name that stands there: {', '.join(spec.people)}."[:300],
            code="not_listed",
        )
    return person


def local_annotator(spec: Spec) -> str:
    """Return the person of the operating system's user; raises `RatchetError` where `[people]` does not list them."""
    return person_of(spec, current_user())
