"""A freeze in force: what it holds back, what goes on, and settings that cannot be read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, Decision
from ratchet.storage.home import Home
from ratchet.workflows.rollout.freezing import apply_freeze, load_freeze, need_thaw

NOW = datetime(2026, 12, 24, 12, tzinfo=UTC)
WINDOW = '[[freeze.window]]\nstart = "2026-12-20"\nend = "2027-01-03"\nwhy = "holiday peak"\n'


@pytest.mark.parametrize(
    ("action", "held"),
    [
        (act.STEP, True), (act.PROMOTE, True), (act.EXPIRE, True), (act.ROLLBACK, False), (act.REJECT, False),
        (act.RELEASE, False), (STAY, False),
    ],
)  # fmt: skip
def test_steps_are_held_and_rollbacks_go_on(action: str, held: bool) -> None:
    """What it would have done stands in the sentence; figures stay, so that evidence goes on to count."""
    decision = Decision(action, "Step 25 %: shown", "Step 5 %", "a" * 64, percent=25, figures={"whole": 1})
    found = apply_freeze(decision, "changes are frozen until 2027-01-04 00:00 UTC")
    assert (found.action == STAY and found.state == "Held: frozen") is held
    assert ("frozen until" in found.sentence, found.figures) == (held, {"whole": 1})
    assert apply_freeze(decision, "") == decision


def test_settings_say_whether_it_is_frozen(tmp_path: Path) -> None:
    """No file: nothing is; a file that cannot be read counts as a freeze, since nobody can tell that there is none."""
    home = Home(tmp_path)
    assert load_freeze(home, "tickets", NOW) == ""
    home.settings.write_text(WINDOW)
    assert load_freeze(home, "tickets", NOW).endswith("until 2027-01-04 00:00 UTC (holiday peak)")
    home.settings.write_text("[freeze\n")
    assert load_freeze(home, "tickets", NOW).startswith("it is not known whether changes are frozen")


def test_a_change_by_hand_needs_to_be_said(tmp_path: Path) -> None:
    """Refused with the end of the window and what to write; with that, it goes on."""
    home = Home(tmp_path)
    home.settings.write_text('[[freeze.window]]\nstart = "2000-01-01"\nend = "2999-01-01"\n')
    with pytest.raises(RatchetError, match="frozen until 2999-01-02") as found:
        need_thaw(home, "tickets", "a promotion by hand", override=False)
    assert "--during-freeze" in found.value.hint
    need_thaw(home, "tickets", "a promotion by hand", override=True)
