"""Writer of docs/reference/commands.md: every command of `ratchet`, from the same declarations as its help.

Run `python -m benchmarks.commands_page` (`make reference`). A new command is found automatically.
"""

import sys
from collections.abc import Iterator
from typing import Any

import typer

from benchmarks.settings_page import ROOT
from orchestration.cli.app import app
from orchestration.cli.help import EXIT_CODES
from orchestration.cli.registry import GROUPS

PAGE = "docs/reference/commands.md"
_INTRO = """# Commands

Every command of `ratchet`, its options and its exit codes. `make reference` writes this page from the declarations that
`ratchet COMMAND --help` prints; a test fails when it is out of date. `--home DIR`, `--quiet`, `--yes`, `--no-input`,
`--no-color` and `--debug` may stand before or after every command. Data goes to standard output, all else to standard
error; `--json` prints one document.

## Exit codes

| code | meaning |
|---|---|
"""


def render() -> str:
    """Return the page."""
    lines = [_INTRO + "\n".join(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()), ""]
    group: Any = typer.main.get_command(app)
    for title, commands in GROUPS.items():
        lines += [f"## {title}", ""]
        for command in commands:
            lines += [f"### ratchet {command.name}", "", command.sentence, "", "```", command.example, "```", ""]
            options = list(_options(group.commands[command.name]))
            if options:
                lines += ["| option | meaning |", "|---|---|", *options, ""]
            codes = ", ".join(f"{code} ({EXIT_CODES[code]})" for code in sorted({0, 1, 64, *command.exit_codes}))
            lines += [f"Exit codes: {codes}.", ""]
    return "\n".join(lines).rstrip() + "\n"


def _options(command: Any) -> Iterator[str]:
    """Yield a row of the table for each argument and option."""
    for parameter in command.params:
        if parameter.name == "help":
            continue
        is_option = parameter.param_type_name == "option"
        name = ", ".join(parameter.opts) if is_option else str(parameter.name).upper()
        if is_option and not parameter.is_flag:
            name += f" {parameter.metavar or str(parameter.name).upper()}"
        words = " ".join(str(getattr(parameter, "help", "") or "").split())
        if parameter.required:
            words = f"{words} Required." if words else "Required."
        elif parameter.default not in (None, False, (), [], "") and not callable(parameter.default):
            words += f" Default: {parameter.default}."
        yield f"| `{name}` | {words.strip().replace('|', chr(92) + '|')} |"


def main() -> int:
    """Write the page."""
    (ROOT / PAGE).write_text(render(), encoding="utf-8")
    print(f"{PAGE}: {sum(map(len, GROUPS.values()))} commands")
    return 0


if __name__ == "__main__":
    sys.exit(main())
