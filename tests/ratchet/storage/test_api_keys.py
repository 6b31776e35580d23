"""Keys are kept as digests, matched whole, and limited to known scopes."""

from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError, UsageError
from ratchet.storage.api_keys import Keys, match_key


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
    assert keys.path.stat().st_mode & 0o077 == 0


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
