"""Sources of teachers: sealed adapters of the same classifier, and files of answers in its folder `teachers`.

Add another source here. A teacher's answers are read by `ratchet/training/teacher_targets.py`.
"""

from collections.abc import Sequence
from pathlib import Path

from ratchet.config.candidate import Candidate
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_file
from ratchet.core.errors import RatchetError
from ratchet.core.names import DIGEST
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import candidates as made_adapters


def find_teachers(home: Home, cycle: Cycle, candidates: Sequence[Candidate]) -> dict[str, Path]:
    """Return the folder or file of each teacher that `candidates` of a cycle have.

    Raises `RatchetError` for an adapter that is not there or was changed, or whose own cycle is later or unknown, since
    it may have learned what this week holds out; and for a file that is missing or a link.
    """
    name = cycle.classifier
    found: dict[str, Path] = {}
    for teacher in sorted({candidate.teacher for candidate in candidates} - {""}):
        if DIGEST.fullmatch(teacher):
            found[teacher] = AdapterStore(home).open(name, teacher)
            _need_no_later(home, cycle, teacher)
            continue
        path = home.classifier(name) / "teachers" / teacher
        if path.is_symlink() or not path.is_file():
            raise RatchetError(
                f"teacher {teacher} is not a file in {path.parent}.",
                f"Have 'ratchet teach {name} --file {teacher}' write it, put it there yourself "
                '({"text": "...", "probabilities": {...}} a row), or remove candidate.teacher.',
                code="no_teacher",
            )
        found[teacher] = path
    return found


def _need_no_later(home: Home, cycle: Cycle, teacher: str) -> None:
    """Raise unless notes or the ledger name the cycles that made the adapter, and none of them is of a later week."""
    weeks = {made.week for made, digest in made_adapters(home, cycle.classifier) if digest == teacher}
    weeks |= {
        parse_week(entry.week)
        for entry in Ledger(home).entries(cycle.classifier)
        if entry.adapter == teacher and entry.week and entry.receipts
    }
    if weeks and max(weeks) <= cycle.week:
        return
    made = f"of the later cycle {max(weeks)}" if weeks else "of an unknown cycle"
    raise RatchetError(
        f"teacher {teacher[:12]} is {made}, so it may have learned what {cycle.week} holds out.",
        f"Name an adapter that a cycle of {cycle.week} or before made, or remove candidate.teacher.",
        code="late_teacher",
    )


def digests_of(teachers: dict[str, Path]) -> dict[str, str]:
    """Return the digest of each teacher's content for a plan: an adapter's own, SHA-256 of a file."""
    return {name: name if DIGEST.fullmatch(name) else digest_file(path) for name, path in teachers.items()}
