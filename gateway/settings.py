"""What an operator may set, from the environment: `RATCHET_GATEWAY_PORT=8008` and so on.

Add a setting here, with its bounds; what it does is said where it is used.
"""

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from ratchet.core.errors import RatchetError


class Settings(BaseSettings):
    """How one gateway process runs."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_GATEWAY_", frozen=True, extra="forbid")

    home: Path
    """The `RATCHET_HOME` that it serves."""
    host: str = "127.0.0.1"
    port: int = Field(8008, ge=0, le=65535)
    max_body_bytes: int = Field(64 * 1024, ge=1024, le=16 * 2**20)
    """Larger bodies are refused with 413 while they still arrive."""
    max_batch_texts: int = Field(32, ge=1, le=1024)
    """Texts that one request may hold, and that are answered together."""
    max_waiting: int = Field(256, ge=1, le=100_000)
    """Texts that may wait for the model; beyond, the answer is 429."""
    default_classifier: str | None = None
    """Who answers a client that names none; without, the only classifier that serves."""
    ballast_bytes: int = Field(64 * 2**20, ge=0, le=2**40)
    """Room that is held back on the disk for the ledger and the flags; 0 holds none."""
    max_shadow_load: float = Field(0.5, ge=0, le=1)
    """Shadows wait, and are dropped when too many do, while live kept the model busy for a larger share of the last two
    seconds."""
    durable: bool = False
    """Whether an answer waits until its row is on disk; without, the row follows within a second."""
    seal_s: float = Field(60.0, gt=0, le=3600)
    """How long rows gather before they become a Parquet segment."""
    poll_s: float = Field(0.25, gt=0, le=60)
    """How often the flag file is looked at."""
    flag_provider: str = Field("", pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")
    """`package.module:factory` of an OpenFeature provider that decides in the flag file's place; empty for the file."""
    flag_timeout_s: float = Field(0.05, gt=0, le=5)
    """How long such a provider is waited for; then live answers."""
    otlp_endpoint: str = Field("", pattern=r"^(https?://\S+)?$")
    """Base address of an OpenTelemetry collector that takes OTLP over HTTP; empty for no traces."""


def read_settings(**given: Any) -> Settings:
    """The settings of the environment, where `given` does not say otherwise; raises `RatchetError` naming the wrong
    variable."""
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"])
        raise RatchetError(
            f"gateway setting {name} cannot be used: {first['msg']}.",
            f"Set RATCHET_GATEWAY_{name.upper()} otherwise.",
            code="bad_settings",
        ) from None
