"""Scan of everything that is uploaded for secrets, personal data and paths of this machine.

Add a pattern of a secret to `SECRETS`. Personal data are found as `ratchet/data/redaction.py` finds them before
training, with account numbers and German telephone numbers added. A hit has a place and a kind, never the text itself.
Why account numbers come from a library and secrets do not: docs/decisions/0027.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ratchet.core.errors import BlockedError
from ratchet.data.redaction import ENTITIES

_KEY = (
    r"(?<![A-Za-z])(?:passw(?:or[dt]|d)|pwd|passphrase|kennwort|secret(?:[_-]?key)?|api[_-]?key|access[_-]?key|auth[_-]?token)\b"
    r"[\"']?\s*"
)
_HOMES = "home|Users|root|mnt|tmp|var|work|workspaces?|srv|opt|media|Volumes"
SECRETS: Mapping[str, re.Pattern[str]] = {
    "Hub token": re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    "API key": re.compile(r"\b(?:sk|rk|pk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{20,}"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "Google key": re.compile(r"\bAIza[\w-]{35}"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
    "GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "npm token": re.compile(r"\bnpm_[A-Za-z0-9]{30,}"),
    "PyPI token": re.compile(r"\bpypi-[\w-]{50,}"),
    "Slack token": re.compile(r"\bxox[abeprs]-[\w-]{10,}"),
    "authorization": re.compile(r"(?i)\bBearer\s+(?=\S*\d)[\w.~+/-]{20,}|\bAuthorization\s*[:=]\s*Basic\s+[\w+/-]{8,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "JSON web token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "password": re.compile(
        rf"(?i){_KEY}(?:[:=]\s*(?=\S*\d)[^\s|]{{6,}}"  # a digit in it
        r"|=\s*(?!os\.)[^\s|<>{}$\[\]*]{6,}"  # given as a setting is
        r"|:\s*(?:\"[^\"]{6,}\"|'[^']{6,}')"  # quoted
        r"|:\s*(?=[^\s|]*[!@#$%^+=]\w)[^\s|]{6,}"  # a sign in it that no word has
        r"|:\s*(?=(?:[^\s|]*[-_.]\w){2})[^\s|]{16,})"  # words joined, longer than words are that are written so
    ),
    "address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"),
    "path of this machine": re.compile(
        rf"(?<![\w.])(?:/(?:{_HOMES})/[\w.-]|~/\w)|(?<![A-Za-z])[A-Za-z]:(?:\\{{1,2}}[\w.-]|/(?:Users|Windows|ProgramData)\b)"
    ),
}  # fmt: skip
_FIGURES = re.compile(
    r"(?<![\w.])(?:(?:0|[1-9]\d*)\.\d+|\d{4}-\d{2}-\d{2}|[\d,]+ bytes)(?![\w.])|\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b"
)
"""Figures, dates, sizes and digests of Ratchet, which the pattern of telephone numbers might match."""
_PHONE = re.compile(r"(?<![\w.,/-])0(?!00)\d{2,4}[ )./-]{1,3}\d(?:[ ./-]?\d){4,}(?!\w)")
"""Telephone numbers as written in Germany, in addition to those that datafog knows."""
_IBAN = re.compile(r"(?<![A-Za-z0-9])(?=([A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,40}))")
_ESCAPED = re.compile(r"\\([\\`*_\[\]|#~])")
"""Characters with a meaning in Markdown, as `model_card.py` escapes them."""


@dataclass(frozen=True)
class ScanHit:
    """One finding that must not be uploaded: its file, its place in the file, and its kind."""

    file: str
    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.file} {self.place}"


def scan_files(files: Mapping[str, bytes], known: Mapping[str, str] | None = None) -> list[ScanHit]:
    """Hits in the texts of `files`: lines of Markdown, strings of JSON, the metadata of safetensors.

    `known` holds secrets of this process by name: they are found in texts and in raw bytes alike.
    """
    hits: list[ScanHit] = []
    for name, content in sorted(files.items()):
        for place, text in _texts(name, content):
            hits += [ScanHit(name, place, kind) for kind in _kinds(text, known or {})]
        hits += [
            ScanHit(name, "its bytes", what) for what, secret in (known or {}).items() if secret.encode() in content
        ]
    return list(dict.fromkeys(hits))


def need_clean(files: Mapping[str, bytes], known: Mapping[str, str] | None = None) -> None:
    """Raise `BlockedError`, which lists the places, when anything in `files` must not be uploaded."""
    if hits := scan_files(files, known):
        listed = "; ".join(map(str, hits[:10])) + (f"; and {len(hits) - 10} more" if len(hits) > 10 else "")
        raise BlockedError(
            f"nothing was published, because the files to upload hold {listed}.",
            "Remove it from classifier.toml (labels, prompt, [publish]); where the adapter holds it, run the cycle"
            " again.",
            code="leak",
            details={"hits": [vars(hit) for hit in hits]},
        )


def _texts(name: str, content: bytes) -> Iterator[tuple[str, str]]:
    if name.endswith(".safetensors"):
        size = int.from_bytes(content[:8], "little")
        yield from _leaves(json.loads(content[8 : 8 + size]).get("__metadata__", {}), "__metadata__")
    elif name.endswith(".json"):
        yield from _leaves(json.loads(content), "")
    else:
        for number, line in enumerate(content.decode().splitlines(), start=1):
            yield f"line {number}", line
            yield f"line {number}", html.unescape(_ESCAPED.sub(r"\1", line))  # as rendered


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}[{number}]")
    elif isinstance(value, dict):
        for number, (key, each) in enumerate(value.items()):
            yield f"{path} key {number}", str(key)
            yield from _leaves(each, f"{path}.{key}" if str(key).isidentifier() else f"{path}[key {number}]")


def _kinds(text: str, known: Mapping[str, str]) -> Iterator[str]:
    from datafog import scan

    yield from (what for what, secret in known.items() if secret and secret in text)
    yield from (kind for kind, pattern in SECRETS.items() if pattern.search(text))
    if any(_is_iban(match[1]) for match in _IBAN.finditer(text)):
        yield "IBAN"
    bare = _FIGURES.sub("#", text)
    if _PHONE.search(bare):
        yield "PHONE"
    yield from (str(entity.type) for entity in scan(bare, entity_types=list(ENTITIES)).entities)


def _is_iban(text: str) -> bool:
    """True where a text begins with a valid account number (ISO 13616), whatever follows it."""
    from stdnum import iban, numdb

    bare = text.replace(" ", "").replace("-", "")
    # the library judges a whole number, but words may follow here: cut after the length of the country, such as 8!n10!n
    structure = numdb.get("iban").info(bare)[0][1].get("bban", "")
    length = 4 + sum(map(int, re.findall(r"\d+", structure)))
    return iban.is_valid(bare[:length], check_country=False)
