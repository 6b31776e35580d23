"""`ratchet verify-adapter`: inspect a third-party adapter and test it in a sandbox.

Add here options and output; the checks are `ratchet/workflows/publication/verify_adapter.py`.
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
            "--for", metavar="NAME", help="One of your classifiers: compare its labels, test on its golden set."
        ),
    ] = "",
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="BASE",
            help="The base model on this machine, where the adapter names a folder of another.",
        ),
    ] = "",
    json: Json = False,
) -> int:
    """Fetch it if it is on the Hub, inspect it before it is loaded, test it in a sandbox; keep nothing."""
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
                "findings": [each.as_json() for each in result.findings],
                "figures": result.figures,
            }
        )
        return 0
    for each in result.findings:
        finding = printable(each.detail)
        emit(f"ok    {each.what}: {finding}")
    emit(f"adapter {result.digest[:12]} passed every check; nothing was kept")
    return 0
