"""Pairs: requests that two adapters answered, read from sealed segments and joined with later corrections.

Add another source of pairs here. Counts are defined in `ratchet/rollout/evidence/`; the gateway writes pairs in
`gateway/shadowing.py`.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from ratchet.config.policy import PromotionPolicy
from ratchet.core.errors import RatchetError
from ratchet.core.sql import literal
from ratchet.data.consensus import CONSENSUS_SQL
from ratchet.data.label_selection import SELECTION_SQL, LabelSelection, left_out_weeks
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.pairs_sql import (
    COUNTS_SQL,
    DAILY_SQL,
    LABELLED_SQL,
    PAIR_COLUMNS,
    PEOPLE_SQL,
    QUARANTINED_SQL,
    SELECTED_SQL,
    Meanings,
    pairs_sql,
    parts_sql,
)
from ratchet.rollout.evidence.stream import Stream
from ratchet.rollout.evidence.timed_pairs import TIMES_SQL
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import RowSchema, is_intact
from ratchet.storage.rollout.evidence_stream import EvidenceStream, RequestToLabel
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.warehouse import Warehouse

PAIRS = RowSchema("pairs", PAIR_COLUMNS)
_ALL_WEEKS = date.max
_ENDED_SQL = "SELECT label FROM label_images WHERE classifier = {classifier} AND ended_at IS NOT NULL"
"""Labels of now that no label stands for: retired, or split and not answered since."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pairs:
    """The pairs of a home, counted with the corrections of its warehouse."""

    home: Home
    warehouse: Warehouse
    means: Callable[[str, str], Meanings] = lambda classifier, digest: {}
    """Function of classifier and adapter that says what its labels are called now."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """Cost of a wrong answer of each label."""
    max_latency_ratio: float = PromotionPolicy.max_latency_ratio
    """Ratio of the candidate's time to live's above which a timed pair counts as slower."""

    def count(
        self,
        classifier: str,
        compared: tuple[str, str],
        *sequences: int,
        now: datetime | None = None,
        stream: Stream | None = None,
    ) -> list[Evidence]:
        """Return the evidence on `compared` (live, candidate) since each of the ledger's `sequences`, as of `now`.

        The `stream` says which requests count; without one, as in a rollout of before, none does.
        """
        return self.look(classifier, compared, *sequences, now=now, stream=stream)[0]

    def look(
        self,
        classifier: str,
        compared: tuple[str, str],
        *sequences: int,
        now: datetime | None = None,
        stream: Stream | None = None,
    ) -> tuple[list[Evidence], list[RequestToLabel]]:
        """Return what `count` does, and the requests of the stream that people label."""
        now = now or datetime.now(UTC)
        files = [str(path) for path in self.segments(classifier)]
        if not files:
            return [Evidence() for _ in sequences], []
        with self.warehouse.connect() as connection:
            truth, weeks = (
                sql.replace("$classifier", literal(classifier)).replace("$week", f"DATE '{_ALL_WEEKS}'")
                for sql in (CONSENSUS_SQL, SELECTION_SQL)
            )
            held = self._held_sql(classifier)
            rows = connection.execute(weeks).fetchall()
            found = [LabelSelection(blind, confirming, str(week)[:10]) for week, blind, confirming in rows]
            one_sided = _in_weeks("week", [each.week for each in left_out_weeks(found)])
            connection.execute(
                f"CREATE TEMP TABLE truth AS SELECT *, {held} AS quarantined, {one_sided} AS one_sided FROM ({truth})"
                f" WHERE label IS NULL OR label NOT IN ({_ENDED_SQL.format(classifier=literal(classifier))})"
            )
            connection.execute(f"CREATE TEMP TABLE ended_labels AS {_ENDED_SQL.format(classifier=literal(classifier))}")
            daily = _daily_labels(connection, classifier, now)
            _read_pairs(connection, files)
            means = [self.means(classifier, digest) for digest in compared]
            pairs = pairs_sql(*means)
            counted = [
                _count(connection, classifier, compared, sequence, pairs, self.max_latency_ratio)
                for sequence in sequences
            ]
            counted = [replace(evidence, daily_labels=daily) for evidence in counted]
            if stream is None or not sequences:
                return counted, []
            opened = EvidenceStream(
                connection,
                stream,
                now,
                {
                    "classifier": classifier,
                    "incumbent": compared[0],
                    "challenger": compared[1],
                    "sequence": min(sequences),
                    "week": _ALL_WEEKS,
                },
                parts_sql(*means),
                (held.replace("week", "v.week"), one_sided.replace("week", "v.week")),
                self.costs,
            )
            opened.prepare()
            evidence = [opened.add_to(each, sequence) for each, sequence in zip(counted, sequences, strict=True)]
            return evidence, opened.to_label() if stream.drawn else []

    def _held_sql(self, classifier: str) -> str:
        """Return the condition of a quarantined label. Where the file cannot be read no vote counts, and the rollout
        holds; its other guardrails work on."""
        try:
            weeks = Quarantine(self.home).state(classifier).weeks
        except (RatchetError, OSError) as error:
            reason = error.message if isinstance(error, RatchetError) else f"{error}."
            _LOG.warning("%s no vote counts until then", reason)
            return "true"
        return _in_weeks("week", weeks)

    def segments(self, classifier: str) -> list[Path]:
        """List the segments whose content matches their names; any other is left out, and named in the log."""
        found = sorted(self.home.pairs(classifier).glob("*.parquet"))
        intact = [path for path in found if is_intact(path)]
        for path in set(found) - set(intact):
            _LOG.warning("%s does not have the content that its name stands for; its pairs are not counted", path)
        return intact


def _read_pairs(connection: duckdb.DuckDBPyConnection, files: list[str]) -> None:
    """Read the pairs once; those of before lack columns."""
    columns = ", ".join(f"NULL::{sql} AS {name}" for name, sql in PAIR_COLUMNS.items())
    connection.execute("DROP TABLE IF EXISTS temp.all_pairs")
    connection.execute(
        "CREATE TEMP TABLE all_pairs AS SELECT * FROM read_parquet($files, union_by_name = true)"
        f" UNION ALL BY NAME SELECT {columns} WHERE false",
        {"files": files},
    )


def _daily_labels(connection: duckdb.DuckDBPyConnection, classifier: str, now: datetime) -> float | None:
    labels, first = connection.execute(DAILY_SQL, {"classifier": classifier, "now": now}).fetchall()[0]
    return None if first is None else labels / max(1.0, (now - first) / timedelta(days=1))


def _in_weeks(column: str, weeks: Iterable[str]) -> str:
    listed = ", ".join(f"DATE {literal(week[:10])}" for week in weeks)
    return f"{column} IN ({listed})" if listed else "false"


def _count(
    connection: duckdb.DuckDBPyConnection,
    classifier: str,
    compared: tuple[str, str],
    sequence: int,
    pairs: str,
    slowest: float,
) -> Evidence:
    incumbent, challenger = compared
    connection.execute("DROP TABLE IF EXISTS temp.pairs")
    params = {"incumbent": incumbent, "challenger": challenger, "sequence": sequence}
    connection.execute(pairs, params)
    counts = connection.execute(COUNTS_SQL).df().to_dict("records")[0]
    timed, slower, ratio, stalls, live_stalls = connection.execute(TIMES_SQL, {"slower": slowest}).fetchall()[0]
    selected = {bool(side): (n, right) for side, n, right in connection.execute(SELECTED_SQL).fetchall()}
    left_out, counted = (LabelSelection(*selected.get(side, (0, 0))) for side in (True, False))
    # Labels that trickle in over several weeks are judged together as well.
    if counted.is_one_sided:
        left_out = LabelSelection(left_out.blind + counted.blind, left_out.confirming + counted.confirming)
    labelled = [] if counted.is_one_sided else connection.execute(LABELLED_SQL).fetchall()
    people = (
        connection.execute(PEOPLE_SQL, {"classifier": classifier, "week": _ALL_WEEKS}).fetchall()[0][0]
        if labelled
        else 0
    )
    requests, errors, disagreements, answered, renamed = (
        int(counts[name]) for name in ("requests", "errors", "disagreements", "answered", "renamed")
    )
    times = [  # a quantile over no rows comes back as NaN
        None if counts[name] != counts[name] else counts[name] for name in ("incumbent_p95_ms", "challenger_p95_ms")
    ]
    return Evidence(
        requests,
        errors,
        disagreements,
        answered,
        labelled=sum(n for _, n, _, _ in labelled),
        only_incumbent=sum(only for _, _, only, _ in labelled),
        only_challenger=sum(only for _, _, _, only in labelled),
        incumbent_p95_ms=times[0],
        challenger_p95_ms=times[1],
        quarantined=int(connection.execute(QUARANTINED_SQL).fetchall()[0][0]),
        one_sided=left_out.blind,
        confirming=left_out.confirming,
        people=int(people),
        renamed=renamed,
        timed=int(timed),
        slower=int(slower),
        median_time_ratio=ratio,
        stalls=int(stalls),
        live_stalls=int(live_stalls),
        by_label={str(label): (n, first, second) for label, n, first, second in labelled},
    )
