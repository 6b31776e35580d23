"""`ratchet log`: one list of every change of keys, policy, quarantine, people, kill switch and rollout.

Add here options and columns; the files that record changes are read by `ratchet/workflows/log.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError


def log(
    context: typer.Context,
    name: Name,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind", metavar="KIND", help="Only keys, policy, quarantine, people, kill, rollout or reads; repeatable."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Print who changed what, when and why, oldest first. Every file that can be read is; a broken one is exit 1."""
    home = session_of(context).home
    home.need(name)
    from ratchet.core.names import nearest
    from ratchet.workflows.log import KINDS, read_log

    for each in kind or ():
        if each not in KINDS:
            hint = f"{nearest(each, KINDS)} Kinds: {', '.join(KINDS)}.".strip()
            raise UsageError(f"unknown kind {each[:40]!r}.", hint, code="bad_kind")
    found = read_log(home, name, kind or ())
    if json:
        emit_json(
            {
                "classifier": name,
                "entries": [each.as_json() for each in found.entries],
                "faults": list(found.faults),
                "notes": list(found.notes),
            }
        )
        return 1 if found.faults else 0
    rows = [
        {
            "time": each.ts,
            "kind": each.kind,
            "event": each.event,
            "by": each.actor,
            "signed": "yes" if each.signed else "no",
            "what": each.what,
            "why": each.why or "-",
        }
        for each in found.entries
    ]
    emit(table(rows) if rows else "nothing was changed yet")
    for note in found.notes:
        emit(f"note: {printable(note)}")
    if found.faults:
        raise RatchetError(
            f"{len(found.faults)} of the files behind this list cannot be believed: {' '.join(found.faults)}",
            "Restore them from a backup.",
            code="broken_log",
        )
    return 0
