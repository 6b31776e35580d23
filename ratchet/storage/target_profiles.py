"""Deployment targets: the built-in ones, and a home's own from `targets.toml`.

Add here faults of such a file; rules about values are in `ratchet/deployment/profiles.py`.
"""

import json
import re
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
    """Return every target by name: the built-in ones and the home's own, which may not reuse a built-in name."""
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
            raise _bad(f"{path.name}: {name!r} is a built-in target.", f"Rename yours, to {name}_2 for instance.")
    return {**known, **own}


def built_in_targets() -> dict[str, Profile]:
    """Return the targets that come with Ratchet, of which a home's files set nothing."""
    source = files("ratchet.deployment") / "built_in.toml"
    parsed = parse_targets(source.read_text(encoding="utf-8"), Path("built_in.toml"))
    return {name: profile.of_file({}) for name, profile in parsed.items()}


def parse_targets(text: str, path: Path) -> dict[str, Profile]:
    """Parse the targets in `text`, one table each; raises `RatchetError` with the file, the key and a hint."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"{path.name} is not valid TOML: {error}.", hint_for_toml(error)) from None
    result = {}
    for name, table in document.items():
        if not isinstance(table, dict):
            raise _bad(f"{path.name}: {name!r} is outside every target.", "Write it below a [name-of-the-target].")
        if "name" in table:
            raise _bad(f"{path.name}: [{name}] has a key 'name'.", "Remove it: the heading is the name.")
        try:
            profile = _form().validate_json(json.dumps({**table, "name": name}, default=str), strict=True)
            result[name] = profile.of_file(table)
        except ValidationError as error:
            raise _explain(error, name, path) from None
        except RatchetError as error:
            raise _bad(f"{path.name} [{name}]: {error.message}", error.hint) from None
    return result


def hint_for_toml(error: ValueError) -> str:
    """Return the hint for a file that cannot be decoded: the line to fix, where the error names one."""
    if isinstance(error, UnicodeDecodeError):
        return "Save it as UTF-8."
    line = re.search(r"at line (\d+)", str(error))
    return f"Fix line {line[1]}." if line else "Fix the end of the file."


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
        return _bad(f"{where}: {key!r} is missing.", f"Add {key}; `ratchet docs targets` shows a whole target.")
    return _bad(
        f"{where}: {'.'.join(location)} = {str(first['input'])[:60]!r} is not valid: {first['msg']}.", f"Change {key}."
    )


def _bad(message: str, hint: str) -> RatchetError:
    return RatchetError(message, hint, code="bad_target")
