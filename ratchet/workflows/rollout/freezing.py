"""Freeze of a home in force: what it holds back, for sensors, decisions and commands.

Settings that cannot be read count as a freeze: nobody can tell that there is none. Add here another thing that a freeze
holds back; windows are `ratchet/rollout/freeze.py`.
"""

from dataclasses import replace
from datetime import UTC, datetime

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, Decision
from ratchet.rollout.freeze import find_freeze
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings

_HELD_BACK = frozenset({act.STEP, act.PROMOTE, act.EXPIRE})
"""Steps up; and the end of an attempt by its deadline, which the freeze may have cost its time."""


def load_freeze(home: Home, classifier: str, now: datetime | None = None) -> str:
    """Return why nothing of a classifier enters or steps up now; empty where nothing is frozen."""
    try:
        freeze = read_home_settings(home).freeze
    except RatchetError as error:
        return f"it is not known whether changes are frozen: {error.message.rstrip('.')}"
    return find_freeze(freeze, classifier, now or datetime.now(UTC))


def apply_freeze(decision: Decision, frozen: str) -> Decision:
    """Return `decision`, held where it would step up or expire in a freeze; every rollback is left as it is."""
    if not frozen or decision.action not in _HELD_BACK:
        return decision
    sentence = f"Held: {frozen}; then: {decision.sentence}"
    return replace(decision, action=STAY, percent=0, sentence=sentence, state="Held: frozen")


def need_thaw(home: Home, classifier: str, what: str, *, override: bool) -> None:
    """Raise `RatchetError` for a change by hand in a freeze, unless its user gave `--during-freeze`."""
    if not override and (frozen := load_freeze(home, classifier)):
        raise RatchetError(
            f"{frozen}, so {what} is refused.",
            "Wait, or say so: --during-freeze, with the reason in --why. Rollback, hold and kill go on.",
            code="frozen",
        )
