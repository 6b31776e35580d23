"""The page of all commands is what their declarations say."""

from benchmarks.commands_page import PAGE, render
from benchmarks.settings_page import ROOT
from orchestration.cli.registry import GROUPS


def test_the_page_is_what_the_declarations_say() -> None:
    """`make reference` updates it after a command, an option or a sentence was changed."""
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(), "run 'make reference'"


def test_every_command_is_on_it() -> None:
    """With its example and its exit codes."""
    page = render()
    for commands in GROUPS.values():
        for command in commands:
            assert f"### ratchet {command.name}\n" in page
            assert command.example in page
