"""`ratchet log`: changes of keys, policy, quarantine, kill switch and rollout are one list, and none is left out."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.cli.app import main
from ratchet.core.verdict import Verdict
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.keys.keys_log import KeyChange, KeysLog
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.log import read_log
from ratchet.workflows.rollout.policy import enter_policy
from ratchet.workflows.rollout.reconcile import record

A, B = "a" * 64, "b" * 64
SAID = {"actor": "test", "why": "test", "week": "2026-01-05"}


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One change of each kind, in the order of `EVENTS`."""
    home = Home(tmp_path_factory.mktemp("log") / "home")
    SmallClassifier(home).write()
    keys = Keys(home.keys)
    keys.add("web", ("classify",))
    move(home, "promote", A)
    keys.add("ann", ("annotate",), person="Ann Example")
    home.spec("small").write_text(home.spec("small").read_text().replace("\n\n", "\ncost_wrong = 3.0\n", 1))
    enter_policy(home, "small", "wrong ambers are dear")
    Quarantine(home).take("small", "2026-01-12", "row_quality", Verdict("failed", "too few"), "0" * 64, "cycle")
    move(home, "shadow", B)
    move(home, "kill", A)
    move(home, "unkill", A)
    Quarantine(home).unquarantine("small", "2026-01-12", "looked at by hand", "ann")
    keys.add("ann", ("annotate", "feedback"))
    keys.revoke("web")
    return home


@pytest.fixture
def home(changed: Home, tmp_path: Path) -> Home:
    """A copy of one's own."""
    return Home(Path(shutil.copytree(changed.root, tmp_path / "home")))


EVENTS = [
    ("keys", "made"), ("rollout", "promote"), ("keys", "made"), ("policy", "policy"), ("quarantine", "hold"),
    ("rollout", "shadow"), ("kill", "kill"), ("kill", "unkill"), ("quarantine", "unquarantine"), ("keys", "changed"),
    ("keys", "revoked"),
]  # fmt: skip


def move(home: Home, action: str, adapter: str) -> None:
    """Write an entry of the ledger, now."""
    receipts = keep_receipts(home, "small", "2026-01-05", adapter) if action in {"promote", "shadow"} else {}
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    record(home, "small", action=action, adapter=adapter, receipts=receipts, ts=now, **SAID)


def shown(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """The document of the command."""
    main(["--home", str(home.root), "log", "small", "--json", *words])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_every_change_is_in_the_list(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its time, who made it, and why; lines of the ledger and the quarantine are signed, of keys not."""
    document = shown(home, capsys)
    found = document["entries"]
    assert sorted((each["kind"], each["event"]) for each in found) == sorted(EVENTS)
    for kind in ("keys", "quarantine"):
        assert [each["event"] for each in found if each["kind"] == kind] == [e for k, e in EVENTS if k == kind]
    assert all(each["actor"] and each["ts"] and each["what"] for each in found)
    assert {each["signed"] for each in found if each["kind"] == "keys"} == {False}
    assert {each["signed"] for each in found if each["kind"] != "keys"} == {True}
    (policy,) = [each for each in found if each["kind"] == "policy"]
    assert (policy["what"], policy["why"]) == ("cost_wrong of amber", "wrong ambers are dear")
    assert [each["ts"][:19] for each in found] == sorted(each["ts"][:19] for each in found)
    assert (document["faults"], document["notes"]) == ([], [])


def test_a_rejection_names_the_adapter_that_went_and_the_one_that_answers(home: Home) -> None:
    """The first is what a reader looks for."""
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    record(home, "small", action="reject", adapter=A, previous_adapter=B, receipts={}, ts=now, **SAID)
    assert read_log(home, "small", ["rollout"]).entries[-1].what == f"adapter {B[:12]}, for {A[:12]}"


def test_the_list_is_read_by_kind_and_as_text(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """`--kind` is repeatable, an unknown one is wrong usage; the text has the same lines."""
    assert {each["kind"] for each in shown(home, capsys, "--kind", "kill", "--kind", "policy")["entries"]} == {
        "kill", "policy",
    }  # fmt: skip
    assert main(["--home", str(home.root), "log", "small", "--kind", "polcy"]) == 64
    assert "Did you mean 'policy'?" in capsys.readouterr().err
    assert main(["--home", str(home.root), "log", "small"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(EVENTS) + 1
    assert any("wrong ambers are dear" in line and " yes " in line for line in lines)


def test_no_secret_is_in_the_history_of_keys(tmp_path: Path) -> None:
    """Neither the secret nor its digest."""
    keys = Keys(tmp_path / "keys.json")
    secret = keys.add("web", ("classify",))
    content = KeysLog(keys.path).path.read_text()
    assert secret not in content
    assert keys.read()[0].sha256 not in content


def test_keys_that_are_made_at_once_have_a_line_each(tmp_path: Path) -> None:
    """Lines are added under the lock of the keys, in the order in which the keys were written."""
    keys = Keys(tmp_path / "keys.json")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: keys.add(f"key{number}", ("classify",)), range(16)))
    changes = KeysLog(keys.path).read()
    assert [change.key for change in changes] == [key.name for key in keys.read()]
    assert {change.event for change in changes} == {"made"}


def test_a_key_that_no_line_tells_of_is_named(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever edits keys.json by hand leaves no line; so do keys that are older than the history."""
    rows = json.loads(home.keys.read_bytes())
    home.keys.write_text(json.dumps([*rows, {**rows[0], "name": "sneaked_in"}]))
    assert "key sneaked_in is in keys.json, but no line says who made it" in shown(home, capsys)["notes"][0]
    KeysLog(home.keys).path.unlink()
    assert len(shown(home, capsys)["notes"]) == 2


def change(path: Path) -> None:
    """Change a word in the first line of a file."""
    path.write_text(path.read_text().replace('"ts": "2', '"ts": "1', 1))


FILES: dict[str, Callable[[Home], Path]] = {
    "ledger": lambda home: home.ledger("small"),
    "quarantine": lambda home: home.quarantine("small"),
}


@pytest.mark.parametrize("file", FILES)
def test_a_changed_file_is_named_and_the_others_are_listed(
    home: Home, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    """Exit 1 with the file and its line; nothing of it is shown as if it were true."""
    change(FILES[file](home))
    assert main(["--home", str(home.root), "log", "small"]) == 1
    output = capsys.readouterr()
    assert f"{FILES[file](home)} line 1 does not continue the chain" in output.err
    assert "revoked" in output.out
    assert ("unquarantine" in output.out, "unkill" in output.out) == (file == "ledger", file == "quarantine")


def test_a_line_of_keys_that_cannot_be_read_is_a_fault(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """A torn last line of a crash is not: it was never acknowledged."""
    path = KeysLog(home.keys).path
    content = path.read_text()
    path.write_text(content + '{"ts": "20')
    assert shown(home, capsys)["faults"] == []
    path.write_text("{}\n" + content)
    assert "keys_log.jsonl line 1 is not a change of a key" in shown(home, capsys)["faults"][0]


def test_a_clock_that_was_set_back_does_not_change_the_order_of_a_file(home: Home) -> None:
    """A line is never before one that was written before it in the same file."""
    log = KeysLog(home.keys)
    log.append(KeyChange("2020-01-01T00:00:00+00:00", "ann", "made", "late", "ann", ("classify",)))
    found = [each for each in read_log(home, "small").entries if each.kind == "keys"]
    assert [each.event for each in found] == ["made", "made", "changed", "revoked", "made"]
    assert found[-1].what.startswith("key late ")
