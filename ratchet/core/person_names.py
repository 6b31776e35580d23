"""Names of people, brought to one form by one function, so that nobody counts twice by writing a name in two ways.

Gateway, intake, keys and `[people]` of `classifier.toml` all call `normalise_name`. Add here another way in which one
name is written in two forms; which names belong to one person is `ratchet/config/people.py`.
"""

import re
import unicodedata

from ratchet.core.blank_text import INVISIBLE

MAX_CHARS = 200
PLAIN_NAME = r"[a-z0-9_.-]+"
"""Regular expression, for Python and SQL, of names that are in their one form already: nearly all."""
_ADDRESSED = re.compile(r"[^<>]*<\s*([^<>\s@]+@[^<>\s@]+)\s*>")
_MAIL = re.compile(r"([^\s@+]+)(?:\+[^\s@]*)?@([^\s@]+?)\.?")
_TOGETHER = (frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}),)
"""Scripts that one name may hold together: those of Japanese, Korean and Chinese, also beside Latin."""


class BadNameError(ValueError):
    """Raised for a name that cannot stand for a person; the message begins with a verb, as `is empty`."""


def normalise_name(name: str) -> str:
    """Return the one form of a person's name or mail address; raises `BadNameError`.

    Case, width and accents have one form, spaces are single, `Ann Smith <Ann+x@corp.example>` is `ann@corp.example`. A
    name of letters from several scripts is refused: a Cyrillic letter among Latin ones only looks like another name.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    folded = " ".join(folded.split())
    if INVISIBLE.search(folded.replace(" ", "")):
        raise BadNameError("holds control characters or invisible ones")
    if found := _ADDRESSED.fullmatch(folded):
        folded = found[1]
    if found := _MAIL.fullmatch(folded.removeprefix("mailto:")):
        folded = f"{found[1]}@{found[2]}"
    if not folded:
        raise BadNameError("is empty")
    if len(folded) > MAX_CHARS:
        raise BadNameError(f"is longer than {MAX_CHARS} characters")
    scripts = {script_of(letter) for letter in folded if letter.isalpha()}
    if len(scripts) > 1 and not any(scripts <= together for together in _TOGETHER):
        raise BadNameError(f"mixes the scripts {' and '.join(sorted(scripts))}")
    return folded


def script_of(letter: str) -> str:
    """Return the first word of a letter's Unicode name, which is its script: `LATIN`, `CYRILLIC`, `CJK`."""
    return unicodedata.name(letter, "UNKNOWN").split()[0]
