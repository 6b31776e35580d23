"""What must not leave the house: secrets, personal data and paths of this machine, looked for in everything that is uploaded.

Add a pattern of a secret to `SECRETS`. Personal data are found as `redaction.py` finds them before training. A hit says where it
stands and of which kind it is, never what it is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ratchet.errors import BlockedError
from ratchet.redaction import ENTITIES

SECRETS: Mapping[str, re.Pattern[str]] = {
    "Hub token": re.compile(r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}"),
    "API key": re.compile(r"\b(?:sk|rk|pk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{20,}"),
    "AWS key": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "Google key": re.compile(r"\bAIza[\w-]{35}"),
    "GitHub token": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,})"),
    "GitLab token": re.compile(r"\bglpat-[\w-]{20,}"),
    "Slack token": re.compile(r"\bxox[abeprs]-[\w-]{10,}"),
    "private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "JSON web token": re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    "password": re.compile(
        r"(?i)\b(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|auth[_-]?token)\b\s*[:=]\s*(?=\S*\d)[^\s|]{6,}"
    ),
    "address with a password": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]+@"),
    "path of this machine": re.compile(r"(?<![\w.])/(?:home|Users|root|mnt|tmp|var|work|workspace)/[\w.-]"),
}  # fmt: skip
_FIGURES = re.compile(r"(?<![\w.])(?:\d+\.\d+|\d{4}-\d{2}-\d{2}|[\d,]+ bytes)(?![\w.])|\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b")
"""Figures, dates, sizes and digests of ours, which a pattern of telephone numbers might take for its own."""


@dataclass(frozen=True)
class Hit:
    """One thing that must not leave: in which file, at which place of it, and of which kind."""

    file: str
    place: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.file} {self.place}"


def scan_files(files: Mapping[str, bytes], known: Mapping[str, str] | None = None) -> list[Hit]:
    """Every hit in the texts of `files`: lines of Markdown, strings of JSON, the notes of safetensors.

    `known` are secrets of this process by what they are called: they are found in any form that a text can have.
    """
    hits: list[Hit] = []
    for name, content in sorted(files.items()):
        for place, text in _texts(name, content):
            hits += [Hit(name, place, kind) for kind in _kinds(text, known or {})]
        hits += [Hit(name, "its bytes", what) for what, secret in (known or {}).items() if secret.encode() in content]
    return list(dict.fromkeys(hits))


def need_clean(files: Mapping[str, bytes], known: Mapping[str, str] | None = None) -> None:
    """Raise `BlockedError`, which names every place, when anything that is to be uploaded must not leave."""
    if hits := scan_files(files, known):
        listed = "; ".join(map(str, hits[:10])) + (f"; and {len(hits) - 10} more" if len(hits) > 10 else "")
        raise BlockedError(
            f"nothing was published, for what is to be uploaded holds {listed}.",
            "Take it out of classifier.toml (labels, prompt, [publish]), run the cycle again where the adapter carries it.",
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
    bare = _FIGURES.sub("#", text)
    yield from (str(entity.type) for entity in scan(bare, entity_types=list(ENTITIES)).entities)
