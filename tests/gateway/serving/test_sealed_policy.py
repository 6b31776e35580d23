"""Sealed policy: whoever can write classifier.toml alone changes no answer, and `ratchet policy` makes it count."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.serving.slots import Slots
from orchestration.cli.app import main
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.advance import weigh
from ratchet.workflows.rollout.sealing import promotion_in_force, serving_spec
from ratchet.workflows.rollout.view import load_view
from ratchet.workflows.verify import verify_ledger

Serve = Callable[..., TestClient]
NOW = datetime(2026, 1, 20, tzinfo=UTC)
FIRST = '[[label]]\nname = "amber"\n'
EDITS: dict[str, tuple[str, str, str]] = {
    "action": (FIRST, FIRST + 'action = "refund"\nthreshold = 0.0\n', "action of amber"),
    "threshold": (FIRST, FIRST + "threshold = 0.0\n", "threshold of amber"),
    "stakes": (FIRST, FIRST + 'stakes = "high"\n', "stakes of amber"),
    "cost of a label": (FIRST, FIRST + "cost_wrong = 9.0\n", "cost_wrong of amber"),
    "cost of a review": (FIRST, "cost_review = 9.0\n" + FIRST, "cost_review"),
    "a new label": (FIRST, '[[label]]\nname = "newest"\naction = "refund"\n' + FIRST, "labels"),
    "a renamed label": ('name = "violet"', 'name = "purple"', "labels"),
    "labels in another order": (FIRST, '[[label]]\nname = "green"\n' + FIRST, "labels"),
    "promotion": ("[[candidate]]", "[promotion]\nmargin = 0.5\nsteps = [100]\n[[candidate]]", "promotion.margin"),
    "the share of shadows": (
        "[[candidate]]",
        "[promotion]\nshadow_share = 0.0\n[[candidate]]",
        "promotion.shadow_share",
    ),
}
"""Text in the file, its replacement, and a setting that is named."""
SHORT = ("action", "a new label", "promotion")


def edit(home: Home, name: str) -> None:
    """Make one of the edits, as anyone who can write the file."""
    old, new, _ = EDITS[name]
    path = home.spec("small")
    text = path.read_text()
    assert old in text
    if name == "labels in another order":
        text = text.replace('[[label]]\nname = "green"\n', "")
    path.write_text(text.replace(old, new, 1))


def answers(client: TestClient) -> list[dict[str, Any]]:
    """Answers to three texts, without what differs from request to request."""
    texts = ["money back please", "where is the parcel", "my password is lost"]
    found = client.post("/v1/classifiers/small", json={"texts": texts}).json()["answers"]
    return [{key: value for key, value in answer.items() if key != "request_id"} for answer in found]


def in_force(home: Home) -> tuple[Any, ...]:
    """Everything that is sealed, as gateway, promoter and page read it."""
    entries = Ledger(home).entries("small")
    spec = serving_spec(home, "small", entries)
    published = Flags(home).read().rollouts["small"].shadow_share
    return spec.label, spec.cost_review, promotion_in_force(home, "small", entries), published


@pytest.mark.parametrize(
    "name", [each if each in SHORT else pytest.param(each, marks=pytest.mark.faults) for each in EDITS]
)
def test_an_edit_of_the_file_changes_nothing_until_it_is_entered(
    home: Home, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every reader has the sealed one; status and verify say what differs; `ratchet policy` enters it, once."""
    call = ["--home", str(home.root)]
    before, setting = in_force(home), EDITS[name][2]
    edit(home, name)
    assert in_force(home) == before
    assert main([*call, "status", "small", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["classifiers"]
    assert shown["policy"]["sealed_by"] == 1
    assert setting in {each["setting"] for each in shown["policy"]["differences"]}
    assert main([*call, "status", "small"]) == 0
    assert "without effect until 'ratchet policy small --why TEXT'" in capsys.readouterr().out
    (fault,) = [each.fault for each in verify_ledger(home, "small") if each.what == "policy"]
    assert setting in fault
    assert in_force(home) == before  # neither promoter, page nor any reader sealed it
    assert main([*call, "policy", "small"]) == 0
    assert setting in capsys.readouterr().out
    assert in_force(home) == before
    assert main([*call, "policy", "small", "--why", "as agreed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entry"] == 2
    assert in_force(home) != before
    assert not [each.fault for each in verify_ledger(home, "small") if each.what in {"policy", "flag"} and each.fault]
    entry = Ledger(home).entries("small")[-1]
    assert (entry.action, entry.why, entry.adapter) == ("policy", "as agreed", Ledger(home).live("small"))
    assert main([*call, "policy", "small", "--why", "twice", "--json"]) == 0  # nothing differs: no second entry
    assert json.loads(capsys.readouterr().out)["entry"] is None
    assert len(Ledger(home).entries("small")) == 2


def test_a_rollout_is_decided_and_shown_by_the_sealed_limits(
    home: Home, made: tuple[Home, list[str]], enter: Callable[..., None]
) -> None:
    """`[promotion]` of the file, however it is changed, neither moves the candidate nor changes the page."""
    enter(made[1][1], "shadow")
    looks = (lambda: weigh(home, "small", now=NOW).decision, lambda: load_view(home, "small", NOW))
    before = [look() for look in looks]
    edit(home, "promotion")
    assert [look() for look in looks] == before
    assert main(["--home", str(home.root), "policy", "small", "--why", "as agreed"]) == 0
    assert [look() for look in looks] != before


def test_a_gateway_answers_by_the_sealed_policy(serve: Serve, home: Home) -> None:
    """While it runs, after a swap and after a restart; and by the new one as soon as it was entered."""
    client = serve()
    before = answers(client)
    edit(home, "action")
    slots: Slots = client.app.state.gateway.slots  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    home.flags.touch()
    slots.follow()
    assert answers(client) == before
    assert answers(serve()) == before
    assert main(["--home", str(home.root), "policy", "small", "--why", "as agreed"]) == 0
    slots.follow()
    after = answers(client)
    assert [each["action"] for each in after if each["label"] == "amber"] == ["refund"]
    assert [{**each, "action": ""} for each in after] == [{**each, "action": ""} for each in before]


def test_a_promotion_takes_over_no_edit_of_the_file(
    serve: Serve, home: Home, made: tuple[Home, list[str]], enter: Callable[..., None]
) -> None:
    """Neither the next adapter nor a rollback to the one before brings an action that nobody entered."""
    client, before = serve(), in_force(home)
    edit(home, "action")
    edit(home, "promotion")
    enter(made[1][1])
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    found = answers(client)
    assert {each["adapter"] for each in found} == {made[1][1]}
    assert {each["action"] for each in found} == {"review"}
    assert main(["--home", str(home.root), "rollback", "small", "--why", "worse"]) == 0
    assert {each["action"] for each in answers(client)} == {"review"}
    assert in_force(home) == before


def test_a_file_that_cannot_be_read_changes_no_answer(serve: Serve, home: Home) -> None:
    """A typo is said by status and doctor, and a gateway that starts on it answers."""
    before = answers(serve())
    home.spec("small").write_text("[[label]\n")
    assert answers(serve()) == before


def test_an_adapter_goes_on_by_the_policy_that_knows_its_labels(
    serve: Serve, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    """After labels were changed and entered, and before an adapter with the new ones is live; the command says so."""
    before = answers(serve())
    edit(home, "a renamed label")
    assert main(["--home", str(home.root), "policy", "small", "--why", "violet is purple now"]) == 0
    assert "answers violet, so it goes on by the policy of entry 1" in capsys.readouterr().out
    assert answers(serve()) == before


def test_a_label_that_was_entered_and_the_adapter_does_not_know_has_probability_0(serve: Serve, home: Home) -> None:
    """Between `ratchet policy` and the next cycle the rest still sums to 1."""
    edit(home, "a new label")
    client = serve()
    assert "newest" not in answers(client)[0]["probabilities"]
    assert main(["--home", str(home.root), "policy", "small", "--why", "a new label"]) == 0
    found = answers(serve())[0]["probabilities"]
    assert found["newest"] == 0
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("failpoint", ["ledger.before_checkpoint", "promotion.after_ledger"])
def test_an_entry_whose_command_was_killed_is_finished_by_the_next_one(home: Home, failpoint: str) -> None:
    """kill -9 before the checkpoint or before the flag: repeated, there is one entry, and ledger and flag agree."""
    edit(home, "action")
    words = ["--home", str(home.root), "policy", "small", "--why", "as agreed"]
    command = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())", *words]
    killed = subprocess.run(command, env={**os.environ, "RATCHET_FAILPOINT": f"{failpoint}:kill"}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert main(words) == 0
    assert [each.action for each in Ledger(home).entries("small")] == ["promote", "policy"]
    assert Flags(home).read().rollouts["small"].head == Ledger(home).head("small")
    assert in_force(home)[0][0].action == "refund"


def test_before_the_first_promotion_there_is_nothing_to_enter(
    made: tuple[Home, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    """The command says that the first promotion seals the file; so does status."""
    call = ["--home", str(made[0].root)]
    assert main([*call, "policy", "small", "--why", "early"]) == 1
    assert "The first promotion seals classifier.toml" in capsys.readouterr().err
    assert main([*call, "policy", "small"]) == 0
    assert "nothing is sealed yet" in capsys.readouterr().out
