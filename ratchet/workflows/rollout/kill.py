"""Kill switch by hand: all traffic to live, entered in the ledger with actor and reason, so that it survives the flag.

Add here a rule for turning it. What the switch does is `ratchet/rollout/flag.py`.
"""

from datetime import UTC, datetime

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import kill_switch, record


def turn_kill_switch(
    home: Home, classifier: str, why: str, *, on: bool, who: str = "", seen: Head | None = None
) -> Entry:
    """Enter that the kill switch is turned, and publish it; repeated, it is entered again with its own reason.

    With `seen` it is turned off on that head of the ledger alone; turning it on wins over whatever came first.

    Where the ledger cannot be read or written, the switch is still turned on in the flag file, and the error says so:
    traffic goes to live, but the switch is lost with that file.
    """
    try:
        state = Ledger(home).state(classifier)
        if state.live is None:
            raise RatchetError(
                f"{classifier} has nothing live, so it has no traffic to switch.",
                f"Promote an adapter first: ratchet promote {classifier} --why TEXT.",
                code="no_flag",
            )
        fresh = {"after": seen} if seen and not on else {}
        return record(
            home, classifier, **fresh, ts=datetime.now(UTC).isoformat(timespec="seconds"), actor=who or actor(),
            action=act.KILL if on else act.UNKILL, why=why, adapter=state.live, receipts={},
            week=state.entered.week if state.entered else "",
        )  # fmt: skip
    except (RatchetError, OSError) as error:
        if not on or (isinstance(error, RatchetError) and error.code == "no_flag"):
            raise
        kill_switch(home, classifier, on=True)
        raise RatchetError(
            f"the kill switch is on in flags.json alone; no entry could be written: {_message(error)}",
            "All traffic goes to live. Fix the ledger and repeat the command, so that the switch is kept.",
            code="not_entered",
        ) from None


def _message(error: Exception) -> str:
    return error.message if isinstance(error, RatchetError) else str(error)
