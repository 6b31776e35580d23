"""Help pages of the commands, and options that several commands share.

Add here what all help pages share; the list of commands is `registry.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from orchestration.cli import completion
from ratchet.core.errors import UsageError
from ratchet.core.names import check_name

EXIT_CODES = {
    0: "done",
    1: "error",
    2: "blocked by a check",
    3: "done, but some rows were rejected",
    64: "wrong usage",
}


@dataclass(frozen=True)
class Command:
    """Command with its function, one sentence, an example, and its exit codes besides 0, 1 and 64, which all have."""

    run: Callable[..., int]
    sentence: str
    example: str
    exit_codes: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name on the command line."""
        return self.run.__name__.replace("_", "-")

    @property
    def page(self) -> str:
        """Help page: the sentence, the example and the exit codes."""
        listed = "; ".join(f"{code} {EXIT_CODES[code]}" for code in sorted({0, 1, 64, *self.exit_codes}))
        return f"{self.sentence}\n\n\b\nExample:\n  {self.example}\n\n\b\nExit codes:\n  {listed}"


def grouped(groups: Mapping[str, Sequence[Command]]) -> type[TyperGroup]:
    """Return the class of a Typer application whose help lists its commands by group, each sentence in full."""

    class GroupedHelp(TyperGroup):
        def list_commands(self, ctx: Any) -> list[str]:
            return [command.name for commands in groups.values() for command in commands]

        def format_commands(self, ctx: Any, formatter: Any) -> None:
            for title, commands in groups.items():
                with formatter.section(title):
                    formatter.write_dl([(command.name, command.sentence) for command in commands])

    return GroupedHelp


def _check(context: typer.Context, value: str) -> str:
    return value if context.resilient_parsing else check_name(value)


def _check_optional(context: typer.Context, value: str | None) -> str | None:
    return value if value is None or context.resilient_parsing else check_name(value)


Name = Annotated[str, typer.Argument(help="The classifier.", callback=_check, autocompletion=completion.classifiers)]
OptionalName = Annotated[
    str | None,
    typer.Argument(
        help="The classifier; default: all of them.",
        callback=_check_optional,
        autocompletion=completion.classifiers,
    ),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, recorded in the ledger.")]
DuringFreeze = Annotated[
    bool,
    typer.Option("--during-freeze", help="Go on in a freeze window of settings.toml; say why."),
]
LoggedWhy = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="The reason, recorded in ratchet log.")]
Week = Annotated[
    str,
    typer.Option(
        "--week",
        autocompletion=completion.weeks,
        help="Its Monday (2026-02-23), its ISO week (2026-W09), latest or current.",
    ),
]
CandidateAdapter = Annotated[
    str | None,
    typer.Option(
        "--adapter",
        metavar="D",
        help="A digest or its first digits; default: the newest.",
        autocompletion=completion.adapters,
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--public-key", metavar="FILE", help="The key to trust; default: RATCHET_PUBLIC_KEY, else the home's."
    ),
]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option(
        "--checkpoint", metavar="FILE", help="A checkpoint.txt that was kept elsewhere; default: RATCHET_CHECKPOINT."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]


def need_reason(why: str | None) -> str:
    """Return `why`, or raise `UsageError` where it is missing or empty."""
    if why is None:
        raise UsageError("--why is missing.", "Give the reason in one sentence: --why TEXT.", code="usage")
    if not why.strip():
        raise UsageError("--why is empty.", "Give the reason in one sentence.", code="usage")
    return why
