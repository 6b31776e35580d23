"""`ratchet fetch-base`: download a base model of the Hub by its commit. No other command downloads one.

Add here options and output; which files are allowed is `ratchet/models/hub_cache.py`, the download
`ratchet/workflows/publication/fetch_base.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.session import session_of


def fetch_base(
    context: typer.Context,
    base: Annotated[str, typer.Argument(help="org/name@ and the 40 hex digits of a commit.", show_default=False)],
    json: Json = False,
) -> int:
    """Fetch the files of a base, check them and print their folder; files that are there already are only checked."""
    session = session_of(context)
    from ratchet.models.base_models import resolve_base
    from ratchet.workflows.publication.fetch_base import fetch_base as fetch

    folder = fetch(base, lambda line: say(session, f"fetch: {printable(line)}"))
    result = resolve_base(base)
    if json:
        emit_json({"base": base, "folder": str(folder), "revision": result.revision})
    else:
        emit(f'{base} is in {folder}, content {result.revision[:12]}; name it in classifier.toml: base = "{base}"')
    return 0
