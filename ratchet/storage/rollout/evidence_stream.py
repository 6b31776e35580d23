"""Counting of the stream of evidence: `ratchet/rollout/evidence/stream_sql.py`, run over a rollout's pairs.

Add here another figure of the stream. Pairs are read by `shadow_pairs.py`, which gives them their roles; which requests
belong to the stream is `ratchet/rollout/evidence/stream.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from ratchet.data.boilerplate import Boilerplate
from ratchet.data.text_sketch import sketch_texts
from ratchet.metrics.intervals import binomial_p
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.stream import Stream
from ratchet.rollout.evidence.stream_sql import (
    BALLOTS_SQL,
    BY_ANSWERS_SQL,
    BY_LABEL_SQL,
    BY_PERSON_SQL,
    COUNTED_SQL,
    FRAME_SQL,
    PACE_SQL,
    PLACED_SQL,
    REPEATED_SQL,
    SELECTION_SQL,
    TEXTS_SQL,
    TO_LABEL_SQL,
    TOTALS_SQL,
    VERDICTS_SQL,
    rate_sql,
)
from ratchet.rollout.guardrails.cost import weigh_answers

_TABLES = ("frame", "ballots", "verdicts", "placed", "counted")
_MOST_TEXTS = 20_000
"""Texts that are sketched in one look; the others wait for the next one, and do not count before."""
_DRAWN, _LABELLED = "draw < rate", "f.request_id IN (SELECT request_id FROM verdicts WHERE verdict IS NOT NULL)"
"""Members of the stream: those below the rate, and where we drew nothing those with a label."""
_WEEKS_DAYS = 28


@dataclass(frozen=True)
class RequestToLabel:
    """One request of the stream that people label."""

    request_id: str
    text: str | None
    """Text, None once it has a verdict."""


@dataclass
class EvidenceStream:
    """Stream of one comparison, in temporary tables of an open connection that has the table `all_pairs`."""

    connection: duckdb.DuckDBPyConnection
    stream: Stream
    now: datetime
    shared: dict[str, Any]
    """Parameters `classifier`, `incumbent`, `challenger`, `sequence` (the comparison's first) and `week`."""
    parts: tuple[str, str]
    """SQL for the labels of now that the two answers of a pair stand for, live's first."""
    weeks: tuple[str, str]
    """SQL conditions of a vote of a quarantined and of a one-sided week."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """`cost_wrong` of each label of now."""
    selection: dict[str, Any] = field(default_factory=dict)
    repeated: dict[str, int] = field(default_factory=dict)

    def prepare(self) -> None:
        """Find the requests that count, and the verdict on each."""
        for table in _TABLES:
            self.connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        rates = {name: rate_sql(self.stream, field) for name, field in (("rate", "requests"), ("agreements",) * 2)}
        self._run(FRAME_SQL.format(incumbent=self.parts[0], challenger=self.parts[1], **rates))
        self._run(BALLOTS_SQL.format(quarantined=self.weeks[0], one_sided=self.weeks[1]))
        own = "true" if self.stream.drawn else "b.drawn AND NOT b.one_sided"
        self._run(VERDICTS_SQL.format(frame=own), votes=self.stream.votes)
        member = _DRAWN if self.stream.drawn else _LABELLED
        sketched = self._sketch(member)
        ripe = (
            self.now - timedelta(hours=self.stream.ripe_hours)
            if self.stream.drawn
            else datetime.max.replace(tzinfo=UTC)
        )
        self._run(PLACED_SQL.format(member=member))
        self._run(COUNTED_SQL, ripe=min(ripe, sketched) if sketched else ripe)
        self.selection = self._one(SELECTION_SQL)
        self.repeated = {key: int(n) for key, n in self._one(REPEATED_SQL.format(member=member)).items()}

    def add_to(self, evidence: Evidence, sequence: int) -> Evidence:
        """Return `evidence` with the counts of the stream since the ledger's entry `sequence`."""
        totals = self._one(TOTALS_SQL, sequence=sequence, labels=list(self.stream.labels))
        found: dict[str, Any] = self.repeated | {key: int(value) for key, value in totals.items()}
        labels = self._run(BY_LABEL_SQL, sequence=sequence).fetchall()
        answers = self._run(BY_ANSWERS_SQL, sequence=sequence).fetchall()
        people = self._run(BY_PERSON_SQL, sequence=sequence).fetchall()
        differing, compared, of, n = (
            int(self.selection[key]) for key in ("differing", "compared", "labelled_differing", "labelled")
        )
        seen = {self.shared["incumbent"], self.shared["challenger"]} if compared else set()
        return replace(
            weigh_answers(evidence, [(a or (), b or (), *rest) for a, b, *rest in answers], self.costs),
            **found,
            stream_disagreements=sum(found[key] for key in ("losses", "wins", "neither", "waiting")),
            by_label_counts={str(label): (int(a), int(b), int(c)) for label, a, b, c in labels},
            by_person={str(who): (int(lost), int(won)) for who, lost, won in people},
            labelled_share_of_differences=of / n if n else None,
            selection_p=binomial_p(of, n, differing / compared) if n and compared else None,
            drawn=self.stream.drawn,
            digests=len(seen),
            pace_labels_per_day=self._pace(),
        )

    def to_label(self) -> list[RequestToLabel]:
        """Return the requests that people label, in an order that tells nothing of the answers."""
        return [RequestToLabel(str(request), text) for request, text in self._run(TO_LABEL_SQL).fetchall()]

    def _pace(self) -> float | None:
        votes, first = self._run(PACE_SQL, since=self.now - timedelta(days=_WEEKS_DAYS), now=self.now).fetchall()[0]
        if first is None:
            return None
        n, differing = int(self.selection["labelled"]), int(self.selection["labelled_differing"])
        share = self.stream.label_share if self.stream.drawn else differing / max(1, n)
        return float(votes / max(1.0, (self.now - first) / timedelta(days=1)) * share)

    def _sketch(self, member: str) -> datetime | None:
        """Sketch the texts of the stream that have no sketch; return the time from which on requests must wait for
        theirs, None where all are done."""
        rows = self._run(TEXTS_SQL.format(member=member), most=_MOST_TEXTS + 1).fetchall()
        if not rows:
            return None
        grams = self._run(
            "SELECT gram, texts FROM boilerplate WHERE classifier = $classifier AND week ="
            " (SELECT max(week) FROM boilerplate WHERE classifier = $classifier)"
        ).fetchall()
        taken = rows[:_MOST_TEXTS]
        bands = sketch_texts([text for _, text, _ in taken], Boilerplate(dict(grams)))
        import pandas as pd

        made = pd.DataFrame(
            {"classifier": self.shared["classifier"], "request_id": [each for each, _, _ in taken], "bands": bands}
        )
        self.connection.register("made_sketches", made)
        self.connection.execute("INSERT INTO text_sketches SELECT classifier, request_id, bands FROM made_sketches")
        self.connection.unregister("made_sketches")
        return rows[_MOST_TEXTS][2] if len(rows) > _MOST_TEXTS else None

    def _run(self, sql: str, **more: Any) -> duckdb.DuckDBPyConnection:
        given = {**self.shared, **more}
        return self.connection.execute(sql, {key: value for key, value in given.items() if f"${key}" in sql})

    def _one(self, sql: str, **more: Any) -> dict[str, Any]:
        result = self._run(sql, **more)
        names = [column[0] for column in result.description or ()]
        return dict(zip(names, result.fetchall()[0], strict=True))
