"""`ratchet people`: figures of the people who label, and the suspension of one.

Add here another choice of figures; what is printed is in `orchestration/cli/review/`, the steps are
`ratchet/workflows/review/people.py` and `suspend.py` beside it.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from orchestration.cli.help import Json, LoggedWhy, Name, need_reason
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.review.people_output import describe_people
from orchestration.cli.review.suspension import change_suspension
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError


def people(
    context: typer.Context,
    name: Name,
    week: Annotated[
        str | None, typer.Option("--week", help="Only answers given in this week: its Monday, ISO week or latest.")
    ] = None,
    suspend: Annotated[
        str | None, typer.Option("--suspend", metavar="WHO", help="Let no label of this person count from now on.")
    ] = None,
    reinstate: Annotated[
        str | None, typer.Option("--reinstate", metavar="WHO", help="Let the labels of this person count again.")
    ] = None,
    why: LoggedWhy = None,
    json: Json = False,
) -> int:
    """Print labels, agreement and seconds of each person, by name; or suspend or reinstate one."""
    home = session_of(context).home
    home.need(name)
    if suspend is not None and reinstate is not None:
        raise UsageError("--suspend and --reinstate together.", "Give one of them.", code="usage")
    if suspend is None and not home.has_rows(name):
        raise RatchetError(f"{name} has no rows yet.", f"Ingest rows: 'ratchet ingest {name}'.", code="no_week")
    from ratchet.core.cycle import choose_week, need_known, parse_week
    from ratchet.ingest.rebuild import open_warehouse
    from ratchet.workflows.review.people import renew_people
    from ratchet.workflows.try_intake import try_intake

    warehouse = open_warehouse(home, name)
    if remark := try_intake(home, name, warehouse):
        emit(printable(remark)) if not json else None
    if suspend is not None or reinstate is not None:
        return change_suspension(home, name, warehouse, suspend, reinstate, need_reason(why), json)
    document = renew_people(home, name, warehouse)
    if week is not None:
        known = {parse_week(each["week"]) for person in document["people"] for each in person["weeks"]}
        cycle = choose_week(name, week, known)
        need_known(cycle, known, "answer")
        document = only_week(document, str(cycle.week))
    if json:
        emit_json(document)
        return 0
    emit("\n".join(describe_people(document)))
    return 0


def only_week(document: Mapping[str, Any], week: str) -> dict[str, Any]:
    """Return the document with the figures of one week alone; confusions stay, each with its week."""
    weekly = [each for person in document["people"] for each in person["weeks"] if each["week"] == week]
    return {**document, "week": week, "people": weekly}
