"""The one form of a label's name, in classifier.toml, golden set, logs, corrections and requests.

Add here what makes two spellings one label, or look like one; which labels exist is `ratchet/config/spec.py`.
"""

import unicodedata
from typing import Any

_LIKE_LATIN = str.maketrans(
    "аеорсухіјѕԁһӏкмтвнАВЕКМНОРСТУХІЈЅαοερνικυτΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑıǀ",
    "aeopcyxijsdhlkmtbhABEKMHOPCTYXIJSaoepvikutABEZHIKMNOPTYXail",
)
"""Cyrillic and Greek letters, and a few others, that look like a Latin letter."""
NFC_SQL = "nfc_normalize({0})"
"""The same form in SQL, of a column that is text; integers become their digits where a file is read."""


def label_form(value: str) -> str:
    """Return the one spelling of a label: Unicode NFC. Case and spaces are kept: see `skeleton`."""
    return unicodedata.normalize("NFC", value)


def read_label(value: Any) -> str | None:
    """Return the label that a JSON or TOML value names: text, an integer's digits, true or false; None for the rest."""
    if isinstance(value, bool):
        return str(value).lower()
    return label_form(value) if isinstance(value, str) else str(value) if isinstance(value, int) else None


def skeleton(label: str) -> str:
    """Return a key that labels share which a person takes for one: case, width, spaces, accents' form, look-alikes."""
    compatible = unicodedata.normalize("NFKC", label)
    visible = "".join(char for char in compatible if unicodedata.category(char) != "Cf")
    return " ".join(visible.translate(_LIKE_LATIN).casefold().translate(_LIKE_LATIN).split())
