"""`ratchet people`: figures of the people who label, and the suspension of one.

Add here how a figure is printed; figures are made in `ratchet/workflows/review/people.py`, suspensions in `suspend.py`
beside it.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.help import Json, LoggedWhy, Name, need_reason
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError

if TYPE_CHECKING:
    from ratchet.storage.home import Home
    from ratchet.storage.warehouse import Warehouse


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
        return _change(home, name, warehouse, suspend, reinstate, need_reason(why), json)
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


def describe_people(document: Mapping[str, Any]) -> list[str]:
    """Return the lines of the terminal. People stand by name, not by figure."""
    if not document["people"]:
        return ["nobody has labelled yet"]
    lines = [table([_row(each) for each in document["people"]])]
    if document["note"]:
        lines.append(f"note: {printable(document['note'])}")
    for pair in document["confusions"]:
        first, second = map(printable, pair["people"])
        labels = ", ".join(
            f"{printable(a)} / {printable(b)} {each['requests']}"
            for each in pair["confusions"]
            for a, b in [each["labels"]]
        )
        lines.append(f"{first} and {second} differ on {pair['disagreed']} of {pair['doubles']}: {labels}")
    if document["confusions"]:
        lines.append(f"their texts side by side: /review/{document['classifier']}/people at the gateway, or --json")
    return lines


def _row(person: Mapping[str, Any]) -> dict[str, Any]:
    seconds = person["seconds"]
    return {
        "person": f"{person['person']} (suspended)" if person["suspended"] else person["person"],
        "labels": person["labels"],
        "no label": person["without_label"],
        "agrees with others": describe_agreement(person["with_others"]),
        "with checks": describe_agreement(person["with_checks"]),
        "seconds": f"{seconds:.1f}" if seconds is not None else "not enough to say",
    }


def describe_agreement(found: Mapping[str, Any]) -> str:
    """Return a share with its interval, or that there is not enough to say."""
    n = found["requests"]
    if found["share"] is None:
        return f"not enough to say ({n})"
    low, high = found["interval"]
    return f"{found['share']:.0%} of {n} ({low:.0%} to {high:.0%})"


def _change(
    home: "Home", name: str, warehouse: "Warehouse", who: str | None, again: str | None, why: str, json: bool
) -> int:
    from ratchet.core.current_user import current_user
    from ratchet.workflows.review.suspend import reinstate, suspend

    file = str(home.review(name) / "suspensions.jsonl")
    if who is None:
        person, withdrawn = reinstate(home, name, warehouse, str(again), why, current_user())
        if json:
            emit_json({"classifier": name, "person": person, "suspended": False, "withdrawn": withdrawn, "file": file})
            return 0
        emit(f"the labels of {printable(person)} count again; recorded in {file}")
        emit(f"{withdrawn} request(s) that have a label again are not asked any more")
        emit(f"next: ratchet cycle {name} --week latest")
        return 0
    found = suspend(home, name, warehouse, who, why, current_user())
    if json:
        emit_json({"classifier": name, **vars(found), "suspended": True, "file": file})
        return 0
    emit(f"no label of {printable(found.person)} counts since {found.since} ({found.labels} requests); in {file}")
    emit(f"{found.queued} request(s) that lost their only label are asked again: ratchet review {name}")
    emit("\n".join(_describe_adapters(found.adapters)))
    emit(f"next: ratchet cycle {name} --week latest; labels that served as evidence count no more from now on")
    return 0


def _describe_adapters(adapters: Sequence[Mapping[str, Any]]) -> list[str]:
    if not adapters:
        return ["no adapter trained on these labels"]
    rows = [
        {
            "adapter": str(each["adapter"])[:12],
            "week": each["week"],
            "slot": each["slot"] or "-",
            "examples of this person": "not known, the week ran again"
            if each["examples"] is None
            else f"{each['examples']} of {each['of']}",
        }
        for each in adapters
    ]
    return ["adapters that trained on these labels:", table(rows)]
