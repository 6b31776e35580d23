"""Each part of a home is broken in turn under a gateway that runs: a rollback and a kill are what *answers*.

Whatever the command says must be so: where it ends with 0, every user gets the adapter that it names; where it does
not, it says why.
"""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from orchestration.cli.app import main
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.followers import wait_for_followers
from ratchet.workflows.rollout.reconcile import reconcile
from ratchet.workflows.rollout.rollback import roll_back
from ratchet.workflows.status_check import check_classifier

Enter = Callable[..., None]
Made = tuple[Home, list[str]]
pytestmark = pytest.mark.slow
USERS = [f"user-{number}" for number in range(12)]


@dataclass(frozen=True)
class Broken:
    """A part of a home, how it breaks, and whether a rollback can still be entered."""

    act: Callable[[Home, list[str]], None]
    entered: bool = True


def write(path: Callable[[Home], Path], content: bytes) -> Callable[[Home, list[str]], None]:
    """Replace a file."""

    def act(home: Home, adapters: list[str]) -> None:
        path(home).parent.mkdir(parents=True, exist_ok=True)
        path(home).write_bytes(content)

    return act


def remove(path: Callable[[Home], Path]) -> Callable[[Home, list[str]], None]:
    """Remove a file or a folder."""

    def act(home: Home, adapters: list[str]) -> None:
        found = path(home)
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)

    return act


def spec(home: Home) -> Path:
    """The specification."""
    return home.spec("small")


def kept(home: Home) -> Path:
    """The receipts that promotions kept."""
    return home.kept_receipts("small")


def rename_a_label(home: Home, adapters: list[str]) -> None:
    """The file no longer has a label that both adapters answer."""
    spec(home).write_text(spec(home).read_text().replace('name = "violet"', 'name = "purple"'))


def name_a_target(home: Home, adapters: list[str]) -> None:
    """A target that does not exist, and a file of targets that cannot be read."""
    spec(home).write_text(spec(home).read_text() + '\n[[target]]\nname = "nowhere"\n')
    (home.root / "targets.toml").write_text("[")


def nest_a_file(home: Home, adapters: list[str]) -> None:
    """A Parquet file that no reader bears, in each landing folder."""
    kind, value = pa.int32(), 1
    for _ in range(200):
        kind, value = pa.struct([("a", kind)]), {"a": value}
    for landing in ("production_logs", "corrections"):
        home.landing("small", landing).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"deep": pa.array([value], kind)}), home.landing("small", landing) / "deep.parquet")


def older_flags(home: Home, adapters: list[str]) -> None:
    """A file of an earlier generation was put back."""
    document = json.loads(home.flags.read_bytes())
    document["metadata"]["generation"] = 1
    home.flags.write_text(json.dumps(document))


def other_flag(home: Home, adapters: list[str]) -> None:
    """Somebody gives everyone the newer adapter, by the newest entry."""
    document = json.loads(home.flags.read_bytes())
    document["flags"]["small"]["variants"]["live"] = adapters[1]
    home.flags.write_text(json.dumps(document))


def damage_a_ledger_line(home: Home, adapters: list[str]) -> None:
    """One byte of the newest entry."""
    content = home.ledger("small").read_bytes()
    home.ledger("small").write_bytes(content[:-40] + b"#" + content[-39:])


BROKEN: dict[str, Broken] = {
    "nothing": Broken(lambda home, adapters: None),
    "a label": Broken(rename_a_label),
    "no specification": Broken(remove(spec)),
    "a broken specification": Broken(write(spec, b'[[label]\nname = "')),
    "an empty specification": Broken(write(spec, b"")),
    "targets": Broken(name_a_target),
    "no golden set": Broken(remove(lambda home: home.golden("small"))),
    "no receipts": Broken(remove(lambda home: home.classifier("small") / "receipts")),
    "no kept receipts": Broken(remove(kept)),
    "no flags": Broken(remove(lambda home: home.flags)),
    "empty flags": Broken(write(lambda home: home.flags, b"")),
    "broken flags": Broken(write(lambda home: home.flags, b'{"flags": {')),
    "older flags": Broken(older_flags),
    "another's flag": Broken(other_flag),
    "a broken mark of flags": Broken(write(lambda home: home.root / ".flags.generation", b"x")),
    "a broken warehouse": Broken(write(lambda home: home.warehouse("small"), b"x" * 5000)),
    "a broken manifest": Broken(write(lambda home: home.manifest("small"), b"{\n")),
    "a broken decision": Broken(write(lambda home: home.rollout("small"), b"[")),
    "a nested Parquet file": Broken(nest_a_file),
    "no reports": Broken(remove(lambda home: home.reports("small"))),
    "no leases": Broken(remove(lambda home: home.gateways)),
    "no checkpoint": Broken(remove(lambda home: home.checkpoint("small")), entered=False),
    "a damaged ledger": Broken(damage_a_ledger_line, entered=False),
    "no signing key": Broken(remove(lambda home: home.signing_key), entered=False),
}
QUICK = ("nothing", "no specification", "targets", "no kept receipts", "broken flags", "no signing key")


def answers(client: TestClient) -> set[str]:
    """The adapters that answer the users."""
    found = set()
    for user in USERS:
        reply = client.post("/v1/classifiers/small", json={"text": "money back please", "user_id": user})
        assert reply.status_code == 200, reply.text
        found.add(reply.json()["adapter"])
    return found


def begin(home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient], rung: str) -> tuple[TestClient, str]:
    """A gateway of a rollout: the client, and the adapter that a rollback takes away."""
    first, second = made[1]
    if rung == "live":
        enter(second)
    else:
        enter(second, "shadow")
        enter(second, "step", 50)
    client = serve(poll_s=0.05)
    assert answers(client) == ({second} if rung == "live" else {first, second})
    return client, first


def call(home: Home, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Run a command in this process: its exit code, and all that it said."""
    code = main(["--home", str(home.root), *words])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def check_rollback(
    case: str, rung: str, home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient], capsys: Any
) -> None:
    """Break a part, roll back, and look at the answers, at the files, and at a gateway that starts on what is left."""
    client, first = begin(home, made, enter, serve, rung)
    before = answers(client)
    BROKEN[case].act(home, made[1])
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    code, told = call(home, capsys, "rollback", "small", "--why", "complaints")
    if not BROKEN[case].entered:
        assert (code, "Rolled back" in told) == (1, False)
        assert answers(client) == before
        return
    assert code == 0, told
    assert f"live: {first[:12]}" in told
    assert answers(client) == {first}
    assert check_classifier(home, "small")[1] == ""
    assert client.get("/readyz").status_code == 200
    assert answers(serve(poll_s=0.05)) == {first}


@pytest.mark.parametrize("case", QUICK)
def test_a_rollback_is_what_answers(
    case: str, home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the table, for an adapter that is live."""
    check_rollback(case, "live", home, made, enter, serve, capsys)


@pytest.mark.faults
@pytest.mark.parametrize("rung", ["live", "step"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_rollback_is_what_answers_in_full(
    case: str, rung: str, home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Every part, for an adapter that is live and for one that answers half of the users."""
    check_rollback(case, rung, home, made, enter, serve, capsys)


@pytest.mark.parametrize("case", ["nothing", "no flags", "no signing key", "a damaged ledger"])
def test_a_kill_is_what_answers_and_outlasts_the_flag_file(
    case: str, home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """It is an entry with actor and reason; where none can be written the flag alone is turned, and the code is 1."""
    client, first = begin(home, made, enter, serve, "step")
    BROKEN[case].act(home, made[1])
    code, told = call(home, capsys, "kill", "small", "--why", "odd answers")
    if not BROKEN[case].entered:
        assert (code, "no entry could be written" in told) == (1, True)
        client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
        assert answers(client) == {first}
        return
    assert code == 0, told
    assert answers(client) == {first}
    newest = Ledger(home).entries("small")[-1]
    assert (newest.action, newest.why, bool(newest.actor)) == ("kill", "odd answers", True)
    home.flags.unlink()
    assert answers(serve(poll_s=0.05)) == {first}
    reconcile(home, "small")  # writes the flag again
    assert answers(serve(poll_s=0.05)) == {first}
    assert call(home, capsys, "kill", "small", "--off", "--why", "fixed")[0] == 0
    assert answers(client) == set(made[1])


def seal_third(home: Home, adapter: str) -> str:
    """Another adapter, which differs in its temperature alone."""
    calibration = replace(UNCALIBRATED, temperature=1.5).as_json()
    return AdapterStore(home).seal("small", home.adapters("small") / adapter, {"calibration": calibration})


def test_a_damaged_former_adapter_is_passed_over(
    home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient], capsys: pytest.CaptureFixture[str]
) -> None:
    """The next sound one answers, and the command says so; without one nothing is entered."""
    first, second = made[1]
    third = seal_third(home, second)
    enter(second)
    enter(third)
    enter(third, "release")
    client = serve(poll_s=0.05)
    assert answers(client) == {third}
    shutil.rmtree(home.adapters("small") / second)
    code, told = call(home, capsys, "rollback", "small", "--why", "complaints")
    assert (code, f"Passed over as damaged: {second[:12]}" in told) == (0, True), told
    assert answers(client) == {first}
    code, told = call(home, capsys, "rollback", "small", "--why", "again")
    assert (code, "no earlier adapter" in told) == (1, True)
    assert answers(client) == {first}


def test_an_old_rollback_is_not_repeated(
    home: Home, made: Made, enter: Enter, serve: Callable[..., TestClient], capsys: pytest.CaptureFixture[str]
) -> None:
    """Once it was followed, a lost flag file does not make the command give it as its own: it rolls back what is
    live."""
    first, second = made[1]
    third = seal_third(home, second)
    enter(second)
    enter(third)
    client = serve(poll_s=0.05)
    assert answers(client) == {third}
    assert call(home, capsys, "rollback", "small", "--why", "one")[0] == 0
    assert answers(client) == {second}
    home.flags.unlink()
    code, told = call(home, capsys, "rollback", "small", "--why", "two")
    assert (code, "Rolled back: two" in told) == (0, True)
    assert answers(client) == {first}


def test_without_a_gateway_the_command_says_so(
    home: Home, made: Made, enter: Enter, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody is waited for."""
    enter(made[1][1])
    code, told = call(home, capsys, "rollback", "small", "--why", "complaints")
    assert (code, "no gateway is running on this home" in told) == (0, True)


def test_a_gateway_that_does_not_respond_is_named(home: Home, made: Made, enter: Enter, gateway_processes: Any) -> None:
    """Stopped, as under a debugger: it is late by its process id; once it runs again it follows by itself."""
    enter(made[1][1])
    process, address = gateway_processes.start()
    process.send_signal(signal.SIGSTOP)
    try:
        entry = roll_back(home, "small", "complaints")
        found = wait_for_followers(home, "small", entry, timeout_s=0.5)
        assert [each.pid for each in found.late] == [process.pid]
        assert f"gateway {process.pid} does not follow entry {entry.sequence}" in found.sentence
        assert f"gateway {process.pid} does not follow" in check_classifier(home, "small")[1]
    finally:
        process.send_signal(signal.SIGCONT)
    assert wait_for_followers(home, "small", entry).late == ()
    with httpx.Client(base_url=address, timeout=60) as client:
        assert client.post("/v1/classifiers/small", json={"text": "refund"}).json()["adapter"] == made[1][0]
