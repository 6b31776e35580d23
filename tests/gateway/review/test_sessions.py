"""Sessions end with time, with their key and at a logout; tries are counted by address and by beginning of a key."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.review.login_tries import REMEMBERED, TRIES, LoginTries, names_of_try
from gateway.review.sessions import LASTS_S, MAX_OF_KEY, Sessions
from ratchet.core.digests import digest_bytes
from ratchet.storage.keys.api_keys import Key

ANN = Key("ann", digest_bytes(b"rk_ann"), ("review",), person="ann", made="2026-01-05T10:00:00+00:00")


class Clock:
    """Seconds that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


CHANGES: dict[str, tuple[Key, ...]] = {
    "revoked": (),
    "another scope": (replace(ANN, scopes=("review", "admin")),),
    "fewer scopes": (replace(ANN, scopes=("classify",)),),
    "replaced": (replace(ANN, sha256=digest_bytes(b"rk_new")),),
    "another person": (replace(ANN, person="bob"),),
    "expired": (replace(ANN, expires=(datetime.now(UTC) - timedelta(seconds=1)).isoformat()),),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_session_ends_with_its_key(change: str) -> None:
    """Whatever changes on the key, its sessions are closed, and stay so when the key is as before again."""
    sessions = Sessions()
    opened = sessions.begin(ANN)
    assert sessions.find(opened, (ANN,)) == ANN
    assert sessions.find(opened, CHANGES[change]) is None
    assert sessions.find(opened, (ANN,)) is None


def test_a_session_lasts_eight_hours_and_no_id_is_kept() -> None:
    """256 random bits; the memory holds their digest alone; an expired key ends a session that is still young."""
    clock = Clock()
    sessions = Sessions(clock_s=clock)
    opened = sessions.begin(ANN)
    assert len(opened) == 43
    assert opened not in repr(sessions)
    clock.now_s = LASTS_S - 1
    assert sessions.find(opened, (ANN,)) == ANN
    clock.now_s = LASTS_S
    assert sessions.find(opened, (ANN,)) is None
    short = replace(ANN, expires=(datetime.now(UTC) - timedelta(seconds=1)).isoformat())
    assert sessions.find(sessions.begin(short), (short,)) is None
    for stranger in ("", "x" * 43, "\udcff"):
        assert sessions.find(stranger, (ANN,)) is None


def test_a_logout_ends_one_session_and_many_logins_end_the_oldest() -> None:
    """No client fills the memory: a key has twenty sessions."""
    sessions = Sessions()
    opened = [sessions.begin(ANN) for _ in range(MAX_OF_KEY + 1)]
    assert sessions.find(opened[0], (ANN,)) is None
    assert sessions.find(opened[1], (ANN,)) == ANN
    sessions.end(opened[1])
    assert sessions.find(opened[1], (ANN,)) is None
    assert sessions.find(opened[2], (ANN,)) == ANN


def test_five_tries_a_minute_by_address_and_by_beginning() -> None:
    """The sixth waits, from any address for one beginning and with any key from one address; then it is free again."""
    clock = Clock()
    tries = LoginTries(clock)
    for n in range(TRIES):
        assert tries.wait_s(names_of_try("10.0.0.1", f"rk_{n}")) == 0
        tries.note_failure(names_of_try("10.0.0.1", f"rk_{n}"))
        clock.now_s += 1
    assert tries.wait_s(names_of_try("10.0.0.1", "rk_other")) == 55
    assert tries.wait_s(names_of_try("10.0.0.2", "rk_other")) == 0
    for n in range(TRIES):
        tries.note_failure(names_of_try(f"10.0.1.{n}", "rk_aaaaaXXX"))
    assert tries.wait_s(names_of_try("10.0.2.1", "rk_aaaaaYYY")) == 60
    assert "XXX" not in repr(tries)
    clock.now_s = 60
    assert tries.wait_s(names_of_try("10.0.0.1", "rk_other")) == 0
    for n in range(REMEMBERED + 10):
        tries.note_failure([f"address {n}"])
    assert len(tries._failed) == REMEMBERED
