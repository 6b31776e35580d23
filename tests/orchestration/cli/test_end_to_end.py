"""init, ingest, cycle, report and predict as a user runs them, on a tiny classifier whose only candidate is a probe."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ratchet.gates.registry import GATES, STAGES
from ratchet.testing.homes import SmallClassifier

pytestmark = [pytest.mark.xdist_group("cli_cycle"), pytest.mark.slow]


def test_a_cycle_says_where_its_log_is_then_one_line_for_each_stage(ran: Any) -> None:
    """Talk is on standard error, without colour or Dagster's own noise; the verdict is data."""
    home, done = ran
    assert done.code == 0, done.err
    lines = done.err.splitlines()
    log = home / "tickets" / "logs" / "2026-01-05.log"
    assert lines[0] == f"cycle tickets 2026-01-05, the latest complete week; the log is {log}"
    assert [line.split(":")[0] for line in lines if ": done (" in line] == sorted(
        STAGES, key=lambda s: done.err.index(f"{s}: done")
    )
    assert set(STAGES) == {line.split(":")[0] for line in lines if ": done (" in line}
    for noise in ("\x1b", "\r", "DEBUG", "RUN_START", "Warning", "nanobind", "[pipes]"):
        assert noise not in done.err
    assert done.out.startswith("Passed every gate. It is the first candidate")
    log = (home / "tickets" / "logs" / "2026-01-05.log").read_text()
    assert "golden_set_regression: Finished execution of step" in log


def test_the_run_and_its_checks_are_seen_on_the_instance_of_the_ui(ran: Any) -> None:
    """The same job on the persistent instance: run, partition, materialisations and check results."""
    home, _ = ran
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert (run.job_name, run.status) == ("weekly_cycle", dg.DagsterRunStatus.SUCCESS)
        assert run.tags["dagster/partition"] == "tickets|2026-01-05"
        kinds = {dg.DagsterEventType.ASSET_CHECK_EVALUATION, dg.DagsterEventType.ASSET_MATERIALIZATION}
        found = [
            entry.dagster_event.event_type
            for entry in instance.all_logs(run.run_id, of_type=kinds)
            if entry.dagster_event
        ]
        assert found.count(dg.DagsterEventType.ASSET_CHECK_EVALUATION) == len(GATES)
        assert found.count(dg.DagsterEventType.ASSET_MATERIALIZATION) >= 6
        assert instance.get_dynamic_partitions("classifiers") == ["tickets"]
    settings = (home / "dagster" / "dagster.yaml").read_text()
    assert "telemetry:\n  enabled: false" in settings


def test_the_report_equals_its_file(call: Any, ran: Any) -> None:
    """`report --json` is `eval_report.json` with a schema number and the path of the page; the text shows its
    figures."""
    home, _ = ran
    folder = home / "tickets" / "reports" / "2026-01-05"
    document = json.loads((folder / "eval_report.json").read_bytes())
    shown = json.loads(call("--home", home, "report", "tickets", "--json").out)
    assert shown == {**document, "schema": 1, "report": str(folder / "eval_report.html")}
    text = call("--home", home, "report", "tickets", "--week", "2026-W02").out
    assert f"{document['metrics']['test']['macro_f1']:.3f}" in text
    assert str(folder / "eval_report.html") in text
    assert "golden_set_regression" in text


def test_answers_keep_the_rows_and_name_the_bad_ones(call: Any, ran: Any, tmp_path: Path) -> None:
    """Good rows are answered in order with calibrated probabilities; bad lines are left out and named, exit code 3."""
    home, _ = ran
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"text": "refund my money back", "id": 7, "label": "violet"}, {"text": "where is my parcel"}]
    bad = [
        b"{no json",
        b'{"text": " "}',
        b'{"body": "x"}',
        b'"text"',
        b'{"text": 5.5}',
        b"\xff",
        b'{"text": "\\ud800"}',
        b'{"text": NaN}',
    ]
    source.write_bytes(b"\n".join([json.dumps(rows[0]).encode(), *bad, b"", json.dumps(rows[1]).encode()]))
    words = ("--home", home, "predict", "tickets", "--input", source, "--output", target, "--adapter", "candidate")
    done = call(*words)
    assert done.code == 3
    assert [line.split()[2] for line in done.err.splitlines() if line.startswith("rejected: line")] == list("23456789")
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["label"] for row in found] == ["amber", "green"]
    assert (found[0]["id"], found[0]["given_label"]) == (7, "violet")
    for row in found:
        assert sum(row["probabilities"].values()) == pytest.approx(1)
        assert row["confidence"] == max(row["probabilities"].values()) == row["probabilities"][row["label"]]
    digest = next((home / "tickets" / "adapters").glob("[0-9a-f]*")).name
    again = call(*words[:-1], digest[:8])
    assert again.code == 3
    assert [json.loads(line) for line in target.read_text().splitlines()] == found


def test_prediction_without_a_readable_adapter_leaves_the_old_output(call: Any, ran_home: Path, tmp_path: Path) -> None:
    """A flipped byte in the weights is found before anything is answered, and the output of before stays."""
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"text": "refund"}\n')
    target.write_text("before\n")
    flip_a_byte(next(ran_home.glob("tickets/adapters/*/*.safetensors")))
    done = call(
        "--home", ran_home, "predict", "tickets", "--input", source, "--output", target, "--adapter", "candidate"
    )
    assert done.code == 1
    assert "Traceback" not in done.err
    assert target.read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl", "ran"]


def test_a_target_that_no_candidate_fits_blocks_before_anything_is_trained(
    run_here: Any, call: Any, home: Path, files: SmallClassifier
) -> None:
    """Exit code 2 names the check, each reason and its cure; `--plan` said so before; no adapter was made."""
    spec = home / "tickets" / "classifier.toml"
    spec.write_text(spec.read_text() + '\n[[target]]\nname = "workers_ai"\n\n[[target]]\nname = "in_process"\n')
    logs, corrections = (
        files.home.landing("small", kind) / "2026-01-05.jsonl" for kind in ("production_logs", "corrections")
    )
    assert call("--home", home, "ingest", "tickets", "--logs", logs, "--corrections", corrections).code == 0
    said = "does not fit workers_ai: family encoder is not served (serves causal)"
    plan = call("--home", home, "cycle", "tickets", "--week", "latest", "--plan").out
    assert said in plan
    assert "no candidate can run on its target, so a cycle would stop before training." in plan
    assert "next: ratchet cycle" not in plan
    assert "s in all" not in plan
    done = run_here("--home", home, "cycle", "tickets", "--week", "latest")
    assert done.returncode == 2, done.stderr
    assert "blocked: target_plan: Fails: no candidate can run on every target." in done.stderr
    assert said in done.stderr
    rows = json.loads((home / "tickets" / "reports" / "2026-01-05" / "run_results.json").read_bytes())["results"]
    assert {
        row["unique_id"]: row["status"] for row in rows if row["unique_id"] in {"target_plan", "adapter", "target_fit"}
    } == {
        "target_plan": "blocked",
        "adapter": "skipped",
        "target_fit": "skipped",
    }
    assert not (home / "tickets" / "training").exists()


@pytest.mark.feature(6)
def test_a_blocked_cycle_exits_2_with_the_check_and_its_reason(
    run_here: Any, call: Any, home: Path, files: SmallClassifier
) -> None:
    """`cycle`, then `report` and `promote`, name the check that blocked; no adapter was made."""
    source = files.home.landing("small", "corrections") / "2026-01-05.jsonl"
    rows = [json.loads(line) for line in source.read_text().splitlines()]
    for row in rows[1::6]:
        row["label"] = "violet" if row["label"] != "violet" else "amber"
    (home / "tickets" / "corrections" / "week.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shutil.copy(
        files.home.landing("small", "production_logs") / "2026-01-05.jsonl", home / "tickets" / "production_logs"
    )
    done = run_here("--home", home, "cycle", "tickets", "--week", "2026-W02", "--json")
    assert done.returncode == 2, done.stderr
    assert "blocked: label_agreement: Fails: annotators agree on" in done.stderr
    error = json.loads(done.stdout)["error"]
    assert (error["code"], error["details"]["check"]) == ("blocked", "label_agreement")
    told = call("--home", home, "report", "tickets")
    assert told.code == 2
    assert "label_agreement" in told.err
    refused = call("--home", home, "promote", "tickets", "--why", "anyway", "--yes")
    assert refused.code == 2
    assert "label_agreement" in refused.err
    assert "blocked: label_agreement" in call("--home", home, "status").out
    assert not list(home.glob("tickets/adapters/*"))
    assert not (home / "tickets" / "ledger.jsonl").exists()


@pytest.mark.feature(10)
def test_a_plan_shows_splits_time_and_power_and_writes_nothing(call: Any, ran: Any) -> None:
    """`cycle --plan` counts what the cycle counted."""
    home, _ = ran
    before = {
        path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file() and path.name != "warehouse.duckdb"
    }
    document = json.loads((home / "tickets" / "reports" / "2026-01-05" / "eval_report.json").read_bytes())
    plan = json.loads(call("--home", home, "cycle", "tickets", "--week", "latest", "--plan", "--json").out)
    assert {split: facts["n"] for split, facts in plan["splits"].items()} == {
        split: document["splits"][split]["n"] for split in ("train", "calibration", "test")
    }
    taken = {found["title"]: found["seconds"] for found in document["candidates"]}
    assert {row["candidate"] for row in plan["trainings"]} == set(taken)
    for row in plan["trainings"]:  # the same examples again, and all epochs
        assert row["source"] == "own"
        assert row["seconds"] >= round(taken[row["candidate"]])
    assert plan["rest"]["source"] == "own"
    assert plan["estimated_s"] == pytest.approx(
        plan["rest"]["seconds"] + sum(row["seconds"] for row in plan["trainings"]), abs=2
    )
    assert (
        "this classifier's earlier trainings"
        in call("--home", home, "cycle", "tickets", "--week", "latest", "--plan").out
    )
    assert plan["power"]["smallest_excludable_loss"] == pytest.approx(1 - 0.05 ** (1 / 30))
    assert "Too small to detect a 5 % overall loss" in plan["power"]["sentence"]
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.feature(11)
def test_the_same_week_again_reuses_the_training_and_an_interruption_says_how_to_resume(
    execute: Any, ran_home: Path
) -> None:
    """Ctrl-C ends a cycle with 130 and the command that resumes it; that command then reuses what was trained."""
    command = [
        sys.executable,
        "-m",
        "orchestration.cli.app",
        "--home",
        str(ran_home),
        "cycle",
        "tickets",
        "--week",
        "latest",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("production_logs: done"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait() == 130, rest
    assert "interrupted; 'ratchet cycle tickets --week 2026-01-05' resumes" in rest
    assert "Traceback" not in rest
    again = execute("--home", ran_home, "cycle", "tickets", "--week", "2026-01-05")
    assert again.code == 0, again.err
    assert "reusing the result of plan" in again.err


def flip_a_byte(path: Path) -> None:
    """Change the last byte of a read-only file."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_cycle_is_kept_in_the_history_of_its_gates_and_decided_again(call: Any, ran: Any, tmp_path: Path) -> None:
    """Each gate of a week that the command ran has its line; under the policy in force nothing turns."""
    home, _ = ran
    rows = json.loads(call("--home", home, "gates", "tickets", "--json").out)["gates"]
    assert {row["gate"] for row in rows} == set(GATES)
    assert {row["verdicts"] for row in rows} == {1}
    new = tmp_path / "new.toml"
    new.write_text("[limits]\nmax_golden_loss = 0.05\n[promotion]\nmargin = 0.02\n")
    document = json.loads(call("--home", home, "backtest", "tickets", "--policy", new, "--json").out)
    assert document["differences"] == []
    assert {each["what"] for each in document["decisions"]} == {row["gate"] for row in rows}
    assert [each for each in document["decisions"] if each["flips"] or not each["now"]] == []
    new.write_text("[limits]\nmin_agreement = 0.5\nmax_golden_loss = 0.5\nmax_nll_rise = 3.0\nmin_doubles = 1\n")
    document = json.loads(call("--home", home, "backtest", "tickets", "--policy", new, "--json").out)
    assert document["underivable"] == 0, [each for each in document["decisions"] if not each["now"]]
    assert not [each for each in document["decisions"] if each["now"] == "failed"]
