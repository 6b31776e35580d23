"""Name of the operating system's user who runs this process, for histories.

Add here another fact about that user.
"""

import getpass
import os


def current_user() -> str:
    """Return the user's name; their number where the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
