"""The `ratchet` command: its common options and its exit codes. Errors are printed by `errors.py`.

Add a command as a file of its own in the folder of its group and list it in `registry.py`. Importing this module
must stay fast: nothing heavier than Typer comes in before a command runs; a test holds this.
"""

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from orchestration.cli import arguments, output
from orchestration.cli.commands.look.status import status
from orchestration.cli.errors import describe_crash, print_error
from orchestration.cli.help import EXIT_CODES, grouped
from orchestration.cli.registry import GROUPS
from orchestration.cli.session import Session, need_folder, open_home, session_of
from ratchet.core.errors import RatchetError
from ratchet.core.process_lifetime import run_process
from ratchet.storage.home_rights import follow_home_rights

INTERRUPTED = 130
_DECIDES = frozenset(command.name for command in GROUPS["Rollout"])
"""Commands after which the home page is another."""
MAKES_HOMES = frozenset({"init", "demo", "sample"})
"""Commands that may be given a home that does not exist yet; for every other one it is a slip of the pen."""

app = typer.Typer(
    cls=grouped(GROUPS),
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExit codes:\n  " + "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()),
)
for commands in GROUPS.values():
    for command in commands:
        app.command(command.name, help=command.page)(command.run)


@app.callback(
    invoke_without_command=True,
    help="Retrains a text classifier every week from its own feedback, and promotes it only when the evidence is good"
    " enough.\n\n"
    "\b\nExample:\n  ratchet demo\n\nThese options may also stand after the command.",
)
def begin(
    context: typer.Context,
    home: Annotated[
        str | None,
        typer.Option(
            "--home", metavar="DIR", help="Folder of all data; default: RATCHET_HOME, else the nearest data/."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print only errors on standard error.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Answer yes to every question.")] = False,
    no_input: Annotated[
        bool, typer.Option("--no-input", help="Never ask: fail instead, and name the option that answers.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colour; as NO_COLOR or TERM=dumb.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> int | None:
    """Keep the options of every command; with no command, show the status of the nearest home."""
    context.obj = Session(open_home(home), debug, quiet, no_input, yes, no_color)
    if home is not None and context.invoked_subcommand not in MAKES_HOMES:
        need_folder(home)
    follow_home_rights(session_of(context).home.root)
    if context.invoked_subcommand is not None:
        return None
    if session_of(context).home.classifiers():
        return status(context)
    output.emit(context.get_help())
    return 0


def main(words: Sequence[str] | None = None) -> int:
    """Run `words` and return the exit code, or run this process's command line and end the process with it.

    Never raises an `Exception`.
    """
    if words is None:
        run_process(_run_process_line)
    return _run(list(words))


def _run_process_line() -> int:
    code = _run(sys.argv[1:])
    if "--debug" not in sys.argv:
        output.hush()
    return code


def _run(words: list[str]) -> int:
    try:
        arguments.check(words)
        decided = _date_ledgers(words)
        code = typer.main.get_command(app).main(arguments.hoist(words), prog_name="ratchet", standalone_mode=False)
        if decided != _date_ledgers(words):
            _refresh_home_page(words)
        sys.stdout.flush()
    except RatchetError as error:
        return print_error(error, words)
    except typer.TyperException as error:
        return print_error(arguments.explain(error), words)
    except typer.Abort:
        return print_error(
            RatchetError("nothing was done.", "Answer the question, or give --yes.", code="aborted"), words
        )
    except BrokenPipeError:
        output.abandon_output()
        return 0
    except SystemExit as stop:  # Typer ends so after completion, and when the reader of its help page goes away
        return _code(stop.code) if "--help" not in words else 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the edge: any failure is one sentence
        return print_error(describe_crash(error, arguments.named_home(words)), words)
    return _code(code)


def _date_ledgers(words: list[str]) -> dict[str, int]:
    """Return the times of the ledgers of the home, where the command may write one."""
    if _DECIDES.isdisjoint(words):
        return {}
    return {str(path): path.stat().st_mtime_ns for path in arguments.named_home(words).glob("*/ledger.jsonl")}


def _refresh_home_page(words: list[str]) -> None:
    """Write the home page anew after a decision on a rollout; imported only then, since help is instant."""
    from ratchet.workflows.overview.home_file import write_home_page

    home = open_home(str(arguments.named_home(words)))
    if home.root.is_dir():
        write_home_page(home)


def _code(found: object) -> int:
    return found if isinstance(found, int) else 0


if __name__ == "__main__":
    sys.exit(main())
