"""The one form of a label's name, in classifier.toml, golden set, logs, corrections and requests.

Add here what makes two spellings one label, or look like one; which labels exist is `ratchet/config/spec.py`.
"""

import json
import unicodedata
from contextlib import suppress
from typing import Any

_LIKE_LATIN = str.maketrans(
    "аеорсухіјѕԁһӏкмтвнАВЕКМНОРСТУХІЈЅαοερνικυτΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑıǀ",
    "aeopcyxijsdhlkmtbhABEKMHOPCTYXIJSaoepvikutABEZHIKMNOPTYXail",
)
"""Cyrillic and Greek letters, and a few others, that look like a Latin letter."""
_LIST_SQL = "TRY_CAST({0} AS JSON)"
_ONE_SQL = f"json_array_length({_LIST_SQL}) = 1 AND json_type({_LIST_SQL}, '$[0]') = 'VARCHAR'"
LABEL_SQL = (
    "nfc_normalize(nullif(CASE WHEN starts_with({0}, '[') THEN CASE WHEN trim({0}, '[] ') = '' THEN NULL"
    f" WHEN {_ONE_SQL} THEN json_extract_string({_LIST_SQL}, '$[0]') ELSE {{0}} END ELSE {{0}} END, ''))"
)
"""The same as `label_of` in SQL, of a column that is text; integers become their digits where a file is read."""


def label_form(value: str) -> str:
    """Return the one spelling of a label: Unicode NFC. Case and spaces are kept: see `skeleton`."""
    return unicodedata.normalize("NFC", value)


def read_label(value: Any) -> str | None:
    """Return the label that a JSON or TOML value names: text, an integer's digits, true or false; None for the rest."""
    if isinstance(value, bool):
        return str(value).lower()
    return label_form(value) if isinstance(value, str) else str(value) if isinstance(value, int) else None


def label_of(value: Any) -> str | None:
    """Return the label that a row of a file names: as `read_label`, or the one text of a list; None for none.

    Annotation tools that allow several labels write a list of the one, in a table as the text of that list. An empty
    text or list counts as none.
    """
    if isinstance(value, str) and value.startswith("["):
        with suppress(ValueError, RecursionError):
            value = (
                found if len(found := json.loads(value)) < 2 and all(isinstance(each, str) for each in found) else value
            )
    if isinstance(value, list):
        value = value[0] if len(value) == 1 and isinstance(value[0], str) else None
    return read_label(value) or None


def skeleton(label: str) -> str:
    """Return a key that labels share which a person takes for one: case, width, spaces, accents' form, look-alikes."""
    compatible = unicodedata.normalize("NFKC", label)
    visible = "".join(char for char in compatible if unicodedata.category(char) != "Cf")
    return " ".join(visible.translate(_LIKE_LATIN).casefold().translate(_LIKE_LATIN).split())
