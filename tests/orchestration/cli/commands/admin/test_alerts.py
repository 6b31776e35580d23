"""`ratchet alerts` says what was sent, sends what is due, and tries every receiver."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.testing.alert_receiver import AlertReceiver


def test_a_home_without_receivers_says_so(call: Any, tmp_path: Path) -> None:
    """The list is empty, the test is an error with its hint, a tick does nothing."""
    listed = call("--home", tmp_path, "alerts")
    assert (listed.code, "no receiver in settings.toml" in listed.out) == (0, True)
    tried = call("--home", tmp_path, "alerts", "test")
    assert (tried.code, "add [[alerts.receiver]]" in tried.out) == (1, True)
    assert call("--home", tmp_path, "alerts", "send").code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_word_has_a_hint(call: Any, tmp_path: Path) -> None:
    """Exit code 64."""
    done = call("--home", tmp_path, "alerts", "sent")
    assert (done.code, "Did you mean 'send'?" in done.err) == (64, True)


@pytest.mark.slow
def test_every_receiver_gets_a_test_line_and_has_its_outcome(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One ok, one refused, one unknown, one without its variable: each with its hint, none with its address."""
    monkeypatch.setenv("CANARY_TOKEN", "canary-of-a-token")
    with AlertReceiver() as good, AlertReceiver() as bad:
        bad.status = 403
        addresses = {
            "good": good.address,
            "bad": bad.address.replace("/hook", "/${CANARY_TOKEN}"),
            "odd": "sluck://${CANARY_TOKEN}",
            "bare": "slack://${NOT_SET_HERE}",
        }
        tables = "".join(f'[[alerts.receiver]]\nname = "{name}"\nurl = "{url}"\n' for name, url in addresses.items())
        (tmp_path / "settings.toml").write_text(f'[alerts]\nping = "{good.url}/ping"\n{tables}')
        done = call("--home", tmp_path, "alerts", "test", "--json")
    assert done.code == 1
    found = {each["name"]: each for each in json.loads(done.out)["receivers"]}
    assert [name for name, each in found.items() if each["ok"]] == ["good", "ping"]
    assert found["bad"]["why"] == "answered 403"
    assert "CANARY_TOKEN" in found["bad"]["hint"]
    assert "apprise" in found["odd"]["why"]
    assert "NOT_SET_HERE" in found["bare"]["why"]
    assert good.messages[0]["title"] == "Ratchet, test"
    assert good.pings == ["/ping"]
    assert "canary-of-a-token" not in done.out + done.err
