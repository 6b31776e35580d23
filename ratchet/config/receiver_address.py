"""Addresses of receivers with secrets from the environment: `slack://${SLACK_TOKEN}/#ops`.

Add here another way to name a secret. The result is a secret as a whole: it is handed to whoever sends, and to nobody
else; errors name the variable, never a value.
"""

import re
from collections.abc import Mapping

from ratchet.core.errors import RatchetError

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CREDENTIALS = re.compile(r"://[^/?#]*[^/?#:@]@|[?&](?:token|key|secret|pass(?:word)?)=[^$]", re.IGNORECASE)


def variables_of(address: str) -> list[str]:
    """List the environment variables that an address names."""
    return _VARIABLE.findall(address)


def fill_address(address: str, environment: Mapping[str, str]) -> str:
    """Return the address with its variables replaced; raises `RatchetError` that names the first one missing."""
    for name in variables_of(address):
        if not _NAME.fullmatch(name):
            raise RatchetError("a variable in its address has no valid name.", "Write it as ${NAME}.", code="no_secret")
        if not environment.get(name):
            raise RatchetError(
                f"the environment variable {name} is not set.",
                f"Set {name} where alerts are sent from: for the Dagster daemon, or the cron job.",
                code="no_secret",
            )
    return _VARIABLE.sub(lambda found: environment[found[1]], address)


def holds_secret(address: str) -> bool:
    """True where an address seems to hold a password or token as it stands, instead of a variable."""
    plain = _VARIABLE.sub("", address)
    scheme = plain.partition("://")[0].lower()
    return bool(_CREDENTIALS.search(plain)) or (not variables_of(address) and scheme not in _OPEN)


_OPEN = ("json", "jsons", "xml", "xmls", "form", "forms", "http", "https", "syslog", "dbus")
"""Schemes that need no secret."""
