"""The gate key and the receipts that it signs survive a kill at every line: a key with its other half, a whole file."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.storage.home import Home
from ratchet.storage.keys.gate_key import gate_key, gate_public, replace_gate_key
from ratchet.storage.receipt_file import is_sealed_by, read_receipt
from ratchet.storage.receipts import Receipts
from ratchet.testing.killed_processes import fork_until_failpoint, run_and_kill

CYCLE = Cycle("small", parse_week("2026-01-05"))
SIGN = """
import sys
from pathlib import Path
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.verdict import Verdict
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
home, number = Home(Path(sys.argv[1])), 0
while True:
    number += 1
    Receipts(home).write(Cycle("small", parse_week("2026-01-05")), "leakage", Verdict("passed", "x" * (number % 7)), {})
    print(number, flush=True)
"""


def write(home: Home) -> Path:
    """Write a receipt, as the next run of the checks does; its file."""
    Receipts(home).write(CYCLE, "leakage", Verdict("passed", "fine"), {})
    return home.receipts(CYCLE) / "leakage.json"


@pytest.mark.parametrize("another", [False, True], ids=["a first pair", "another pair"])
@pytest.mark.parametrize("failpoint", ["keys.before_private", "keys.after_private", "receipts.before_write"])
def test_killed_between_key_signature_and_file_the_next_run_goes_on(
    tmp_path: Path, failpoint: str, *, another: bool
) -> None:
    """F17: with one pair whose halves belong together, and a receipt that it signed."""
    home = Home(tmp_path)
    if another:
        write(home)
    before = gate_public(home)
    making = another and failpoint.startswith("keys.")
    assert fork_until_failpoint(lambda: replace_gate_key(home) if making else write(home), failpoint) == -9
    receipt = read_receipt(write(home))
    public = gate_public(home)
    assert is_sealed_by(receipt, public)
    assert gate_key(home).public_key().public_bytes_raw().hex() == public
    assert (public == before) is (another and failpoint != "keys.after_private")
    assert home.gate_key.stat().st_mode & 0o777 == 0o600


def test_a_lost_half_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    """Nothing is signed by another key unasked; asked for another pair, there is one."""
    home = Home(tmp_path)
    write(home)
    old = gate_public(home)
    home.gate_key.unlink()
    with pytest.raises(RatchetError, match=r"gate_key\.pem is missing.*ratchet gate-key --new --why TEXT") as caught:
        write(home)
    assert caught.value.code == "no_gate_key"
    replace_gate_key(home)
    assert is_sealed_by(read_receipt(write(home)), gate_public(home))
    assert gate_public(home) != old
    home.gate_key.write_text("not a key")
    with pytest.raises(RatchetError, match="not an Ed25519 key"):
        write(home)


@pytest.mark.faults
def test_kill_9_at_random_leaves_a_whole_receipt(tmp_path: Path, planned: Callable[[str, int], int]) -> None:
    """F17 with P kills while the same receipt is written again and again."""
    home, draw = Home(tmp_path), random.Random(1)  # noqa: S311 - test data
    for _ in range(planned("P", 2)):
        run_and_kill(SIGN, (tmp_path,), draw.randint(1, 40))
        assert is_sealed_by(read_receipt(home.receipts(CYCLE) / "leakage.json"), gate_public(home))
