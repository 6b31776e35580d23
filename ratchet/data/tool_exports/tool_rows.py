"""Rows that every tool's reader yields: a request as it was served, or a label that somebody gave.

Add here what readers share; each tool has its own file, and `registry.py` lists them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class FieldNames:
    """Names of fields as `--map` gives them; empty ones are found by themselves."""

    text: str = ""
    label: str = ""
    request_id: str = ""
    ts: str = ""


@dataclass(frozen=True)
class ServedRequest:
    """Request with the label that was served for it."""

    request_id: Any
    ts: Any
    text: Any
    label: Any
    adapter: Any = None
    latency_ms: Any = None
    confidence: Any = None


@dataclass(frozen=True)
class ToolLabel:
    """Label of a text by somebody, or the reason why there is none."""

    text: Any = None
    label: Any = None
    request_id: Any = None
    annotator: Any = None
    ts: Any = None
    saw_prediction: bool | None = None
    """True where the tool showed a prediction; None where the export does not say what was seen."""
    seconds: Any = None
    note: Any = None
    reason: str = ""


def value_of(fields: Mapping[str, Any], *names: str) -> Any:
    """Return the value of the first of `names` that has one, in any case; None where none has."""
    folded = {str(key).strip().casefold(): value for key, value in fields.items()}
    for name in filter(None, names):
        for value in (fields.get(name), folded.get(name.casefold())):
            if value is not None and value != "":
                return value
    return None


def instant_of_epoch(seconds: Any) -> str | None:
    """Return seconds since 1970 as RFC 3339 in UTC; None for anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """Return a JSON list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []
