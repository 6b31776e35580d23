"""`ratchet status`: what is live, what is new and what comes next, on one screen.

Add here an option; facts are found by `ratchet/workflows/status.py`, lines are `orchestration/cli/status_output.py`.
"""

import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.help import Checkpoints, Json, OptionalName, PublicKey
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import pin, session_of
from orchestration.cli.status_output import print_check, status_lines

if TYPE_CHECKING:
    pass


def status(
    context: typer.Context,
    name: OptionalName = None,
    public_key: PublicKey = None,
    checkpoint: Checkpoints = None,
    json: Json = False,
    check: Annotated[
        bool, typer.Option("--check", help="Print one line for monitoring; exit code 1 where something is wrong.")
    ] = False,
) -> int:
    """Print what is live, what is new and what comes next."""
    session = session_of(context)
    home = pin(session.home, public_key, checkpoint)
    if name is not None:
        home.need_served(name)
    from ratchet.workflows.status import describe_classifier
    from ratchet.workflows.status_screen import describe_each

    names = [name] if name else home.served()
    if check:
        return print_check(home, names, json=json)
    now = datetime.now(UTC)
    # of a classifier that was named the error itself is the answer; among all it is its row, beside the others
    result = [describe_classifier(home, name, now)] if name else describe_each(home, names, now)
    code = 1 if any("error" in each for each in result) else 0
    # A home that does not exist yet has the free space of its disk.
    free = shutil.disk_usage(home.root if home.root.is_dir() else home.root.anchor).free
    if json:
        emit_json({"home": str(home.root), "disk_free_bytes": free, "classifiers": result})
        return code
    emit(f"home {home.root}, {free / 1e9:.1f} GB free")
    for each in result:
        emit("\n" + "\n".join(status_lines(session, each)))
    if not result:
        emit("no classifier yet; next: ratchet init NAME --labels a,b,c, or: ratchet demo")
    return code
