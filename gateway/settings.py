"""Settings of the gateway, from the environment: `RATCHET_GATEWAY_PORT=8008` and so on.

Add a setting here, with its bounds; its effect is documented where it is used.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import CLIENT_BODY_S, CLIENT_HEAD_S, FLAG_EVALUATION_S
from ratchet.rollout.trust import CHECKPOINT, PUBLIC_KEY, Trust, trust_of


class Settings(BaseSettings):
    """Settings of one gateway process."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_GATEWAY_", frozen=True, extra="forbid", populate_by_name=True)

    home: Path
    """`RATCHET_HOME` that the gateway serves."""
    host: str = "127.0.0.1"
    port: int = Field(8008, ge=0, le=65535)
    hosts: str = Field("", pattern=r"^[A-Za-z0-9.:_,\[\] -]*$")
    """Names by which clients reach the gateway, such as `ratchet.example.org`, separated by commas. Loopback names and
    the address at which a request arrives always count."""
    open: bool = False
    """True to serve a home without keys, on loopback only and not behind a proxy."""
    max_connections: int = Field(1024, ge=8, le=65_536)
    """Open connections; beyond that the one that has been silent the longest is closed. Fewer where the process may not
    open that many files."""
    max_body_bytes: int = Field(264 * 1024, ge=1024, le=16 * 2**20)
    """Larger bodies are rejected with 413 while they still arrive. The default holds the longest text of files by
    default: 65,536 characters of up to four bytes."""
    max_batch_texts: int = Field(32, ge=1, le=1024)
    """Maximum number of texts in one request, and in one batch."""
    max_waiting: int = Field(256, ge=1, le=100_000)
    """Maximum number of texts that wait for the model; above it, the answer is 429. With several keys each may hold as
    many as there is room left, so one that floods the queue gets half of it."""
    head_s: float = Field(CLIENT_HEAD_S, gt=0, le=600)
    """Seconds for a client to send the head of a request; then it is closed."""
    body_s: float = Field(CLIENT_BODY_S, gt=0, le=3600)
    """Seconds for a client to send the body of a request; then the answer is 408."""
    manual: Path = Path(__file__).parents[1] / "build" / "manual"
    """Folder of the built manual, served at /manual; `make manual` writes it."""
    default_classifier: str | None = None
    """Classifier for clients that name none; if unset, the only classifier that serves."""
    ballast_bytes: int = Field(64 * 2**20, ge=0, le=2**40)
    """Disk space reserved for the ledger and the flags; 0 reserves none."""
    max_shadow_load: float = Field(0.5, ge=0, le=1)
    """Share (0..1) of the last two seconds; while live kept the model busy for longer, shadows wait or are dropped."""
    durable: bool = False
    """True to answer only once the row is on disk; otherwise the row follows within a second."""
    seal_s: float = Field(60.0, gt=0, le=3600)
    """Seconds that rows are collected before they become a Parquet segment."""
    clock_offset_s: float = Field(0.0, ge=-3.2e8, le=3.2e8)
    """Seconds that the times of rows are ahead of this machine's clock; negative for a demonstration of a past week.
    Keys, sessions, caps and the rollout go by the machine's clock."""
    poll_s: float = Field(0.25, gt=0, le=60)
    """Seconds between two looks at the flag file."""
    flag_provider: str = Field("", pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")
    """`package.module:factory` of an OpenFeature provider that replaces the flag file; empty for the file."""
    flag_timeout_s: float = Field(FLAG_EVALUATION_S, gt=0, le=5)
    """Seconds to wait for such a provider; then live answers."""
    public_key: Path | None = Field(None, validation_alias=PUBLIC_KEY)
    """`RATCHET_PUBLIC_KEY`: public key kept outside the home, which is trusted instead of the home's."""
    checkpoint: str = Field("", validation_alias=CHECKPOINT)
    """`RATCHET_CHECKPOINT`: checkpoints kept outside the home, or folders of them, separated as in `PATH`."""
    otlp_endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    """Base URL of an OpenTelemetry collector that accepts OTLP over HTTP; empty for no traces."""

    def now(self) -> datetime:
        """Return the time that a row gets now, in UTC."""
        return datetime.now(UTC) + timedelta(seconds=self.clock_offset_s)

    @property
    def trust(self) -> Trust:
        """Key and checkpoints that vouch for the ledgers from outside the home."""
        return trust_of({PUBLIC_KEY: str(self.public_key or ""), CHECKPOINT: self.checkpoint})


def parse_hosts(listed: str) -> frozenset[str]:
    """Return the names of a list such as `ratchet.example.org, 10.0.0.5:8008`, lower case."""
    return frozenset(listed.lower().replace(",", " ").split())


def read_settings(**given: Any) -> Settings:
    """Return the settings of the environment, overridden by `given`; raises `RatchetError` naming a wrong variable."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise RatchetError(
            f"gateway setting {name} cannot be used: {first['msg']}.",
            f"Correct RATCHET_GATEWAY_{name.upper()}.",
            code="bad_settings",
        ) from None
