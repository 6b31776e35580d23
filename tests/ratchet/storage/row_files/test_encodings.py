"""A text file is decoded as a whole, refused as a whole, or is damaged UTF-8 whose lines are judged."""

from pathlib import Path

import pytest

from ratchet.storage.row_files.encodings import decode_file, find_encoding, marked_encoding
from ratchet.storage.row_files.formats import UnreadableError

WESTERN = {
    "French": "où est ma commande, s'il vous plaît ? déjà reçu",
    "German": "„Wo ist meine Bestellung \u2013 f\u00fcr 5 €?“ Grüße, Jürgen Weiß",
    "Spanish": "¿dónde está mi pedido? ¡mañana!",
    "Portuguese": "não recebi a encomenda, coração",
    "Swedish": "när kommer min försändelse från Åre",
    "one letter": "caf\u00e9",
    **{
        sign: sign
        for sign in (
            "20 m\u00b2, 3 cm\u00b3",
            "\u00bc, \u00bd und \u00be",
            "n\u00ba 5, 1\u00aa vez",
            "5 \u00b5m",
            "3 \u00d7 4",
            "\u00b1 5",
            "5\u00a2 or \u00a5500",
            "a \u00b7 b",
            "Bestell\u00adung",
            "5 \u2030",
            "\u2039so\u203a",
            "Davor \u0160uker",
            "Alek\u0161a",
            "\u017divko",
            "bla\u017e",
            "LOU\u0178S",
        )
    },
}
OTHERS = {
    "Russian": ("где моя посылка", "cp1251"),
    "Greek": ("πού είναι το δέμα", "cp1253"),
    "Polish": ("zażółć gęślą jaźń", "cp1250"),
    "Turkish": ("sipari\u015fim nerede, \u0131\u015f\u0131k", "cp1254"),
    "Czech": ("kde je moje zásilka, ještě nepřišla", "cp1250"),
    "Hungarian": ("hol van a rendelésem, még nem jött meg a küldő", "cp1250"),
    "Croatian": ("gdje je moja pošiljka, još čekam", "cp1250"),
    "Polish, one letter": ("paczka by\u0142a", "cp1250"),
    "Polish, at the end": ("on by\u0142", "cp1250"),
    "Polish of ISO": ("gdzie s\u0105", "iso8859-2"),
    "Slovak": ("ve\u013emi", "cp1250"),
    "Romanian, one letter": ("ora\u015f", "cp1250"),
    "French of DOS, one letter": ("tr\u00e8s", "cp850"),
    "Romanian": ("unde este pachetul meu, vă rog, în oraș", "iso8859-16"),
    "Latvian": ("kur ir mans sūtījums, lūdzu", "cp1257"),
    "Hebrew": ("איפה החבילה שלי", "cp1255"),
    "Chinese": ("我的包裹在哪里", "gbk"),
    "Japanese": ("荷物はどこですか", "shift_jis"),
    "French of a Mac": ("où est déjà reçu", "mac_roman"),
    "German of a Mac": ("wo ist meine Bestellung für Jürgen", "mac_roman"),
    "French of DOS": ("j'ai déjà reçu", "cp850"),
    "German of DOS": ("Bestellung für Änne", "cp850"),
}


@pytest.mark.parametrize("name", WESTERN)
def test_western_text_is_decoded_as_a_whole(tmp_path: Path, name: str) -> None:
    """Single accented letters among plain ones, and the signs of typographers."""
    path = tmp_path / "in"
    path.write_bytes(f"plain\n{WESTERN[name]}\nplain\n".encode("cp1252"))
    assert find_encoding(path) == "cp1252"
    decode_file(path, tmp_path / "out", "cp1252")
    assert (tmp_path / "out").read_text(encoding="utf-8") == f"plain\n{WESTERN[name]}\nplain\n"


@pytest.mark.parametrize("name", OTHERS)
def test_an_encoding_that_cannot_be_told_is_refused_as_a_whole(tmp_path: Path, name: str) -> None:
    """Another code page read as the Western one would be nonsense that nobody sees; the reason holds the fix."""
    text, encoding = OTHERS[name]
    (tmp_path / "in").write_bytes(f"plain\n{text}\n".encode(encoding))
    with pytest.raises(UnreadableError, match=r"(?s)is unknown.*CSV UTF-8.*iconv"):
        find_encoding(tmp_path / "in")


@pytest.mark.parametrize(
    "content",
    [
        b"plain", "déjà vu, 我的包裹".encode(), b"\xff\n\xfe\n", b"\xed\xa0\x80", "été\n".encode() + b"caf\xc3\n",
        "été\nété\n".encode() + "été\n".encode("cp1252"), b"a,Gr\xc3,b\n", b"it\xe2\x80,b\n",
    ],
)  # fmt: skip
def test_damage_of_utf8_is_no_other_encoding(tmp_path: Path, content: bytes) -> None:
    """Its lines are judged one by one, as long as more of them are whole."""
    (tmp_path / "in").write_bytes(content)
    assert find_encoding(tmp_path / "in") is None


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_known_by_its_mark_or_its_zeros(tmp_path: Path, encoding: str) -> None:
    """As Excel's Unicode text and PowerShell's redirection write it."""
    text = "request_id\ttext\r\na1\tdéjà\r\n"
    (tmp_path / "in").write_bytes(text.encode(encoding))
    found = marked_encoding((tmp_path / "in").read_bytes()[:100])
    assert found is not None
    decode_file(tmp_path / "in", tmp_path / "out", found)
    assert (tmp_path / "out").read_bytes() == text.encode()


def test_plain_text_has_no_mark() -> None:
    """Neither has a file of zeros."""
    assert [marked_encoding(start) for start in (b"request_id,ts", b"", b"\0" * 64, b"\0\n" * 64)] == [None] * 4


def test_a_marked_file_that_is_damaged_is_refused_as_a_whole(tmp_path: Path) -> None:
    """Half a character at its end."""
    (tmp_path / "in").write_bytes("text".encode("utf-16") + b"x")
    with pytest.raises(UnreadableError, match="begins as UTF-16 but is damaged"):
        decode_file(tmp_path / "in", tmp_path / "out", "utf-16")
