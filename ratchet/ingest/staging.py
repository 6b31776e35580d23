"""The staging table: one file's rows, typed in `reading/`, compared with those already in the warehouse.

Add here steps for the rows of one file inside DuckDB; files and their order are `landing.py`. All tables are temporary:
`stage` (a row for each row of the file), `verdict` (rows of `stage` that are not accepted: reason NULL means duplicate)
and `bad` (rows that no reader could put into `stage`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from ratchet.core.person_names import PLAIN_NAME, BadNameError, normalise_name
from ratchet.core.sql import literal
from ratchet.data.records import RowKind, differences_sql, same_content_sql
from ratchet.data.row_rules import AHEAD, WAIT_REASONS, WAITING
from ratchet.ingest.manifest import ManifestEntry
from ratchet.ingest.reading.stage_sql import count_nulled
from ratchet.storage.row_files.formats import CSV

_WAITS = f"reason IN ({', '.join(map(literal, WAIT_REASONS))})"
_LINE_BITS = 32
"""Bits of a correction's place that hold its line; those above hold its file's."""


@dataclass(frozen=True)
class Stage:
    """One file on its way into the warehouse."""

    connection: duckdb.DuckDBPyConnection
    kind: RowKind
    classifier: str
    form: str
    """Form of the file, as `.csv`: it says on which line the first row stands."""
    encoding: str = ""  # as it was read, of a text file that is neither marked nor UTF-8

    def name_annotators(self) -> None:
        """Bring annotators to the one form of names, and reject names that have none.

        Only names that are not in that form already are asked about, each once.
        """
        odd = self.connection.execute(
            f"SELECT DISTINCT annotator FROM stage WHERE reason IS NULL "
            f"AND NOT regexp_full_match(annotator, '{PLAIN_NAME}')"
        ).fetchall()
        forms: list[tuple[str, str, str | None]] = []
        for (name,) in odd:
            try:
                forms.append((name, normalise_name(name), None))
            except BadNameError as error:
                forms.append((name, name, f"annotator {error}"))
        if forms:
            self.connection.execute("CREATE OR REPLACE TEMP TABLE forms (name VARCHAR, form VARCHAR, fault VARCHAR)")
            self.connection.executemany("INSERT INTO forms VALUES (?, ?, ?)", forms)
            self.connection.execute(
                "UPDATE stage SET annotator = forms.form, reason = forms.fault FROM forms "
                "WHERE forms.name = stage.annotator AND stage.reason IS NULL"
            )

    def judge(self, now: datetime) -> None:
        """Fill `verdict`: duplicates, conflicts, rows ahead of `now`, and corrections whose request is unknown."""
        if self.kind.name == "corrections":
            self.name_annotators()
        kind, key = self.kind, ", ".join(self.kind.key)
        conflict = literal(f"conflicts with an earlier row of the same {' and '.join(kind.key)}: another ")
        differs = differences_sql(kind, "s", "o")
        same = f"CASE WHEN NOT ({same_content_sql(kind, 's', 'o')}) THEN {conflict} || {differs} END"
        on_key = " AND ".join(f"o.{name} = s.{name}" for name in kind.key)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE verdict AS SELECT s.rowid AS rid, {same} AS reason "
            f"FROM stage s JOIN {kind.name} o ON o.classifier = ? AND {on_key} WHERE s.reason IS NULL",
            [self.classifier],
        )
        self._forgive_renamed(on_key)
        # a row ahead of the clock would make a week of its own; whichever clock is wrong, it costs no row
        if kind.name != "labelled_examples":  # which are of no week
            self.connection.execute(
                "INSERT INTO verdict SELECT s.rowid, ? FROM stage s WHERE s.reason IS NULL AND s.ts > ? "
                "AND s.rowid NOT IN (SELECT rid FROM verdict)",
                [AHEAD, now],
            )
        if kind.name == "corrections":
            self.connection.execute(
                "INSERT INTO verdict SELECT s.rowid, ? FROM stage s WHERE s.reason IS NULL AND NOT EXISTS "
                "(FROM production_logs l WHERE l.classifier = ? AND l.request_id = s.request_id) "
                "AND s.rowid NOT IN (SELECT rid FROM verdict)",
                [WAITING, self.classifier],
            )
        fresh = "s.reason IS NULL AND s.rowid NOT IN (SELECT rid FROM verdict)"
        self.connection.execute(
            f"INSERT INTO verdict SELECT s.rowid, {same} FROM stage s JOIN ("
            f"SELECT {key}, min(rowid) AS head FROM stage s WHERE {fresh} GROUP BY {key} HAVING count(*) > 1"
            f") USING ({key}) JOIN stage o ON o.rowid = head WHERE {fresh} AND s.rowid <> head"
        )

    def _forgive_renamed(self, on_key: str) -> None:
        """Make duplicates of rows that came again with another name of their label, as a full export after a rename."""
        row = self.connection.execute("SELECT count(*) FROM label_images").fetchone()
        if not row or not row[0]:
            return
        image = (
            "LEFT JOIN label_images {0} ON {0}.classifier = o.classifier AND {0}.name = {1}.label"
            " AND ({0}.since IS NULL OR {1}.ts >= {0}.since) AND ({0}.until IS NULL OR {1}.ts < {0}.until)"
        )
        same = same_content_sql(self.kind, "s", "o", but="label")
        self.connection.execute(
            f"UPDATE verdict SET reason = NULL WHERE reason IS NOT NULL AND rid IN (SELECT s.rowid FROM stage s "
            f"JOIN {self.kind.name} o ON o.classifier = ? AND {on_key} "
            f"{image.format('i', 's')} {image.format('j', 'o')} "
            f"WHERE coalesce(i.label, s.label) = coalesce(j.label, o.label) AND {same})",
            [self.classifier],
        )

    def known_waiting(self, segments: list[Path]) -> None:
        """Mark as duplicates the waiting rows that an earlier delivery already left waiting in one of `segments`."""
        if not segments:
            return
        on_key = " AND ".join(f"o.{name} = s.{name}" for name in self.kind.key)
        files = ", ".join(literal(str(path)) for path in segments)
        self.connection.execute(
            f"UPDATE verdict SET reason = NULL WHERE {_WAITS} AND rid IN (SELECT s.rowid FROM stage s "
            f"JOIN read_parquet([{files}]) o ON {on_key} WHERE {same_content_sql(self.kind, 's', 'o')})"
        )

    def admit(self, seq: int, since: datetime) -> int:
        """Insert the accepted rows into the warehouse; return their number.

        `seq` is the place of the file among all that arrived; with a row's line it is the place of a correction. It
        arrived at `since`, which is the week of an example, and its time where it has none.
        """
        columns = (*self.kind.names, "extra", "week")
        names = ", ".join(f"s.{name}" for name in columns[:-1])
        week, join, arrived = "date_trunc('week', make_timestamp(epoch_us(s.ts)))::DATE", "", ""
        if self.kind.name == "corrections":
            week, join = "l.week", "JOIN production_logs l ON l.classifier = $1 AND l.request_id = s.request_id"
            columns = (*columns, "arrived")
            arrived = f", {seq << _LINE_BITS} + {self._line()}"
        if self.kind.name == "labelled_examples":
            instant = f"TIMESTAMPTZ {literal(since.isoformat())}"
            week = f"date_trunc('week', {literal(f'{since:%Y-%m-%d}')}::DATE)::DATE"
            names = names.replace("s.ts", f"coalesce(s.ts, {instant})")
        row = self.connection.execute(
            f"INSERT INTO {self.kind.name} (classifier, {', '.join(columns)}) "
            f"SELECT $1, {names}, {week}{arrived} FROM stage s {join} "
            "WHERE s.reason IS NULL AND s.rowid NOT IN (SELECT rid FROM verdict)",
            [self.classifier],
        ).fetchone()
        return int(row[0]) if row else 0

    def write_segment(self, path: Path, source: str) -> int:
        """Write the accepted and the waiting rows as one Parquet file with their source; return their number."""
        names = ", ".join((*self.kind.names, "extra", "nulled"))
        row = self.connection.execute(
            f"COPY (SELECT {names}, {literal(source)} AS file, {self._line()} AS line FROM stage s WHERE reason IS NULL"
            f" AND rowid NOT IN (SELECT rid FROM verdict WHERE NOT coalesce({_WAITS}, false))) TO"
            f" {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        return int(row[0]) if row else 0

    def write_rejects(self, path: Path, file: str, *, waiting: bool | None) -> dict[str, int]:
        """Write the rejected rows as JSONL {file, line, reason, row}: all, only waiting ones, or all but those.

        Returns the counts by reason.
        """
        names = ", ".join(f"{literal(name)}: s.{name}" for name in self.kind.names)
        whole = f"json_merge_patch(to_json({{{names}}}), coalesce(s.extra, '{{}}'))::VARCHAR"
        which = {None: "true", True: _WAITS, False: f"NOT {_WAITS}"}[waiting]
        origin = f"coalesce(s.file, {literal(file)})"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE rejects AS SELECT * FROM (SELECT {origin} AS file, {self._line()} AS line,"
            f" coalesce(s.reason, v.reason) AS reason, coalesce(s.raw, {whole}) AS row FROM stage"
            " s LEFT JOIN verdict v ON v.rid = s.rowid WHERE s.reason <> '' OR v.reason IS NOT NULL UNION ALL SELECT"
            f" {literal(file)}, line, reason, row FROM bad) WHERE {which} ORDER BY line"
        )
        counts = dict(
            self.connection.execute("SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY reason").fetchall()
        )
        if counts:
            self.connection.execute(f"COPY rejects TO {literal(str(path))} (FORMAT json)")
        return counts

    def waits(self) -> dict[str, int]:
        """Count the rows that wait, by reason."""
        sql = f"SELECT reason, count(*) FROM verdict WHERE {_WAITS} GROUP BY reason ORDER BY reason"
        return dict(self.connection.execute(sql).fetchall())

    def nulled(self) -> dict[str, int]:
        """Count the values that accepted rows were taken without, by reason."""
        sql = count_nulled("s.reason IS NULL AND s.rowid NOT IN (SELECT rid FROM verdict)")
        return dict(self.connection.execute(sql).fetchall())

    def unknown_labels(self, known: Sequence[str]) -> dict[str, int]:
        """Count the five most frequent labels of rejected rows that are not among the `known`."""
        sql = (
            "SELECT label, count(*) AS number FROM stage WHERE reason <> '' AND label IS NOT NULL AND NOT"
            " list_contains(?, label) GROUP BY label ORDER BY number DESC, label LIMIT 5"
        )
        return dict(self.connection.execute(sql, [list(known)]).fetchall())

    def counts(self) -> tuple[int, int, int]:
        """Count the rows to accept, the duplicates, and the rows that wait for their request."""
        row = self.connection.execute(
            "SELECT (SELECT count(*) FROM stage WHERE reason IS NULL) - count(*), count(*) FILTER (reason IS NULL), "
            f"count(*) FILTER ({_WAITS}) FROM verdict"
        ).fetchone()
        return (int(row[0]), int(row[1]), int(row[2])) if row else (0, 0, 0)

    def note_waiting(self, landed: ManifestEntry, since: datetime) -> None:
        """Add the rows of this file that wait now to `waiting`; they arrived at `since`."""
        if "request_id" not in self.kind.names:  # nothing that an example could wait for
            return
        key = [self.classifier, landed.kind, landed.file]
        self.connection.execute(
            "INSERT INTO waiting SELECT ?, ?, ?, ?, s.request_id, v.reason, CASE WHEN v.reason = ? THEN s.ts END, ? "
            f"FROM verdict v JOIN stage s ON s.rowid = v.rid WHERE v.{_WAITS}",
            [*key, landed.sha256, AHEAD, since],
        )

    def holds_nothing(self) -> bool:
        """Return True where the file gave neither a row nor a line that could not be read."""
        row = self.connection.execute("SELECT (SELECT count(*) FROM stage) + (SELECT count(*) FROM bad)").fetchone()
        return row is None or row[0] == 0

    def _line(self) -> str:
        return f"coalesce(s.line, s.rowid + {2 if self.form == CSV else 1})"
