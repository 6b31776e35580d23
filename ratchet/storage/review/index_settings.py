"""Settings by which the index of the review queue is made: who is who, whose votes count, and how many are needed.

Add here another setting on which the state of a queued request depends; what is read by them is `index_lines.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.data.label_rules import LabelRules
from ratchet.review.suspension import NOBODY_COUNTS
from ratchet.storage.review.index_tables import VERSION


@dataclass(frozen=True)
class IndexSettings:
    """Settings by which an index is made; one that other settings made is made anew."""

    key: bytes
    """Key of the draws."""
    persons: Mapping[str, str]
    """Person by name; a name that is not there is a person of its own."""
    votes: int
    """Blind votes that a request needs."""
    double_share: float
    """Share of the requests, 0..1, that needs one more."""
    suspended: frozenset[str] = frozenset()
    """People without a vote."""
    rules: LabelRules = field(default_factory=LabelRules)
    """Rules by which the labels of before are read."""

    @property
    def digest(self) -> str:
        """Digest of all of them but the key, and of the version of the tables."""
        suspended = sorted(map(self.person, self.suspended))
        rules = [rule.as_json() for rule in self.rules.rules]
        return digest_json([VERSION, dict(self.persons), self.votes, self.double_share, suspended, rules])

    def person(self, annotator: Any) -> str:
        """Return the person whom an annotator's name stands for."""
        return self.persons.get(str(annotator), str(annotator))

    def is_suspended(self, person: str) -> bool:
        """Return True for a person whose labels count nowhere."""
        return NOBODY_COUNTS in self.suspended or person in map(self.person, self.suspended)
