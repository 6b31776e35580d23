"""`ratchet policy`: show how `classifier.toml` differs from the sealed policy, enter it, and wait for the gateways.

The comparison and the entry are `ratchet/workflows/rollout/policy.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json, Name, need_reason
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import session_of


def policy(
    context: typer.Context,
    name: Name,
    why: Annotated[
        str | None,
        typer.Option("--why", metavar="TEXT", help="Enter the file, with this reason; without it, only show."),
    ] = None,
    json: Json = False,
) -> int:
    """Show each setting that differs; with `--why`, seal the file in the ledger, from which on it is in force."""
    home = session_of(context).home
    home.need(name)
    from ratchet.storage.rollout.ledger import Ledger
    from ratchet.workflows.rollout.followers import wait_for_followers
    from ratchet.workflows.rollout.policy import compare_policy, enter_policy, list_unfit

    entry = followers = None
    if why is None:
        found = compare_policy(home, name, Ledger(home).entries(name))
    else:
        found, entry = enter_policy(home, name, need_reason(why))
    entries = Ledger(home).entries(name)
    unfit = list_unfit(home, name, entries)
    if why is not None:  # also where nothing differs: the command may be repeated after it was killed
        followers = wait_for_followers(home, name, entry or entries[-1])
    code = 1 if followers and followers.late else 0
    if json:
        entered = entry.sequence if entry else None
        gateways = followers.as_json() if followers else None
        emit_json({"classifier": name, **found.as_json(), "entry": entered, "gateways": gateways, "notes": unfit})
        return code
    for setting, before, after in found.differences:
        emit(f"{printable(setting)}: {printable(_show(before))} -> {printable(_show(after))}")
    if entry is not None:
        emit(f"in force: classifier.toml as it is now, by entry {entry.sequence} of the ledger")
    elif found.sealed is None:
        emit("nothing is sealed yet: the first promotion, or in a home of before the next entry, seals classifier.toml")
    elif found.differences:
        emit(f"in force is the policy of entry {found.sealed.sequence}; next: ratchet policy {name} --why TEXT")
    else:
        emit(f"in force: classifier.toml as it is now, by entry {found.sealed.sequence} of the ledger")
    for note in (followers.sentence, *unfit) if followers else unfit:
        emit(f"note: {printable(note)}")
    return code


def _show(value: object) -> str:
    return "nothing" if value is None else str(list(value) if isinstance(value, tuple) else value)
