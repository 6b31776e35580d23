"""`ratchet key` and `ratchet keys`: made with their limits, listed without secrets, revoked by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys, match_key


def test_keys_are_listed_with_their_person_and_limits(call: Any, tmp_path: Path) -> None:
    """The secret is printed once, by `key`; no list holds it or its digest."""
    secret = call(
        "--home", tmp_path, "key", "desk", "--scope", "annotate", "--person", "Ann Smith", "--may-speak-for", "Bob",
        "--blind", "--expires", "2999-01-31",
    ).out.strip()  # fmt: skip
    call("--home", tmp_path, "key", "web", "--scope", "classify", "--per-minute", "60")
    shown = call("--home", tmp_path, "keys")
    assert shown.code == 0
    for word in ("desk", "ann smith", "bob", "annotate", "2999-01-31T23:59:59+00:00", "web", "60", "never"):
        assert word in shown.out
    document = json.loads(call("--home", tmp_path, "keys", "--json").out)
    desk, web = document["keys"]
    assert (desk["person"], desk["may_speak_for"], desk["blind"], desk["expired"]) == (
        "ann smith",
        ["bob"],
        True,
        False,
    )
    assert (web["person"], web["per_minute"], web["expires"]) == ("web", 60, "")
    (digest, _) = (key.sha256 for key in Keys(Home(tmp_path).keys).read())
    for output in (shown.out, json.dumps(document)):
        assert secret not in output
        assert digest not in output


def test_a_key_is_revoked_by_name(call: Any, tmp_path: Path) -> None:
    """It opens nothing any more; a name that no key has is an error with the nearest one, and changes nothing."""
    secret = call("--home", tmp_path, "key", "web", "--scope", "classify").out.strip()
    wrong = call("--home", tmp_path, "keys", "--revoke", "wep")
    assert (wrong.code, "'web'" in wrong.err) == (64, True)
    assert match_key(Keys(Home(tmp_path).keys).read(), secret) is not None
    gone = call("--home", tmp_path, "keys", "--revoke", "web")
    assert (gone.code, "revoked" in gone.err) == (0, True)
    assert match_key(Keys(Home(tmp_path).keys).read(), secret) is None
    assert "no keys in" in call("--home", tmp_path, "keys").out


@pytest.mark.parametrize("expires", ["soon", "2026-13-01", "2999-01-31T12:00:00", "2001-01-01"])
def test_an_expiry_that_cannot_be_is_one_sentence(call: Any, tmp_path: Path, expires: str) -> None:
    """Not a time, without a zone, or past: exit 64, and no key."""
    shown = call("--home", tmp_path, "key", "web", "--scope", "classify", "--expires", expires)
    assert (shown.code, "expires" in shown.err) == (64, True)
    assert Keys(Home(tmp_path).keys).read() == ()
