"""`ratchet sample`: the sample classifier with simulated weeks, ready for a cycle of minutes.

Add here options and output; what the home holds is `ratchet/workflows/sample.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import session_of


def sample(
    context: typer.Context,
    requests: Annotated[
        int, typer.Option("--requests", metavar="N", help="Simulated requests, over all weeks.")
    ] = 4000,
    weeks: Annotated[int, typer.Option("--weeks", metavar="N", help="Weeks over which they are spread.")] = 4,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Another seed gives other requests.")] = 7,
    json: Json = False,
) -> int:
    """Make the sample classifier and its weeks, and print the next commands."""
    session = session_of(context)
    from ratchet.workflows.sample import make_sample

    say(session, f"sample: simulating {requests} requests over {weeks} weeks, and their corrections")
    made = make_sample(session.home, requests, weeks, seed)
    name, last = made.folder.name, max(made.weeks)
    ratchet = f"ratchet --home {session.home.root}"
    following = [
        f"{ratchet} ingest {name}",
        f"{ratchet} cycle {name} --week {last} --plan",
        f"{ratchet} cycle {name} --week {last}",
        f"{ratchet} report {name} --week {last}",
    ]
    if json:
        counts = {str(week): count for week, count in made.weeks.items()}
        emit_json({"classifier": name, "folder": str(made.folder), "weeks": counts, "next": following})
        return 0
    emit(f"Made the sample classifier {name} with {requests} simulated requests in {len(made.weeks)} weeks.")
    emit("\n".join(f"  {week}  {count} requests" for week, count in made.weeks.items()))
    emit(f"Undo: rm -r {made.folder}\nNext:")
    emit("\n".join(f"  {line}" for line in following))
    return 0
