"""`ratchet replay`: evidence for a rollout from logged requests, where an adapter cannot shadow.

Add here options; which requests are fair to use is decided in `ratchet/workflows/rollout/replay.py`.
"""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of


def replay(
    context: typer.Context,
    name: Name,
    since: Annotated[datetime, typer.Option("--since", formats=["%Y-%m-%d"], help="First day of the logs to replay.")],
    adapter: Annotated[
        str,
        typer.Option(
            "--adapter", metavar="D", help="A digest or its first digits.", autocompletion=completion.adapters
        ),
    ],
    limit: Annotated[int, typer.Option("--limit", help="At most this many requests, the newest ones.", min=1)] = 5000,
    json: Json = False,
) -> int:
    """Classify logged requests by live and by the adapter, neither trained on them; keep the pairs as evidence."""
    home = session_of(context).home
    home.need(name)
    from ratchet.ingest.rebuild import open_warehouse
    from ratchet.storage.registry.adapters import AdapterStore
    from ratchet.storage.rollout.shadow_pairs import Pairs
    from ratchet.workflows.rollout.live_labels import read_meanings
    from ratchet.workflows.rollout.replay import replay as run

    digest = AdapterStore(home).find(name, adapter)
    made = run(home, name, digest, since.replace(tzinfo=UTC), limit=limit)
    (evidence,) = Pairs(home, open_warehouse(home, name), partial(read_meanings, home)).count(name, made.compared, 0)
    if json:
        emit_json({"classifier": name, "pairs": made.pairs, "counts": made.counts, "evidence": evidence.as_json()})
        return 0
    emit(f"{made.pairs} pairs of {made.compared[0][:12]} (live) and {digest[:12]}")
    alone = f"only live correct on {evidence.only_incumbent}, only the adapter on {evidence.only_challenger}"
    emit(f"{evidence.disagreements} answers differ; {evidence.labelled} pairs are labelled: {alone}")
    emit(
        f"next: ratchet advance {name}, which asks for the labels that these pairs lack"
        if made.counts
        else "no evidence for a rollout: that adapter is not in the shadow slot"
    )
    return 0
