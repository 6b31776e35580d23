"""Where teachers lie: sealed adapters of the same classifier, and files of answers in its folder `teachers`.

Add here other places. What a teacher says is read by `ratchet/training/teaching.py`.
"""

from collections.abc import Sequence
from pathlib import Path

from ratchet.candidate import Candidate
from ratchet.errors import RatchetError
from ratchet.identity import digest_file
from ratchet.names import DIGEST
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home


def find_teachers(home: Home, name: str, candidates: Sequence[Candidate]) -> dict[str, Path]:
    """The folder or file of each teacher that `candidates` of classifier `name` have.

    Raises `RatchetError` for an adapter that is not there or was changed, and for a file that is missing or a link.
    """
    found: dict[str, Path] = {}
    for teacher in sorted({candidate.teacher for candidate in candidates} - {""}):
        if DIGEST.fullmatch(teacher):
            found[teacher] = AdapterStore(home).open(name, teacher)
            continue
        path = home.classifier(name) / "teachers" / teacher
        if path.is_symlink() or not path.is_file():
            raise RatchetError(
                f"teacher {teacher} is no file in {path.parent}.",
                'Put it there, with {"text": "...", "probabilities": {...}} a row, or remove candidate.teacher.',
                code="no_teacher",
            )
        found[teacher] = path
    return found


def digests_of(teachers: dict[str, Path]) -> dict[str, str]:
    """What names each teacher's content in a plan: an adapter's own digest, SHA-256 of a file."""
    return {name: name if DIGEST.fullmatch(name) else digest_file(path) for name, path in teachers.items()}
