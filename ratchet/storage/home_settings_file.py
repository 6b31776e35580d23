"""Reader of `<home>/settings.toml`: public addresses, alerts and freeze windows, checked.

Add here faults of the file on disk (syntax, unknown keys); rules about values belong in `ratchet/config/`. No error
repeats a value of `[alerts]`, which may hold a secret by mistake.
"""

import json
import tomllib
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from ratchet.config.home_settings import HomeSettings
from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.storage.home import Home
from ratchet.storage.target_profiles import hint_for_toml
from ratchet.storage.toml_lines import line_of

_UNKNOWN = frozenset({"unexpected_keyword_argument", "extra_forbidden"})


def read_home_settings(home: Home) -> HomeSettings:
    """Read and check the settings of a home; a missing file has the defaults. Raises `RatchetError` with the line."""
    path = home.settings
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return HomeSettings()
    except OSError as error:
        hint = "Let this user read it."
        raise RatchetError(f"{path} cannot be read: {error.strerror}.", hint, code="bad_settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # the parser's words, not the line: it may hold an address
        raise RatchetError(f"{path} is not valid TOML: {error}.", hint_for_toml(error), code="bad_settings") from None
    try:
        return _form().validate_json(json.dumps(document, default=str), strict=True)
    except ValidationError as error:
        # an unknown key first: a misspelt one is missing under its right name as well
        found = sorted(error.errors(include_context=False), key=lambda each: each["type"] not in _UNKNOWN)
        raise _explain(found[0], path.name, text) from None
    except RatchetError as error:
        where = f"{path.name}{_place_of_value(error.message, text)}"
        raise RatchetError(f"{where}: {error.message}", error.hint, code="bad_settings") from None


@cache
def _form() -> TypeAdapter[HomeSettings]:
    return TypeAdapter(HomeSettings)


def _explain(error: ErrorDetails, name: str, text: str) -> RatchetError:
    location = error["loc"]
    words = [part for part in location if isinstance(part, str)]
    dotted, key = ".".join(words), words[-1] if words else ""
    where = f"{name}{_line_of(location, text)}"
    if error["type"] in _UNKNOWN:
        known = _keys_at(words[:-1])
        hint = nearest(key, known) or f"Known keys here: {', '.join(known)}."
        return RatchetError(f"{where}: unknown key {dotted!r}.", hint, code="bad_settings")
    if error["type"] in {"missing", "missing_argument"}:
        return RatchetError(f"{where}: {dotted!r} is missing.", f"Add {key} to the table.", code="bad_settings")
    shown = "" if "alerts" in words else f" = {json.dumps(error['input'], default=str)[:60]}"
    found = f"{where}: {dotted}{shown} is not valid: {error['msg']}."
    return RatchetError(found, f"Change {key}.", code="bad_settings")


def _line_of(location: tuple[int | str, ...], text: str) -> str:
    """Return ` line N` of a setting, in a table of many entries too; '' when not found."""
    words = [part for part in location if isinstance(part, str)]
    number = next((part for part in location if isinstance(part, int)), 0)
    for size in range(len(words), 0, -1):
        table, rest = ".".join(words[:size]), words[size:]
        if found := line_of((table, number, *rest[-1:]), text) or (line_of((table, *rest[-1:]), text)):
            return found
    return ""


def _place_of_value(message: str, text: str) -> str:
    """Return ` line N` of the setting that the message of a rule begins with; '' when not found."""
    table, _, key = message.split(" ", 1)[0].partition(".")
    return _line_of((table, key), text) or _line_of((table,), text)


def _keys_at(words: list[str]) -> list[str]:
    """Return the keys that the table at `words` knows."""
    kind: Any = HomeSettings
    for word in words:
        hint = get_type_hints(kind).get(word)
        kind = next((each for each in (hint, *get_args(hint)) if is_dataclass(each)), kind)
    return [each.name for each in fields(kind)]
