"""Personal data in a text, by version 2 of the redaction: mail addresses, accounts, cards, IP addresses, SSNs, phones.

Each kind is decided by how it is written and by its check digits; the time is in proportion to the length of the text.
A change here is another version in `redaction.py`. Telephone numbers are in `phone_numbers.py`.
"""

import re
from collections import Counter

from ratchet.data.phone_numbers import find_phone

_MAIL_HOST = re.compile(r"@(?:[^\W_](?:[\w-]{0,62})\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_MAIL_NAME = re.compile(r"[\w.%+'&~-]{1,64}$")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[ -]?[A-Z0-9]){11,30}(?![A-Za-z0-9])")
_NUMBER = re.compile(r"\(?\+?\d|\+ \d")
_DIGITS = re.compile(r"\d+")
_LINK = re.compile(r"(?i)(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"]+|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
"""Addresses of pages, and UUIDs: a number in one is not a telephone number."""
_DATE = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?!\d)|\d\d?[./]\d\d?[./](?:19|20)\d\d(?!\d)")
_CARD = re.compile(r"[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-])")
_SSN = re.compile(r"(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_IP = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}(?![\w-]|\.\d)")
_VERSION = re.compile(r"(?i)(?:\b(?:v|ver|version|release|build|firmware|rev|revision)\b[\s.:#=]{0,3}|[\w.,:/_-])$")
"""Words and signs before four numbers with points that are not an address."""


def replace_personal_data(text: str, found: Counter[str]) -> str:
    """Return `text` with a placeholder for each piece of personal data, counted by kind in `found`."""
    text = _replace_ibans(_replace_mail(text, found), found) if "@" in text else _replace_ibans(text, found)
    return _replace_numbers(text, found)


def _replace_mail(text: str, found: Counter[str]) -> str:
    """Replace mail addresses, looking for the host behind each @ and then for the name before it."""
    result, end = [], 0
    for host in _MAIL_HOST.finditer(text):
        name = _MAIL_NAME.search(text, max(end, host.start() - 64), host.start())
        if name is not None:
            result += [text[end : name.start()], "[EMAIL]"]
            end = host.end()
            found["email"] += 1
    return "".join([*result, text[end:]])


def _replace_ibans(text: str, found: Counter[str]) -> str:
    def replace(match: "re.Match[str]") -> str:
        whole = match.group()
        # a word in capitals may follow without a sign between
        for end in (*(at for at in range(len(whole), 14, -1) if at == len(whole) or whole[at] in " -"),):
            code = re.sub("[ -]", "", whole[:end])
            if 15 <= len(code) <= 34 and _is_iban(code):
                found["iban"] += 1
                return f"[IBAN]{whole[end:]}"
        return whole

    return _IBAN.sub(replace, text)


def _is_iban(code: str) -> bool:
    return int("".join(str(int(sign, 36)) for sign in code[4:] + code[:4])) % 97 == 1


def _replace_numbers(text: str, found: Counter[str]) -> str:
    """Replace cards, SSNs, IP addresses and telephone numbers, from left to right.

    A number is judged by what was written before it, so that a second pass judges alike.
    """
    links = _LINK.finditer(text)
    link = next(links, None)
    result, before, end, at = [], "", 0, 0
    while start := _NUMBER.search(text, at):
        at = start.start()
        while link is not None and link.end() <= at:
            link = next(links, None)
        if link is not None and link.start() <= at:
            at = link.end()
            continue
        before = (before + text[end:at])[-80:] if end < at else before
        result.append(text[end:at])
        end = at
        kind, stop = _look(text, at, before)
        if kind:
            result.append(f"[{kind}]")
            before += f"[{kind}]"
            found[kind.lower()] += 1
            at = end = stop
        else:
            at = stop
    return "".join([*result, text[end:]])


def _look(text: str, start: int, before: str) -> tuple[str, int]:
    """Return kind and end of the personal data that begins at `start`; '' and the end of its digits where none does."""
    fresh = not before[-1:].isalnum() and not (before[-1:] in "-._/" and before[-2:-1].isalnum())
    if text[start].isdigit():
        if date := _DATE.match(text, start):
            return "", date.end()
        if fresh and (card := _CARD.match(text, start)) and _passes_luhn(card.group()):
            return "CREDIT_CARD", card.end()
        if fresh and (ssn := _SSN.match(text, start)):
            return "SSN", ssn.end()
        if (ip := _IP.match(text, start)) and not _VERSION.search(before):
            return "IP_ADDRESS", ip.end()
    if phone := find_phone(text, start, before):
        return "PHONE", phone
    digits = _DIGITS.match(text, start)
    return "", digits.end() if digits else start + 1


def _passes_luhn(card: str) -> bool:
    digits = [int(sign) for sign in card if sign.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return len(set(digits)) > 1 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
