"""The words of the help: every command has one sentence, an example and its exit codes.

Add here what all help pages share, and options that several commands take.
"""

from typing import Annotated

import typer

from orchestration.cli import completion
from ratchet.core.names import check_name

EXIT_CODES = {
    0: "done",
    1: "error",
    2: "blocked by a check",
    3: "done, but some rows were rejected",
    64: "wrong usage",
}


def manual(sentence: str, example: str, *codes: int) -> str:
    """A help page; `codes` are the exit codes beside 0, 1 and 64, which every command has."""
    listed = "; ".join(f"{code} {EXIT_CODES[code]}" for code in sorted({0, 1, 64, *codes}))
    return f"{sentence}\n\n\b\nExample:\n  {example}\n\n\b\nExit codes:\n  {listed}"


def _check(context: typer.Context, value: str) -> str:
    return value if context.resilient_parsing else check_name(value)


def _check_optional(context: typer.Context, value: str | None) -> str | None:
    return value if value is None or context.resilient_parsing else check_name(value)


Name = Annotated[str, typer.Argument(help="The classifier.", callback=_check, autocompletion=completion.classifiers)]
OptionalName = Annotated[
    str | None,
    typer.Argument(
        help="The classifier; all of them when left out.",
        callback=_check_optional,
        autocompletion=completion.classifiers,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
