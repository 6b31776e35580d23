"""`ratchet predict`: classify a file of texts.

Add here an option; files are read and written by `orchestration/cli/predict_files.py`, rows are classified by
`ratchet/workflows/predict_file.py`.
"""

from typing import Annotated

import typer

from orchestration.cli import completion, predict_files
from orchestration.cli.help import Name
from orchestration.cli.output import say
from orchestration.cli.session import session_of

_REJECTED = 3
_INPUT = 'Rows with a text, in any form that ingest takes; - is standard input, with {"text": ...} a line.'
_OUTPUT = "File for the answers, JSON lines; - is standard output."


def predict(
    context: typer.Context,
    name: Name,
    source: Annotated[str, typer.Option("--input", metavar="FILE", help=_INPUT)],
    target: Annotated[str, typer.Option("--output", metavar="FILE", help=_OUTPUT)],
    adapter: Annotated[
        str,
        typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters),
    ] = "live",
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="text=THEIRS", help="Your name of the column of texts.")
    ] = None,
) -> int:
    """Classify every row: keep its keys and add label, confidence and probabilities.

    The output file appears only when complete, never over the input and never with no row in it. A label that a row
    has is kept as given_label. Lines that cannot be classified are skipped and listed on stderr.
    """
    session, home = session_of(context), session_of(context).home
    home.need(name)
    column = predict_files.read_text_column(columns or [])
    from ratchet.storage.registry.adapters import AdapterStore
    from ratchet.storage.specs import Specs
    from ratchet.workflows.predict_file import predict_rows
    from ratchet.workflows.resolve_adapter import find_adapter

    spec, digest = Specs(home)[name], find_adapter(home, name, adapter)
    skipped, rows = predict_files.check_source(source), predict_files.read_source(source)
    with predict_files.open_target(source, target) as output:
        from ratchet.models.inference.predictor import load_predictor

        predictor = load_predictor(AdapterStore(home).open(name, digest))
        answered, bad = predict_files.write_answers(predict_rows(predictor, rows, spec.max_text_chars, column), output)
    if kept := predict_files.need_answers(source, target, answered, bad):
        say(session, kept)
        return _REJECTED
    where = "standard output" if target == "-" else target
    say(session, f"{answered} row(s) classified by adapter {digest[:12]}, {bad} rejected; the answers are in {where}")
    predict_files.name_skipped(session, skipped)
    return _REJECTED if bad or skipped else 0
