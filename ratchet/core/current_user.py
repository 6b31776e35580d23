"""Name of the operating system's user who runs this process, for histories.

Add here another fact about that user.
"""

import getpass
import os

from ratchet.core.errors import RatchetError

_NAME_AT_MOST = 80


def current_user() -> str:
    """Return the user's name; their number where the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def name_person(who: str = "") -> str:
    """Return who decides, for a history: `who` with the account of this process, or the account alone.

    Raises `RatchetError` where `who` cannot stand in one line.
    """
    named, account = " ".join(who.split()), current_user()
    if len(named) > _NAME_AT_MOST or not named.isprintable():
        raise RatchetError(
            f"{named[:40]!r} is not a name.", f"Give at most {_NAME_AT_MOST} printable characters.", code="no_name"
        )
    return f"{named} (account {account})" if named and named != account else account
