"""A home that commit b97b3cb wrote opens, serves, verifies and runs its next cycle (`tests/fixtures/README.md`)."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from orchestration.instance import open_instance
from orchestration.instigator_renames import RENAMED
from ratchet.rollout.sealed_policy import find_policy
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.rollout.nominate import nominate
from ratchet.workflows.rollout.reconcile import kill_switch, reconcile
from ratchet.workflows.verify_receipt import verify_receipt

pytestmark = [pytest.mark.xdist_group("former_home"), pytest.mark.slow]
ARCHIVE = Path(__file__).parents[1] / "fixtures" / "home_b97b3cb.tar.xz"
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]
SWITCHED_OFF = {"weekly_cycle_schedule", "new_feedback_sensor"}
ALL = SWITCHED_OFF | {"publication_check_schedule", "shadow_deployment_sensor", "promotion_sensor"}


class FormerHome:
    """An unpacked copy of the fixture: the home, its key for the gateway, and the environment with its base model."""

    def __init__(self, folder: Path) -> None:
        with tarfile.open(ARCHIVE) as archive:
            # Python 3.11.2, which Debian 12 has, does not know `filter` yet; the archive is our own.
            archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # noqa: S202
        self.home = Home(folder / "home")
        self.key = (folder / "key.txt").read_text().strip()
        self.environment = {"RATCHET_CACHE": str(folder / "cache"), "RATCHET_GATEWAY_BALLAST_BYTES": "0"}

    def ratchet(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the home."""
        command = [*RATCHET, "--home", str(self.home.root), *words]
        return subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )


@pytest.fixture
def former(tmp_path: Path) -> FormerHome:
    """A copy of one's own."""
    return FormerHome(tmp_path)


def test_it_opens_and_verifies(former: FormerHome) -> None:
    """Live and candidate are who they were; ledger, receipts, anchors and flag hold."""
    done = former.ratchet("status", "small", "--json")
    assert done.returncode == 0, done.stderr
    shown = json.dumps(json.loads(done.stdout))
    entries = [json.loads(line) for line in former.home.ledger("small").read_text().splitlines()]
    live, candidate = (next(e for e in entries if e["action"] == action)["adapter"] for action in ("promote", "shadow"))
    assert live in shown
    assert candidate in shown
    verified = former.ratchet("verify", "small")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert former.ratchet("report", "small").returncode == 0


def test_its_receipts_are_derived_again_though_sentences_were_reworded(
    former: FormerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outcome and figures follow from the stored answers; the wording of a former version is not a fault."""
    monkeypatch.setenv("RATCHET_CACHE", former.environment["RATCHET_CACHE"])
    receipts = sorted((former.home.classifier("small") / "receipts" / "2026-01-12").glob("[a-z]*_[a-z]*.json"))
    assert len(receipts) >= 7
    findings = [finding for path in receipts for finding in verify_receipt(former.home, path)]
    assert [finding.fault for finding in findings if finding.fault] == []
    assert sum("follows from" in finding.detail for finding in findings) >= 5


def test_its_rollout_goes_on(former: FormerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The candidate that shadows may advance: no digest that its receipts hold has changed with the version."""
    monkeypatch.setenv("RATCHET_CACHE", former.environment["RATCHET_CACHE"])
    (candidate,) = [entry.adapter for entry in Ledger(former.home).entries("small") if entry.action == "shadow"]
    assert nominate(former.home, "small", candidate).adapter == candidate
    assert Ledger(former.home).state("small").bucketing == "fractional-v3"


def test_it_is_sealed_once_and_its_kill_switch_becomes_an_entry(
    former: FormerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Labels, actions and thresholds as the file has them then; what was switched off outlasts the flag file."""
    monkeypatch.setenv("RATCHET_CACHE", former.environment["RATCHET_CACHE"])
    before = Ledger(former.home).entries("small")
    kill_switch(former.home, "small", on=True)
    for _ in range(2):
        reconcile(former.home, "small")
    after = Ledger(former.home).entries("small")
    assert after[: len(before)] == before
    assert [entry.action for entry in after[len(before) :]] == ["kill", "policy"]
    former.home.spec("small").unlink()
    former.home.flags.unlink()
    rollout = reconcile(former.home, "small")
    assert rollout is not None
    assert (rollout.killed, rollout.live) == (True, before[0].adapter)
    policy = find_policy(after)
    assert policy is not None
    assert list(policy.labels) == ["amber", "green", "violet"]


def test_a_gateway_serves_it_by_its_own_key(former: FormerHome) -> None:
    """Live answers, the candidate shadows, and what the journal held is kept."""
    command = [*RATCHET, "--home", str(former.home.root), "serve", "--port", "0"]
    environment = {**os.environ, **former.environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as gateway:
        try:
            assert gateway.stderr is not None
            address = gateway.stderr.readline().split()[1].strip(",;")
            with httpx.Client(
                base_url=address, timeout=60, headers={"Authorization": f"Bearer {former.key}"}
            ) as client:
                ready = client.get("/readyz")
                assert ready.status_code == 200, ready.text
                answer = client.post("/v1/classifiers/small", json={"text": "reimburse my blue kettle"})
                assert answer.status_code == 200, answer.text
                entries = [json.loads(line) for line in former.home.ledger("small").read_text().splitlines()]
                assert answer.json()["adapter"] == entries[0]["adapter"]
                assert entries[-1]["action"] == "policy", "its start seals what stood in classifier.toml"
            with httpx.Client(base_url=address, timeout=60) as stranger:
                assert stranger.post("/v1/classifiers/small", json={"text": "refund"}).status_code == 401
        finally:
            gateway.terminate()


def test_the_next_cycle_runs_on_it(former: FormerHome) -> None:
    """A third week is trained and judged against what was live then."""
    SmallClassifier(former.home, requests=300).write_week(date(2026, 1, 19))
    done = former.ratchet("cycle", "small", "--week", "2026-01-19", "--json")
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads((former.home.reports("small") / "2026-01-19" / "eval_report.json").read_bytes())
    assert report["live"] == json.loads(former.home.ledger("small").read_text().splitlines()[0])["adapter"]


def states(home: Home) -> dict[str, str]:
    """Status of each schedule and sensor that Dagster knows."""
    with open_instance(home.dagster) as instance:
        found = [(state.instigator_name, state.status.value) for state in instance.all_instigator_state()]
    assert len(dict(found)) == len(found)
    return dict(found)


def test_what_the_operator_had_switched_off_stays_off(
    former: FormerHome, dagster_processes: Callable[[Home], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state moves to the new name, once; the daemon then knows each schedule and sensor once, under that name."""
    monkeypatch.setenv("RATCHET_CACHE", former.environment["RATCHET_CACHE"])
    before = states(former.home)
    assert {name for name, status in before.items() if status == "STOPPED"} == SWITCHED_OFF
    assert not set(before) & set(RENAMED)
    assert states(former.home) == before
    processes = dagster_processes(former.home)
    processes.start("daemon")
    processes.wait_until(lambda: ticked(former.home), "the daemon has looked at the promotion sensor")
    after = states(former.home)
    assert set(after) == ALL
    assert {name for name, status in after.items() if status == "STOPPED"} == SWITCHED_OFF
    processes.stop()
    log = (former.home.root / "daemon.log").read_text()
    assert [name for name in RENAMED if f"'{name}'" in log or f" {name} " in log] == []


def ticked(home: Home) -> bool:
    """True once the daemon has evaluated the promotion sensor."""
    with open_instance(home.dagster) as instance:
        (state,) = (each for each in instance.all_instigator_state() if each.instigator_name == "promotion_sensor")
        return bool(instance.get_ticks(state.instigator_origin_id, state.selector_id))
