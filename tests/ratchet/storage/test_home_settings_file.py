"""A home's settings are read strictly, and no error repeats what may be a secret."""

from pathlib import Path

import pytest

from ratchet.config.home_settings import HomeSettings
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings

WHOLE = """
[addresses]
gateway = "https://ratchet.example/a"
dagster = "https://dagster.example"

[alerts]
ping = "https://hc.example/${PING}"
timezone = "Europe/Berlin"
quiet = "22:00-07:00"

[[alerts.receiver]]
name = "ops"
url = "slack://${SLACK}/#ops"
events = ["blocked", "rolled_back"]

[freeze]
timezone = "Europe/Berlin"

[[freeze.window]]
start = "2026-12-20"
end = "2027-01-03"
why = "Christmas"
"""


def test_a_home_without_the_file_has_the_defaults(tmp_path: Path) -> None:
    """So that every home of before is as it was."""
    assert read_home_settings(Home(tmp_path)) == HomeSettings()


def test_every_table_is_read(tmp_path: Path) -> None:
    """Receivers and windows are lists; keys that are not given have their default."""
    (tmp_path / "settings.toml").write_text(WHOLE)
    settings = read_home_settings(Home(tmp_path))
    assert settings.addresses.gateway == "https://ratchet.example/a"
    assert [each.events for each in settings.alerts.receiver] == [("blocked", "rolled_back")]
    assert settings.alerts.waiting_reviews == 200
    assert [(each.start, each.why) for each in settings.freeze.window] == [("2026-12-20", "Christmas")]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[adresses]\ngateway = "http://x"\n', 1, "Did you mean 'addresses'?"),
        ('[alerts]\nquite = "22:00-07:00"\n', 2, "Did you mean 'quiet'?"),
        ('[[alerts.receiver]]\nname = "a"\nurl = "json://a"\n\n[[alerts.receiver]]\nnaem = "b"\n', 6, "'name'"),
        ('[[freeze.window]]\nstart = "2026-12-20"\n', 1, "'freeze.window.end' is missing"),
        ('[addresses]\ngateway = "https://key@host"\n', 2, "is not the address of a page"),
        ('[addresses]\n\ndagster = "javascript:alert(1)"\n', 3, "is not the address of a page"),
        ('[alerts]\ntimezone = "Europe/Berln"\n', 2, "Did you mean 'Europe/Berlin'?"),
        ('[alerts]\nquiet = "22-7"\n', 2, "Write it as '22:00-07:00'"),
        ('[alerts]\ndigest_at = "monday"\n', 2, "Write it as 'mon 08:00'"),
        ('[alerts]\nurgent = ["faild"]\n', 2, "Did you mean 'failed'?"),
        ("[alerts]\nping_minutes = 0.1\n", 2, "Set alerts.ping_minutes to 1 or more"),
        (
            '[alerts]\nreceiver = [{ name = "a", url = "json://h" }, { name = "a", url = "json://h" }]\n',
            2,
            "2 receivers",
        ),
    ],
)
def test_a_wrong_file_names_the_line_and_the_fix(tmp_path: Path, text: str, line: int, message: str) -> None:
    """Unknown keys, missing ones and values of every table."""
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(RatchetError) as caught:
        read_home_settings(Home(tmp_path))
    assert f"settings.toml line {line}:" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        '[[alerts.receiver]]\nname = "a"\nurl = "CANARY"\n',
        '[[alerts.receiver]]\nname = "a"\nurl = ["slack://CANARY"]\n',
        '[alerts]\nping = "CANARY"\n',
        '[alerts]\nwaiting_reviews = "CANARY"\n',
        '[addresses]\ngateway = "https://CANARY@host"\n',
        '[[alerts.receiver]]\nname = "a"\nurl = "slack://CANARY\n',
    ],
)
def test_no_error_repeats_an_address(tmp_path: Path, text: str) -> None:
    """An address may hold a token, wherever it was written by mistake."""
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(RatchetError) as caught:
        read_home_settings(Home(tmp_path))
    assert "CANARY" not in str(caught.value) + repr(caught.value.details)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """A folder in its place stands for missing rights, which root does not lack."""
    (tmp_path / "settings.toml").mkdir()
    with pytest.raises(RatchetError, match="cannot be read"):
        read_home_settings(Home(tmp_path))
