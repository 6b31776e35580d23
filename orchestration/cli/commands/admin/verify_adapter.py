"""`ratchet verify-adapter`: is an adapter that somebody else made exactly an adapter, and what does it answer?

Add here how it is asked for and shown; what is looked at is `ratchet/workflows/publication/verify_adapter.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.session import session_of


def verify_adapter(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="FOLDER|ORG/NAME@COMMIT", help="A folder, or a commit of the Hub by its 40 hex digits."),
    ],
    classifier: Annotated[
        str,
        typer.Option(
            "--for", metavar="NAME", help="A classifier of yours: its labels are compared, its golden set is asked."
        ),
    ] = "",
    base: Annotated[
        str,
        typer.Option(
            "--base", metavar="BASE", help="The base model here, where the adapter names another machine's folder."
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Fetch it where it is on the Hub, look at it before it is loaded, try it in a confined process; keep nothing."""
    session = session_of(context)
    from ratchet.storage.specs import Specs
    from ratchet.workflows.publication.verify_adapter import Wanted
    from ratchet.workflows.publication.verify_adapter import verify_adapter as verify

    wanted = Wanted()
    if classifier:
        session.home.need(classifier)
        specs = Specs(session.home)
        wanted = Wanted(specs[classifier].labels, specs.golden(classifier))
    result = verify(source, wanted, lambda line: say(session, printable(line)), base=base)
    if json:
        emit_json(
            {
                "source": source,
                "holds": True,
                "adapter": result.digest,
                "family": result.card.family,
                "method": result.card.method,
                "base": result.card.base,
                "labels": list(result.card.labels),
                "findings": [vars(each) for each in result.findings],
                "figures": result.figures,
            }
        )
        return 0
    for each in result.findings:
        emit(f"ok    {each.what}: {printable(each.said)}")
    emit(f"adapter {result.digest[:12]} is what it says; nothing was kept")
    return 0
