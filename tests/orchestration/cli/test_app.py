"""Tests of the command as a whole: its help, its exit codes, its two streams."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from orchestration.cli.app import app
from orchestration.cli.registry import GROUPS

Call = Callable[..., Any]
HEAVY = (
    "torch",
    "mapie",
    "peft",
    "transformers",
    "dagster",
    "great_expectations",
    "duckdb",
    "pandas",
    "numpy",
    "sklearn",
    "rich",
    "jinja2",
    "pydantic",
)
COMMANDS = (
    "demo", "init", "sample", "docs", "ingest", "cycle", "report", "predict", "status", "doctor", "promote", "key",
    "keys",
    "serve",
    "shadow", "unquarantine",
    "advance", "hold", "rollback", "kill", "policy", "replay", "verify", "verify-adapter", "export", "fetch-base",
    "gate-key",
    "explain", "log", "why", "dropped", "history", "gates", "backtest",
    "sweep", "dataset", "labels", "people", "review",
    "publish", "teach", "alerts", "lineage",
)  # fmt: skip


def pages() -> dict[str, Any]:
    """Every command by name."""
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_every_command_of_the_design_is_there() -> None:
    """These, and no other."""
    assert sorted(pages()) == sorted(COMMANDS)


def test_the_help_lists_every_command_in_its_group_with_the_whole_sentence(call: Call) -> None:
    """Groups in their order, and every sentence to its end."""
    shown = call("--help").out
    titles = [line[:-1] for line in shown.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert titles == ["Options", "Start", "Every week", "Review", "Rollout", "Serve", "Look", "Admin"]
    words = " ".join(shown.split())
    for commands in GROUPS.values():
        assert all(f"{command.name} {command.sentence}" in words for command in commands)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.feature(3)
def test_every_help_page_has_a_sentence_an_example_and_its_exit_codes(call: Call, name: str) -> None:
    """A newcomer can live on the help page."""
    shown = call(name, "--help")
    assert shown.code == 0
    assert f"ratchet {name}" in shown.out
    assert "Example:" in shown.out
    assert "Exit codes:" in shown.out
    assert "64 wrong usage" in shown.out
    assert "1 error" in shown.out
    sentence = pages()[name].help.split("\n\n")[0]
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0
    undocumented = [p.name for p in pages()[name].params if not getattr(p, "help", None)]
    assert not undocumented


@pytest.mark.feature(2)
def test_help_imports_nothing_heavy() -> None:
    """`ratchet --help` answers at once because it loads neither torch nor any other large package."""
    code = (
        "import sys; from orchestration.cli.app import main; code = main(['--help']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert done.stderr.strip() == "[]"
    assert "Retrains a text classifier" in done.stdout


@pytest.mark.feature(7)
def test_a_reader_that_goes_away_is_no_error(made_home: Path) -> None:
    """`ratchet status --json | head -1` leaves with 0 and says nothing on standard error."""
    command = (
        f"{sys.executable} -m orchestration.cli.app --home {made_home} status --json | head -1; exit ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "{\n"


@pytest.mark.parametrize(
    "setting", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=str
)
def test_a_terminal_that_cannot_print_a_label_gets_an_escape(tmp_path: Path, setting: dict[str, str]) -> None:
    """No traceback and no lost line; JSON stays JSON, and an error that names the label is one sentence."""
    golden = tmp_path / "golden.jsonl"
    labels = ("gr\u00f6\u00dfe", "\u5305\u88f9")
    golden.write_text("".join(json.dumps({"text": f"text {label}", "label": label}) + "\n" for label in labels))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "orchestration.cli.app", "--home", str(tmp_path / "home"), *words]
        return subprocess.run(command, env={**os.environ, **setting}, capture_output=True, text=True, check=False)

    shown = run("init", "plain", "--labels-from", str(golden))
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "2 labels: gr\\xf6\\xdfe, \\u5305\\u88f9." in shown.stdout
    data = run("init", "data", "--labels-from", str(golden), "--json")
    assert json.loads(data.stdout)["labels"] == list(labels)
    failed = run("init", "other", "--labels", "gr\u00f6\u00dfe,gr\u00f6\u00dfe")
    assert failed.returncode == 1
    assert failed.stderr.startswith("error: label ")
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("words", [["status"], ["doctor"], ["init", "fresh", "--labels", "a,b"]])
@pytest.mark.feature(7)
def test_json_parses_alone(call: Call, tmp_path: Path, words: list[str]) -> None:
    """Standard output holds one document with its schema number, and nothing else."""
    done = call("--home", tmp_path / "home", *words, "--json")
    assert json.loads(done.out)["schema"] == 1


@pytest.mark.feature(5)
def test_an_error_is_one_json_document_with_json(call: Call, made_home: Path) -> None:
    """With `--json` the error is data as well as talk."""
    done = call("--home", made_home, "status", "tikets", "--json")
    error = json.loads(done.out)["error"]
    assert done.code == 1
    assert error["code"] == "no_classifier"
    assert "tikets" in error["message"]
    assert "tickets" in error["hint"]
    assert set(error) == {"code", "message", "hint", "details"}


def test_there_is_no_colour_without_a_terminal(execute: Call, made_home: Path) -> None:
    """No escape sequence reaches a pipe, whatever the environment says."""
    done = execute("--home", made_home, "doctor", FORCE_COLOR="1", TERM="xterm-256color")
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err


@pytest.mark.parametrize(
    ("option", "environment"), [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--no-color",), {}), ((), {})]
)
@pytest.mark.feature(8)
def test_colour_is_refused_on_a_terminal_by_three_ways(
    made_home: Path, option: tuple[str, ...], environment: dict[str, str]
) -> None:
    """On a terminal `status` colours nothing when NO_COLOR, TERM=dumb or --no-color say so; `doctor` does otherwise."""
    kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    code = (
        "import os, pty, sys\n"
        "status = pty.spawn([sys.executable, '-m', 'orchestration.cli.app', *sys.argv[1:]])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))"
    )
    command = [sys.executable, "-c", code, "--home", str(made_home), *option, "doctor"]
    done = subprocess.run(
        command,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
        env={"TERM": "xterm", **kept, **environment},
    )
    assert (b"\x1b[" in done.stdout) == (not option and not environment)


def test_without_a_command_the_status_of_the_nearest_home_is_shown(call: Call, made_home: Path, tmp_path: Path) -> None:
    """`ratchet` alone is no wall of help where there is a home, and help where there is none."""
    assert "tickets" in call("--home", made_home).out
    (tmp_path / "empty").mkdir()
    assert "Usage: ratchet" in call("--home", tmp_path / "empty").out


@pytest.mark.parametrize("words", [[], ["status"], ["ingest", "tickets"], ["serve"], ["doctor"], ["keys"]])
def test_a_home_that_does_not_exist_is_an_error(call: Call, tmp_path: Path, words: list[str]) -> None:
    """A slip of the pen makes no new, empty home; it is named, with the commands that make one."""
    found = call("--home", tmp_path / "none", *words)
    assert (found.code, (tmp_path / "none").exists()) == (64, False)
    assert "does not exist" in found.err
    assert "init NAME" in found.err


def test_options_of_every_command_may_stand_behind_it(call: Call, made_home: Path) -> None:
    """`ratchet status --home DIR` is as good as `ratchet --home DIR status`."""
    assert call("status", "--home", made_home).out == call("--home", made_home, "status").out


def test_quiet_says_nothing_but_errors(call: Call, made_home: Path) -> None:
    """With `--quiet` standard error is empty when all goes well."""
    assert call("--home", made_home, "cycle", "tickets", "--week", "latest", "--plan", "--quiet").err.startswith(
        "error: "
    )


def test_debug_shows_the_traceback_and_only_debug(call: Call, made_home: Path) -> None:
    """A traceback is for those who ask."""
    assert "Traceback" not in call("--home", made_home, "status", "tikets").err
    assert "Traceback" in call("--home", made_home, "status", "tikets", "--debug").err


@pytest.mark.feature(9)
def test_the_shell_completes_names_and_weeks(home: Path) -> None:
    """Completion lists the classifiers of the home, and weeks that lie in its folders."""
    (home / "tickets" / "receipts" / "2026-01-05").mkdir(parents=True)
    code = "from orchestration.cli.app import main; main()"
    for words, position, expected in (
        ("ratchet cycle ti", "2", "tickets"),
        ("ratchet cycle tickets --week 2026", "4", "2026-01-05"),
    ):
        asked = {
            "_RATCHET_COMPLETE": "complete_bash",
            "RATCHET_HOME": str(home),
            "COMP_WORDS": words,
            "COMP_CWORD": position,
        }
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **asked})
        assert done.stdout.split() == [expected], done.stderr
