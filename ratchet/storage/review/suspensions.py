"""The file `review/suspensions.jsonl`: people whose labels count nowhere, signed and append-only.

Add here how its lines are written and read; the rules are in `ratchet/review/suspension.py`.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ratchet.config.people import People
from ratchet.core.errors import RatchetError
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.review.suspension import (
    ACTIONS,
    NOBODY_COUNTS,
    REINSTATE,
    SUSPEND,
    Suspension,
    names_of,
    suspended_after,
)
from ratchet.storage.home import Home
from ratchet.storage.review.signed_lines import SignedLine, SignedLines

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Suspensions:
    """The suspensions of one classifier."""

    home: Home
    classifier: str
    disk: FileSystem = DISK

    @property
    def file(self) -> SignedLines:
        """The signed file."""
        return SignedLines(self.home, self.classifier, "suspensions", self.disk)

    def entries(self) -> list[Suspension]:
        """Read every line, oldest first; raises `RatchetError` for a file that cannot be believed."""
        return [self._of(line) for line in self.file.read()]

    def standing(self) -> dict[str, Suspension]:
        """Return the suspensions that stand, by name."""
        return suspended_after(self.entries())

    def names(self) -> frozenset[str]:
        """Return the suspended names; where the file cannot be believed nobody's label counts."""
        try:
            return frozenset(self.standing())
        except (RatchetError, OSError) as error:
            reason = error.message if isinstance(error, RatchetError) else f"{error}."
            _LOG.warning("%s no label counts until then", reason)
            return frozenset({NOBODY_COUNTS})

    def suspend(
        self, person: str, why: str, actor: str, people: People, labels: int, adapters: Sequence[Mapping[str, Any]]
    ) -> None:
        """Record that the labels of `person` count nowhere from now on.

        Raises `RatchetError` for somebody who is suspended.
        """

        def decide(lines: Sequence[SignedLine]) -> dict[str, Any]:
            if names_of(person, suspended_after(map(self._of, lines)), people):
                raise RatchetError(
                    f"{person} is suspended already.",
                    f"See 'ratchet log {self.classifier} --kind people'.",
                    code="suspended",
                )
            return _content(Suspension("", "", SUSPEND, person, why, labels, tuple(adapters)))

        self.file.append(actor, decide)

    def reinstate(self, person: str, why: str, actor: str, people: People) -> None:
        """Record that the labels of `person` count again. Raises `RatchetError` for somebody who is not suspended."""
        while self._reinstate_one(person, why, actor, people):
            pass  # a person may be suspended under several names, each is a line

    def _reinstate_one(self, person: str, why: str, actor: str, people: People) -> bool:
        left = 0

        def decide(lines: Sequence[SignedLine]) -> dict[str, Any]:
            nonlocal left
            standing = suspended_after(map(self._of, lines))
            names = names_of(person, standing, people)
            if not names:
                raise RatchetError(
                    f"{person} is not suspended (suspended: {', '.join(sorted(standing)) or 'nobody'}).",
                    "Nothing is left to do.",
                    code="not_suspended",
                )
            left = len(names) - 1
            return _content(Suspension("", "", REINSTATE, names[0], why))

        self.file.append(actor, decide)
        return left > 0

    def _of(self, line: SignedLine) -> Suspension:
        """Return the suspension of a line; one that a later version signed may hold more."""
        content = {name: line.content.get(name) for name in ("action", "person", "why", "labels", "adapters")}
        if content["action"] not in ACTIONS or not isinstance(content["person"], str):
            raise self.file.broken(f"line {line.sequence} is not a suspension")
        return Suspension(
            line.ts, line.actor, content["action"], content["person"], str(content["why"] or ""),
            int(content["labels"] or 0), tuple(content["adapters"] or ()), line.sequence,
        )  # fmt: skip


def _content(suspension: Suspension) -> dict[str, Any]:
    kept = asdict(suspension)
    return {name: kept[name] for name in ("action", "person", "why", "labels")} | {"adapters": list(kept["adapters"])}
