"""Settings of a home, `<home>/settings.toml`: public addresses, alerts and freeze windows.

Add a table here, its keys in a file of their own; what belongs to one classifier is `ratchet/config/spec.py`, what
belongs to one gateway process is `gateway/settings.py`.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ratchet.config.alerts import Alerts
from ratchet.config.freeze import Freeze
from ratchet.config.validation import STRICT, bad_spec


@dataclass(frozen=True)
class Addresses:
    """Public addresses of the pages, for links in messages, in Dagster and in files."""

    __pydantic_config__ = STRICT

    gateway: str = "http://127.0.0.1:8008"
    """Address of the gateway as browsers reach it; a path before its pages is allowed."""
    dagster: str = "http://127.0.0.1:3000"
    """Address of Dagster's UI as browsers reach it."""

    def __post_init__(self) -> None:
        for name in ("gateway", "dagster"):
            _check_address(f"addresses.{name}", getattr(self, name))


@dataclass(frozen=True)
class HomeSettings:
    """Tables of the file; a home without one has the defaults."""

    __pydantic_config__ = STRICT

    addresses: Addresses = field(default_factory=Addresses)
    alerts: Alerts = field(default_factory=Alerts)
    freeze: Freeze = field(default_factory=Freeze)


def _check_address(key: str, value: str) -> None:
    """Raise unless `value` is an http address without name, password, query and fragment; it is not repeated."""
    try:
        address = urlsplit(value)
        _ = address.port
    except ValueError:
        address = urlsplit("")
    plain = value.isascii() and value.isprintable() and not set(value) & set(" <>\"'\\?#")
    if not plain or address.scheme not in ("http", "https") or not address.hostname or "@" in address.netloc:
        raise bad_spec(
            f"{key} is not the address of a page.",
            "Write it as 'https://host' or 'http://127.0.0.1:8008', without name, password, '?' or '#'.",
        )
