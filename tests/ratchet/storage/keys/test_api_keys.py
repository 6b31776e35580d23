"""Keys are kept as digests, matched whole, and limited to known scopes."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError, UsageError
from ratchet.storage.keys.api_keys import Keys, match_key
from ratchet.storage.keys.keys_log import KeysLog


def test_a_key_is_matched_by_its_secret_alone(tmp_path: Path) -> None:
    """The file holds no secret, and only the owner may read it."""
    keys = Keys(tmp_path / "keys.json")
    secret = keys.add("web", ("classify", "feedback"), per_minute=60)
    found = match_key(keys.read(), secret)
    assert found is not None
    assert (found.name, found.scopes, found.per_minute) == ("web", ("classify", "feedback"), 60)
    assert match_key(keys.read(), secret[:-1]) is None
    assert match_key(keys.read(), "\ud800") is None
    assert secret not in keys.path.read_text()
    assert keys.path.stat().st_mode & 0o027 == 0


def test_a_key_of_the_same_name_replaces_the_old_one(tmp_path: Path) -> None:
    """So that a lost key can be changed."""
    keys = Keys(tmp_path / "keys.json")
    old, new = keys.add("web", ("classify",)), keys.add("web", ("admin",))
    assert match_key(keys.read(), old) is None
    assert match_key(keys.read(), new) is not None


def test_unknown_scopes_names_and_files_are_refused(tmp_path: Path) -> None:
    """With what is known."""
    keys = Keys(tmp_path / "keys.json")
    with pytest.raises(UsageError, match="unknown scope 'anotate'"):
        keys.add("web", ("anotate",))
    with pytest.raises(UsageError, match="is not allowed"):
        keys.add("../web", ("classify",))
    keys.path.write_text("{}")
    with pytest.raises(RatchetError, match="is not a list of keys"):
        keys.read()


def test_keys_that_are_made_at_once_are_all_kept(tmp_path: Path) -> None:
    """Eight processes, eight keys: each reads and writes the file under its lock."""
    code = "import sys; from pathlib import Path; from ratchet.storage.keys.api_keys import Keys; sys.stdin.read(); " \
        "Keys(Path(sys.argv[1])).add(sys.argv[2], ('classify',))"  # fmt: skip
    path = tmp_path / "keys.json"
    makers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), f"k{n}"], stdin=subprocess.PIPE) for n in range(8)
    ]
    for maker in makers:  # all of them wait for the end of their input
        assert maker.stdin is not None
        maker.stdin.close()
    assert [maker.wait() for maker in makers] == [0] * 8
    assert sorted(key.name for key in Keys(path).read()) == [f"k{n}" for n in range(8)]


def test_a_key_has_a_person_and_an_end(tmp_path: Path) -> None:
    """By default its own name; names are in their one form; from its last moment on it has expired."""
    keys, now = Keys(tmp_path / "keys.json"), datetime.now(UTC)
    keys.add("web", ("classify",))
    keys.add("desk", ("annotate",), person="Ann Smith", may_speak_for=["BOB", "bob"], blind=True,
             expires=now + timedelta(days=1))  # fmt: skip
    web, desk = keys.read()
    assert (web.person, web.may_speak_for, web.blind, web.expires) == ("web", (), False, "")
    assert (desk.person, desk.may_speak_for, desk.blind) == ("ann smith", ("bob",), True)
    assert [desk.is_expired(now + timedelta(days=days)) for days in (0, 1, 2)] == [False, True, True]
    assert not web.is_expired(now + timedelta(days=9999))
    with pytest.raises(UsageError, match="has passed"):
        keys.add("late", ("classify",), expires=now - timedelta(seconds=1))
    with pytest.raises(UsageError, match="mixes the scripts"):
        keys.add("odd", ("annotate",), person="\u0430nn")


def test_a_file_of_before_is_read_and_one_that_limits_nothing_known_is_not(tmp_path: Path) -> None:
    """A key of before is its own person; a field that nobody here knows may be a limit, so its file opens nothing."""
    keys = Keys(tmp_path / "keys.json")
    before = {"name": "web", "sha256": "0" * 64, "scopes": ["classify"], "per_minute": 5}
    keys.path.write_text(json.dumps([before]))
    (key,) = keys.read()
    assert (key.person, key.blind, key.ends) == ("web", False, None)
    for wrong in (
        {**before, "only_from": "10.0.0.0/8"},
        {**before, "expires": "soon"},
        {**before, "expires": "2026-01-01"},
    ):
        keys.path.write_text(json.dumps([wrong]))
        with pytest.raises(RatchetError, match="is not a list of keys"):
            keys.read()


def test_a_revoked_key_is_gone_and_the_file_stays(tmp_path: Path) -> None:
    """The last one leaves an empty list: a home whose keys are all revoked is not one without keys."""
    keys = Keys(tmp_path / "keys.json")
    secret = keys.add("web", ("classify",))
    with pytest.raises(UsageError, match="no key 'wep'") as caught:
        keys.revoke("wep")
    assert "'web'" in caught.value.hint
    assert keys.revoke("web").name == "web"
    assert match_key(keys.read(), secret) is None
    assert keys.path.read_text().strip() == "[]"


def test_the_history_says_for_whom_a_key_may_speak(tmp_path: Path) -> None:
    """What decides whose votes count is in the list of changes; lines of before lack it and are read."""
    keys = Keys(tmp_path / "keys.json")
    keys.add("desk", ("annotate",), person="ann", may_speak_for=["bob"], blind=True)
    (change,) = KeysLog(keys.path).read()
    assert change.describe() == "key desk of ann, may annotate; speaks for bob; blind"
    line = json.loads(KeysLog(keys.path).path.read_text())
    for name in ("may_speak_for", "blind", "expires"):
        del line[name]
    KeysLog(keys.path).path.write_text(json.dumps(line) + "\n")
    assert KeysLog(keys.path).read()[0].describe() == "key desk of ann, may annotate"
