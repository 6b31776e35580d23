"""Text of users made visible: hidden and direction-changing characters are shown as escapes.

Every word of a user that a page or a terminal shows passes through here. Escaping for HTML comes after it.
"""

import unicodedata

_JOINERS = "\u200c\u200d"  # drawn as part of a letter or an emoji: ordinary writing in many languages
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MARKS_AT_MOST = 4


def make_visible(text: str, at_most: int = 0) -> str:
    """Return `text` with every control, bidirectional, private or unassigned character as an escape: `\\u202e`.

    At most four combining marks in a row are kept, so that no text is drawn over its neighbours. `at_most` cuts to that
    many characters and adds an ellipsis; 0 keeps all. The result is plain text, still to be escaped for HTML.
    """
    shown: list[str] = []
    size = marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if (category in _HIDDEN and character not in _JOINERS) or marks > _MARKS_AT_MOST:
            character = character.encode("unicode_escape", "surrogatepass").decode("ascii")
        size += len(character)
        if at_most and size > at_most:
            return "".join([*shown, "…"])
        shown.append(character)
    return "".join(shown)
