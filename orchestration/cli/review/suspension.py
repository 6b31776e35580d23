"""Suspension of a person by `ratchet people`, and what it says about labels and adapters.

Add here a line about what a suspension changed; its steps are `ratchet/workflows/review/suspend.py`.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestration.cli.output import emit, emit_json, printable, table

if TYPE_CHECKING:
    from ratchet.storage.home import Home
    from ratchet.storage.warehouse import Warehouse


def change_suspension(
    home: "Home", name: str, warehouse: "Warehouse", who: str | None, again: str | None, why: str, json: bool
) -> int:
    """Let the labels of `who` count nowhere, or those of `again` count once more; print what followed."""
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
