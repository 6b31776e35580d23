"""Encodings of text files: a file is decoded as a whole or refused as a whole, never by the line.

Files of Excel come in UTF-16 with a mark, or in the Windows code page of their country. A code page is never marked: it
is taken for the Western one only where the whole text is written as Western languages write, with single accented
letters among plain ones; anything else is refused with the command that converts it. Add here another mark.
"""

import codecs
import re
from pathlib import Path

from ratchet.storage.row_files.formats import UnreadableError

_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CHARACTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_DAMAGE = re.compile(
    rb"[\xfe\xff]+|\xed[\xa0-\xbf][\x80-\xbf]|(?<=[a-z])[\xc2-\xc5](?![\x80-\xbf])|\xe2\x80(?![\x80-\xbf])"
)
"""Bytes of no encoding of text, or half a character, which would be a capital within a word: they are damage of a file
in UTF-8, and cost their own line."""
_LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜàáâãäåæçèéêëìíîïñòóôõöøùúûüßŒœŠšŽžŸ"
_SIGNS = (
    "\u20ac\u201a\u201e\u2026\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u2122"
    "\u00a0\u00a1\u00a3\u00a7\u00a9\u00ab\u00ae\u00b0\u00b4\u00b7\u00bb\u00bf"
    "\u00b2\u00b3\u00bc\u00bd\u00be\u00ba\u00aa\u00b5\u00d7\u00b1\u00a2\u00a5\u00ad\u2030\u2039\u203a"
)
_WESTERN = re.compile(f"[{_LETTERS}]|[{_SIGNS}]")
_IN_WORD = re.compile(
    "[A-Za-z][\u201a\u201e\u2026\u2018\u201c\u201d\u2022\u2039\u203a\u00d7\u00ba\u00aa\u00b2\u00b3][A-Za-z]"
    "|[A-Za-z][\u00bc\u00bd\u00be\u00b1\u00b5\u00a2\u00a5\u2030]|[\u00bc\u00bd\u00be\u00b1\u00a2\u00a5\u2030\u00b2\u00b3\u00ba\u00aa][A-Za-z]"
    "|[A-Za-z]{2}[\u00ba\u00aa]|(?<![kcdm])[a-ln-z][\u00b2\u00b3]|[a-z]{2}m[\u00b2\u00b3]"
    "|[a-z][\u0160\u017d\u0178]|(?<![A-Za-z])[\u0160\u017d\u0178](?![a-zA-Z])"
)
"""A sign within or beside a word, or a capital behind a small letter: a letter of DOS, a Mac or another code page."""
_CARONS = tuple(("\u0161" + odd, "") for odd in "\u00e8\u00e6\u00ec\u00f8\u00f9\u00f2\u00ef") + tuple(
    ("\u017e" + odd, "") for odd in "\u00e8\u00e6\u00ec\u00f8\u00f9\u00f2\u00ef"
)
_STRANGERS = (*_CARONS, ("õ", "ã"), ("û", "éàùêô"), ("î", "éàùêô"), ("ãî", ""), ("øè", ""), ("øì", ""), ("øù", ""))
"""Letters that no Western text has together, each with those that make them probable: Hungarian, Latvian, Czech."""
_RUN = re.compile("[\u0080-\uffff]{4,}")
_MOST_ACCENTS = 0.25
"""Share of accented letters among all: French and Swedish stay under 0.1, another script has over 0.5."""
_FEW = 0.2
"""Share of bytes outside characters of UTF-8 up to which broken lines are damaged UTF-8."""
HINT = "save it as UTF-8 (in Excel: 'CSV UTF-8'), or convert it: iconv -f WINDOWS-1251 -t UTF-8, with its own encoding"


def marked_encoding(start: bytes) -> str | None:
    """Return the encoding that the first bytes of a file show, by a mark or by the zeros of UTF-16; None for UTF-8."""
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    head = start[:64]
    for first, encoding in ((0, "utf-16-le"), (1, "utf-16-be")):
        letters, zeros = head[first::2], head[1 - first :: 2]
        if len(head) >= 8 and not any(zeros) and b"\0" not in letters and not letters.isspace():
            return encoding
    return None


def find_encoding(path: Path) -> str | None:
    """Return the one encoding in which a file that is not UTF-8 can be decoded; None for damaged UTF-8.

    Raises `UnreadableError` for an encoding that its bytes do not show.
    """
    whole = broken = plain = high = left_over = 0
    western, letters = True, set[str]()
    with path.open("rb") as lines:
        for line in lines:
            plain += len(line)
            if line.isascii():
                continue
            if _decodes(line):
                whole += 1
                continue
            rest = _DAMAGE.sub(b"", line)
            left = len(_HIGH.findall(_CHARACTER.sub(b"", rest)))
            if not left:
                whole += _HIGH.search(rest) is not None
                continue
            broken += 1
            high += len(_HIGH.findall(rest))
            left_over += left
            western = western and _is_western(rest)
            letters |= set(rest.decode("cp1252", "replace").lower())
    if broken <= whole or left_over < _FEW * high:
        return None
    strange = any(set(odd) <= letters and not set(usual) & letters for odd, usual in _STRANGERS)
    if western and not strange and high <= _MOST_ACCENTS * plain:
        return "cp1252"
    raise UnreadableError(f"the file is not UTF-8, and its encoding is unknown: {HINT}")


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_western(line: bytes) -> bool:
    try:
        text = line.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return (
        all(_WESTERN.fullmatch(letter) for letter in text if letter > "\x7f")
        and not _RUN.search(text)
        and not _IN_WORD.search(text)
    )


def decode_file(path: Path, copy: Path, encoding: str) -> None:
    """Copy a text file into UTF-8. Raises `UnreadableError` where it is not in `encoding` to its end."""
    try:
        with path.open(encoding=encoding, newline="") as text, copy.open("w", encoding="utf-8", newline="") as out:
            first = text.read(_BLOCK).removeprefix("\ufeff")
            while first:
                out.write(first)
                first = text.read(_BLOCK)
    except UnicodeError:
        raise UnreadableError(f"the file begins as {encoding.upper()} but is damaged: {HINT}") from None
