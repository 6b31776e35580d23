"""Policy file: `[limits]` and `[promotion]` of a TOML file beside those in force, for `ratchet backtest`.

Add here another table that can be tried; the tables of a classifier are read by `specs.py`.
"""

import json
import tomllib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ratchet.config.policy import Limits, PromotionPolicy
from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.storage.target_profiles import hint_for_toml
from ratchet.storage.toml_lines import line_of

_TABLES: dict[str, Any] = {"limits": Limits, "promotion": PromotionPolicy}


@dataclass(frozen=True)
class TriedPolicy:
    """Limits and rules of a rollout that are tried, and each setting in which they differ from those in force."""

    limits: Limits
    promotion: PromotionPolicy
    differences: tuple[tuple[str, Any, Any], ...] = ()
    """Name of the setting, its value in force, and the value that is tried."""


def read_policy_file(path: Path, in_force: TriedPolicy) -> TriedPolicy:
    """Read a file with one or both tables; keys that it does not name are as in force, other tables are left out.

    Raises `RatchetError` for a file that cannot be read, has neither table, or holds a wrong key or value.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except (FileNotFoundError, IsADirectoryError):
        raise _bad(f"{path} does not exist.", "Name a TOML file with [limits] or [promotion].") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(f"{path} is not valid TOML: {error}.", hint_for_toml(error)) from None
    if not any(isinstance(document.get(table), dict) for table in _TABLES):
        raise _bad(f"{path} has neither [limits] nor [promotion].", "Give the settings to try under one of them.")
    tried, differences = in_force, []
    for table, kind in _TABLES.items():
        if not isinstance(given := document.get(table), dict):
            continue
        before = asdict(getattr(in_force, table))
        for key in given:
            if key not in before:
                hint = nearest(key, list(before)) or f"Known keys here: {', '.join(before)}."
                raise _bad(f"{path.name}{line_of((table, key), text)}: unknown key {table}.{key}.", hint)
        try:
            content = json.dumps({**before, **given}, default=str)
            value = TypeAdapter(kind).validate_json(content, strict=True)
        except ValidationError as error:
            first = error.errors()[0]
            key = str(first["loc"][0]) if first["loc"] else ""
            where = f"{path.name}{line_of((table, key), text)}"
            raise _bad(f"{where}: {table}.{key} is not valid: {first['msg']}.", f"Change {key}.") from None
        except RatchetError as error:
            raise _bad(f"{path.name}: {error.message}", error.hint) from None
        tried = replace(tried, **{table: value})
        after = asdict(value)
        differences += [(f"{table}.{key}", before[key], after[key]) for key in before if before[key] != after[key]]
    return replace(tried, differences=tuple(differences))


def _bad(message: str, hint: str) -> RatchetError:
    return RatchetError(message, hint, code="bad_policy_file")
