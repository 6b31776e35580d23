"""Labelled examples that belong to no request: beside real weeks they train and never judge; alone they are split by
text.

Add here a rule about such examples; how they come in is `ratchet/workflows/ingest_examples.py`, where they are used
`curation.py`.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ratchet.config.policy import Limits
from ratchet.data.boilerplate import find_boilerplate
from ratchet.data.near_duplicates import NearDuplicates, normalise
from ratchet.data.redaction import redact_all

REQUEST, EXAMPLE = "request", "example"
"""Origins of an example of a cycle: a corrected request, or a labelled text that was given."""
BY_TIME, BY_TEXT = "time", "text"
"""Ways in which a cycle's examples are split; by text only where no request is labelled at all."""

GIVEN_SQL = """
SELECT 'example-' || left(sha256(text), 16) AS request_id, ts, text, label FROM read_examples
WHERE classifier = $classifier ORDER BY week, request_id
"""
"""Examples of a classifier, the oldest first, each with a name made of its text."""
ALONE_SQL = """
SELECT EXISTS (FROM labelled_examples WHERE classifier = $classifier) AND NOT EXISTS
       (FROM corrections WHERE classifier = $classifier AND label IS NOT NULL) AS alone
"""
"""True where the classifier has examples, and not one labelled request: then they have to judge as well."""
WEEKS_SQL = """
SELECT DISTINCT week FROM labelled_examples WHERE classifier = $classifier AND NOT EXISTS
       (FROM corrections WHERE classifier = $classifier AND label IS NOT NULL) ORDER BY week
"""
"""Weeks in which examples arrived, of a classifier that has nothing else to learn from."""

_COLUMNS = ["request_id", "ts", "text", "label"]
_SHARES = (0.6, 0.8)


@dataclass(frozen=True)
class GivenExamples:
    """Examples with the columns of `GIVEN_SQL`; `alone` is True where no labelled request stands beside them."""

    rows: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=_COLUMNS))
    alone: bool = False

    @property
    def split_by(self) -> str:
        """Way in which the examples of a cycle are split."""
        return BY_TEXT if self.alone else BY_TIME

    def beside(self, requests: pd.DataFrame) -> pd.DataFrame:
        """Return `requests` by time and then the examples, each with its `origin`.

        Requests come first, so that of equal and similar texts theirs stay.
        """
        ordered = requests.sort_values(["ts", "request_id"], kind="stable").assign(origin=REQUEST)
        given = self.rows[_COLUMNS].assign(status="consensus", blind=False, origin=EXAMPLE)
        parts = [part for part in (ordered, given) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else ordered.reset_index(drop=True)


def assign_by_text(keys: Iterable[str], limits: Limits, golden: Sequence[str] = ()) -> list[str]:
    """Return the split of each normalised text, 60/20/20 by its hash, near-duplicates together.

    The first of alike texts decides for the others. So a text keeps its split when further ones arrive, and what judged
    one candidate never trains the next. Texts are compared without the boilerplate of them all and of `golden`.
    """
    index, heads, splits = NearDuplicates(limits.near_duplicate_jaccard), list[str](), list[str]()
    texts = [*keys]
    shared = find_boilerplate([*map(normalise, redact_all(golden)[0]), *texts], limits.boilerplate_share)
    for key, rest in zip(texts, shared.set_aside(texts), strict=True):
        like = index.find_or_add(rest.text)
        if like is None:
            heads.append(key)
        splits.append(_split_of(key if like is None else heads[like]))
    return splits


def _split_of(key: str) -> str:
    place = int.from_bytes(hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    return "train" if place < _SHARES[0] else "calibration" if place < _SHARES[1] else "test"


def describe_judged_on_examples(n: int) -> str:
    """Return the sentence that marks figures of a cycle whose test split holds no request."""
    return (
        f"No request is labelled yet: the {n} test texts are labelled examples, split from the others by their text."
        " Figures say little about production, and the candidate is promoted by hand only."
    )


def is_by_text(noted: Mapping[str, Any]) -> bool:
    """Return True for the description of a cycle's examples that were split by text."""
    return noted.get("split_by") == BY_TEXT
