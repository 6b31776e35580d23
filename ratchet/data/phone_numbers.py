"""Telephone numbers among other numbers: how they are written, and what stands before them.

Used by version 2 of the redaction (`redaction.py`); a change here is another version. Add a way of writing a number to
`_SHAPES`, a word that says what a number is to `_CALLED` or `_OTHERWISE`. Other personal data is in `personal_data.py`.
"""

import re

_GAP = r"[ \t\u00a0\u202f]?[ \t\u00a0\u202f./()\u2010\u2011\u2012\u2013-]?[ \t\u00a0\u202f(]?"
_RUN = re.compile(rf"(?:\+ ?)?\(?(?:\+)?\d(?:{_GAP}\d){{6,24}}")
"""Digits that may be one number: seven to 25, with at most three signs between two of them."""
_DIGITS = re.compile(r"\d+")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d([-./ ])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-./ ])(?:0?[1-9]|1[0-2])\2(?:19|20)\d\d"
    r"|(?:0?[1-9]|1[0-2])([-./ ])(?:0?[1-9]|[12]\d|3[01])\3(?:19|20)\d\d"
    r"|(?:0?[1-9]|[12]\d|3[01])\.(?:0?[1-9]|1[0-2])\.\d\d(?=\D*\d\d:\d\d))(?!\d)"
)
_GLUED = re.compile(r"(?:[\w@%]|[#$€£¥] ?|\w[-/_=]|\d[.,:+])\(?$")
"""Rest of a word, a tag, an amount, a decimal or a sum before a digit."""
_GLUED_SIGN = re.compile(r"[\d#@$€£¥]$")
"""The same before + or a parenthesis, which may follow a word: Tel(030)."""
_UNIT = r"EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|CZK|HUF|[Ee]uros?|dollars?|pounds?|bytes?|[kKMGT]B|ms"
_AFTER = re.compile(
    r"[\w@]|[-./:_][A-Za-z_]\w*\d|\.\d|,\d{1,3}(?!\d)|-\d|/\d{1,4}(?!\d)|:\d"
    rf"|[ \u00a0]?(?:%|[€$£¥]|(?:{_UNIT})\b)"
)
"""Signs behind digits that make them a part of something longer, or an amount."""
_CALLED = re.compile(
    r"(?i)\b(?:tel|phone|telephone|telefon|t[ée]l[ée]phone|t[ée]l|tel[ée]fono|telefone|telefoon|telefono|fono|gsm|sms"
    r"|mobil\w*|cell|cellphone|cellulare|m[óo]vil|celular|handy\w*|fax|telefax|call\w*|dial\w*|ring|reach|text me"
    r"|whats ?app|rufnummer|r[üu]ckruf\w*|anruf\w*|ruf\w*|erreich\w*|appel\w*|joindre|portable|ll[áa]m\w*|chiam\w*"
    r"|bel(?:len)?|hotline|landline|durchwahl|festnetz|my number|contact)\b\W{0,3}(?:\w+\W{1,3}){0,4}$"
)
"""Words within five words before a number that make digits without any shape a telephone number."""
_OTHERWISE = re.compile(
    r"(?i)(?:\b(?:order|orders|ordered|invoice|ticket|case|ref|reference|tracking|parcel|shipment|account|acct|contract"
    r"|customer (?:no|nr|number)|policy|booking|reservation|transaction|payment|serial|sku|item|article|part|product"
    r"|batch|lot|claim|build|version|release|firmware|id|ids|uid|isbn|issn|ean|upc|gtin|imei|iccid|vat|tax|po|rma|awb"
    r"|pnr|meter|commit|revision|rev|ver|eur|usd|gbp|chf|bestell\w*|auftrag\w*|rechnung\w*|kundenn\w*|vertrag\w*"
    r"|sendung\w*|vorgang\w*|artikel\w*|serien\w*|konto\w*|steuer\w*|aktenzeichen|z[äa]hler\w*|commande|facture"
    r"|dossier|colis|contrat|pedido|factura|env[íi]o|ordine|fattura|bestelling|bestelnummer|factuur|klantnummer"
    r"|zam[óo]wieni\w*|serienummer)\b(?:[\s.:#=(-]{0,3}\b(?:no|nr|num|numbers?|nummer|numero|num[ée]ro|n[úu]mero|n|id"
    r"|code|ref|is|was|ist|war|lautet|est|es|[èe]|the|with|of|my)\b){0,4}|\b(?:v|n[°º]|no|nr))[\s.:#=°º(-]{0,4}$"
)
"""Words right before a number that make it something else, however it is written."""

_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        r"0[1-9]0?\d{0,3}G\d(?:G?\d){4,8}",  # an area code behind a 0, as in most of Europe, Japan and Australia
        r"\(0\) ?[1-9]\d{1,3}G\d(?:G?\d){4,8}",
        r"\(0[1-9]\d{0,4}\)G?\d(?:G?\d){3,8}",
        r"0[1-9](?:S\d\d){4}",  # France
        r"(?:[18]G)?\(\d{2,5}\)G?\d(?:G?\d){4,8}",  # an area code in parentheses
        r"(?:1G)?[2-9]\d\d[ ./-]\d{3}S\d{4}",  # North America
        r"(?:1S)?8\d\dS\d{3}S\d{4}|8S8\d\dS\d{3}S\d\dS\d\d",
        r"6\d\dS\d\dS\d\dS\d\d",  # Spain
        r"1[3-9]\dS\d{4}S\d{4}",  # China
    )
)
_ABROAD = re.compile(r"(?:\(?\+ ?\(?|\(?00 ?)[1-9]")
_PLAIN = re.compile(r"0[1-9]\d{8,10}")
"""A number behind a 0 without any sign in it: ten to twelve digits."""
_SIGNS = str.maketrans(dict.fromkeys("\u00a0\u202f\t", " ") | dict.fromkeys("\u2010\u2011\u2012\u2013", "-"))


def _compile(shape: "re.Pattern[str]") -> "re.Pattern[str]":
    """Read S in a shape as one separator, G as one or a few: "0171 / 123"."""
    return re.compile(shape.pattern.replace("G", "(?:[ ./()-]{1,3})").replace("S", "[ .-]"))


_FORM = re.compile("|".join(_compile(shape).pattern for shape in _SHAPES))
_LETTER = re.compile(r"[^\W\d_]")


def find_phone(text: str, start: int, before: str) -> int:
    """Return the end of the telephone number that begins at `start`, else 0; `before` is what stands before it.

    Looks at 100 characters at most, so that a text of digits costs time in proportion to its length.
    """
    glued = _GLUED_SIGN if text[start] in "+(" else _GLUED
    found = _RUN.match(text, start, start + 100)
    if found is None or glued.search(before[-3:]):
        return 0
    whole = found.group().translate(_SIGNS)
    written, near = bool(_ABROAD.match(whole) or _FORM.match(whole) or _PLAIN.match(whole)), before[-60:]
    called = _LETTER.search(near) is not None and _CALLED.search(near) is not None
    if not (written or called) or (text[start] not in "+(" and _OTHERWISE.search(near)):
        return 0
    date = _DATE.search(text, start, found.end())
    for group in reversed([*_DIGITS.finditer(text, start, date.start() if date else found.end())]):
        end = group.end()
        end += text[start:end].count("(") > text[start:end].count(")") and text.startswith(")", end)
        if not _AFTER.match(text, end) and _is_phone(whole[: end - start], called=called):
            return end
    return 0


def _is_phone(run: str, *, called: bool) -> bool:
    """True where `run` is written as a telephone number, or is one of `called` digits."""
    digits = sum(map(str.isdigit, run))
    if not 7 <= digits <= 17 or _DATE.fullmatch(run) or run.count("(") != run.count(")"):
        return False
    if run.startswith(("+", "(+")):
        return 8 <= digits <= 15
    if _ABROAD.match(run):
        # a barcode of 13 digits often begins with 001
        return digits >= 10 and (called or not run.isdigit() or not run.startswith("001"))
    if _FORM.fullmatch(run):
        return 8 <= digits <= 13 and not _is_dotted(run)
    return (called and digits <= 13) or _PLAIN.fullmatch(run) is not None


def _is_dotted(run: str) -> bool:
    """True for short groups between points alone, as in a version; the five pairs of France are a number."""
    groups = run.split(".")
    return len(groups) > 2 and all(map(str.isdigit, groups)) and len(groups[0]) < 3 and set(map(len, groups)) != {2}
