"""Reads deployment targets: the built-in ones, and a home's own from `targets.toml`.

Add here what such a file can have wrong; rules about values are in `ratchet/deployment/profiles.py`.
"""

import json
import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.deployment.profiles import Bounds, Profile
from ratchet.storage.home import Home


def read_targets(home: Home) -> dict[str, Profile]:
    """Every target by name: the built-in ones and the home's own, which may not take a built-in's name."""
    path = home.root / "targets.toml"
    known = built_in_targets()
    if not path.exists():
        return known
    try:
        own = parse_targets(path.read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise _bad(f"{path.name} is not valid TOML: {error}.", "Save it as UTF-8.") from None
    for name in own:
        if name in known:
            raise _bad(f"{path.name}: {name!r} is a built-in target.", f"Call yours {name}_2, or anything else.")
    return {**known, **own}


def built_in_targets() -> dict[str, Profile]:
    """The targets that come with Ratchet."""
    source = files("ratchet.deployment") / "built_in.toml"
    return parse_targets(source.read_text(encoding="utf-8"), Path("built_in.toml"))


def parse_targets(text: str, path: Path) -> dict[str, Profile]:
    """The targets in `text`, one table each; raises `RatchetError` that names the file, the key and the cure."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"{path.name} is not valid TOML: {error}.", "Mend the line it names.") from None
    result = {}
    for name, table in document.items():
        if not isinstance(table, dict):
            raise _bad(f"{path.name}: {name!r} is outside every target.", "Write it below a [name-of-the-target].")
        if "name" in table:
            raise _bad(f"{path.name}: [{name}] has a key 'name'.", "Remove it: the heading is the name.")
        try:
            result[name] = _form().validate_json(json.dumps({**table, "name": name}, default=str), strict=True)
        except ValidationError as error:
            raise _explain(error, name, path) from None
        except RatchetError as error:
            raise _bad(f"{path.name} [{name}]: {error.message}", error.hint) from None
    return result


@cache
def _form() -> TypeAdapter[Profile]:
    return TypeAdapter(Profile)


def _explain(error: ValidationError, target: str, path: Path) -> RatchetError:
    first: Any = error.errors()[0]
    location = [part for part in first["loc"] if isinstance(part, str)]
    key, where = location[-1] if location else "", f"{path.name} [{target}]"
    if first["type"] in {"unexpected_keyword_argument", "extra_forbidden"}:
        known = [*(Bounds if len(location) > 1 else Profile).__dataclass_fields__]
        return _bad(
            f"{where}: unknown key {'.'.join(location)!r}.",
            nearest(key, known) or f"Known keys here: {', '.join(known)}.",
        )
    if first["type"] in {"missing", "missing_argument"}:
        return _bad(f"{where}: {key!r} is missing.", f"Add {key}; docs/targets.md shows a whole target.")
    return _bad(
        f"{where}: {'.'.join(location)} = {str(first['input'])[:60]!r} does not fit: {first['msg']}.", f"Change {key}."
    )


def _bad(found: str, cure: str) -> RatchetError:
    return RatchetError(found, cure, code="bad_target")
