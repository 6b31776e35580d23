"""Homes without keys: when a gateway may serve one, which the operator has to say.

Add here another condition for it; what an open gateway refuses later on is `request_guard.py`.
"""

import ipaddress

from gateway.settings import Settings
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home


def check_open(home: Home, settings: Settings) -> None:
    """Raise `RatchetError` unless the operator opened a home without keys, on loopback."""
    make = "ratchet key NAME --scope classify"
    if not settings.open:
        # the file may be lost, as in a restore: nothing is open because something is missing
        raise RatchetError(
            f"{home.root} has no keys, so nothing could tell who sends a request.",
            f"Make a key with '{make}', or open the gateway to every process of this machine with"
            " 'ratchet serve --open'.",
            code="no_keys",
        )
    if not is_loopback(settings.host):
        raise RatchetError(
            f"{home.root} has no keys, so the gateway can be open on loopback only, not on {settings.host}.",
            f"Make a key with '{make}', or omit --host.",
            code="open_gateway",
        )


def is_loopback(host: str) -> bool:
    """True where only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
