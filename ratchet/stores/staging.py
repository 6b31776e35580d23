"""The staging table: one file, read, typed and judged in one scan, then compared with what the warehouse already holds.

Add here what becomes of the rows of one file inside DuckDB; which files, in what order and how safely is `landing.py`.
All tables are temporary: `stage` (a row for each row of the file), `verdict` (rows of `stage` that are not taken:
reason NULL means duplicate) and `bad` (rows that no reader could put into `stage`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ratchet.records import WAITING, Kind, Terms, literal, reason_sql, same_content_sql
from ratchet.stores.mended import Survey, mend_lines, mend_parquet
from ratchet.stores.readers import MAX_LINE_BYTES, Source, UnreadableError, lacking, read_csv, read_jsonl, read_parquet

_UNREADABLE = (duckdb.InvalidInputException, duckdb.IOException, duckdb.ConversionException, duckdb.NotImplementedException)


@dataclass(frozen=True)
class Stage:
    """One file on its way into the warehouse."""

    connection: duckdb.DuckDBPyConnection
    kind: Kind
    classifier: str
    suffix: str

    def read(self, path: Path, survey: Survey, columns: Mapping[str, str], terms: Terms, scratch: Path, *, segment: bool) -> None:
        """Fill `stage` and `bad` from the file at `path`. Raises `UnreadableError` or, about columns, `RatchetError`."""
        if survey.bytes == 0:
            raise UnreadableError("the file is empty")
        self.connection.execute("CREATE OR REPLACE TEMP TABLE bad (line BIGINT, reason VARCHAR, row VARCHAR)")
        if not (survey.odd and self.suffix == ".jsonl"):
            try:
                self._fill(path, columns, terms, crlf=survey.crlf, segment=segment)
                if not self._misencoded():
                    return
            except _UNREADABLE as error:
                _refuse_when_full(error)
        copy, bad = scratch / f"mended{self.suffix}", scratch / "bad.jsonl"
        self.connection.execute("DELETE FROM bad")
        self._mend(path, copy, bad)
        try:
            self._fill(copy, columns, terms, crlf=False, segment=segment)
        except _UNREADABLE as error:
            _refuse_when_full(error)
            raise UnreadableError(f"the file cannot be read: {str(error).splitlines()[0]}") from None
        if bad.stat().st_size:
            self._add_left_out(bad)

    def judge(self) -> None:
        """Fill `verdict`: duplicates, conflicts and, of corrections, those whose request is unknown."""
        kind, key = self.kind, ", ".join(self.kind.key)
        conflict = literal(f"conflicts with an earlier row of the same {' and '.join(kind.key)}")
        same = f"CASE WHEN NOT ({same_content_sql(kind, 's', 'o')}) THEN {conflict} END"
        on_key = " AND ".join(f"o.{name} = s.{name}" for name in kind.key)
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE verdict AS SELECT s.rowid AS rid, {same} AS reason "
            f"FROM stage s JOIN {kind.name} o ON o.classifier = ? AND {on_key} WHERE s.reason IS NULL",
            [self.classifier],
        )
        if kind.name == "corrections":
            self.connection.execute(
                "INSERT INTO verdict SELECT s.rowid, ? FROM stage s WHERE s.reason IS NULL AND NOT EXISTS "
                "(FROM production_logs l WHERE l.classifier = ? AND l.request_id = s.request_id)",
                [WAITING, self.classifier],
            )
        self.connection.execute(
            f"INSERT INTO verdict WITH fresh AS (SELECT rowid AS rid, * FROM stage WHERE reason IS NULL AND rowid NOT IN (SELECT rid FROM verdict)), "
            f"doubles AS (SELECT {key}, min(rid) AS head FROM fresh GROUP BY {key} HAVING count(*) > 1) "
            f"SELECT s.rid, {same} FROM fresh s JOIN doubles USING ({key}) JOIN stage o ON o.rowid = head WHERE s.rid <> head"
        )

    def known_waiting(self, segments: list[Path]) -> None:
        """Call duplicates those waiting rows that an earlier delivery already left waiting in one of `segments`."""
        if not segments:
            return
        on_key = " AND ".join(f"o.{name} = s.{name}" for name in self.kind.key)
        files = ", ".join(literal(str(path)) for path in segments)
        self.connection.execute(
            f"UPDATE verdict SET reason = NULL WHERE reason = ? AND rid IN (SELECT s.rowid FROM stage s "
            f"JOIN read_parquet([{files}]) o ON {on_key} WHERE {same_content_sql(self.kind, 's', 'o')})",
            [WAITING],
        )

    def admit(self) -> int:
        """Insert the accepted rows into the warehouse; their number."""
        names = ", ".join(f"s.{name}" for name in (*self.kind.names, "extra"))
        week, join = "date_trunc('week', make_timestamp(epoch_us(s.ts)))::DATE", ""
        if self.kind.name == "corrections":
            week, join = "l.week", "JOIN production_logs l ON l.classifier = $1 AND l.request_id = s.request_id"
        row = self.connection.execute(
            f"INSERT INTO {self.kind.name} SELECT $1, {names}, {week} FROM stage s {join} "
            "WHERE s.reason IS NULL AND s.rowid NOT IN (SELECT rid FROM verdict)",
            [self.classifier],
        ).fetchone()
        return int(row[0]) if row else 0

    def write_segment(self, path: Path, source: str) -> int:
        """Write the accepted and the waiting rows as one Parquet file that names their source; the number of rows."""
        names = ", ".join((*self.kind.names, "extra"))
        row = self.connection.execute(
            f"COPY (SELECT {names}, {literal(source)} AS file, {self._line()} AS line FROM stage s "
            f"WHERE reason IS NULL AND rowid NOT IN (SELECT rid FROM verdict WHERE reason IS DISTINCT FROM {literal(WAITING)})) "
            f"TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        return int(row[0]) if row else 0

    def write_rejects(self, path: Path, file: str, *, waiting: bool | None) -> dict[str, int]:
        """Write the refused rows as JSONL {file, line, reason, row}: all, only waiting ones, or all but those. Counts by reason."""
        names = ", ".join(f"{literal(name)}: s.{name}" for name in (*self.kind.names, "extra"))
        which = {None: "true", True: f"reason = {literal(WAITING)}", False: f"reason <> {literal(WAITING)}"}[waiting]
        origin = f"coalesce(s.file, {literal(file)})"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE rejects AS SELECT * FROM ("
            f"SELECT {origin} AS file, {self._line()} AS line, coalesce(s.reason, v.reason) AS reason, "
            f"coalesce(s.raw, to_json({{{names}}})::VARCHAR) AS row FROM stage s LEFT JOIN verdict v ON v.rid = s.rowid "
            f"WHERE s.reason <> '' OR v.reason IS NOT NULL "
            f"UNION ALL SELECT {literal(file)}, line, reason, row FROM bad) WHERE {which} ORDER BY line"
        )
        counts = dict(self.connection.execute("SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY reason").fetchall())
        if counts:
            self.connection.execute(f"COPY rejects TO {literal(str(path))} (FORMAT json)")
        return counts

    def counts(self) -> tuple[int, int, int]:
        """Rows that will be accepted, that are duplicates, and that wait for their request."""
        row = self.connection.execute(
            "SELECT (SELECT count(*) FROM stage WHERE reason IS NULL) - count(*), count(*) FILTER (reason IS NULL), "
            "count(*) FILTER (reason = ?) FROM verdict",
            [WAITING],
        ).fetchone()
        return (int(row[0]), int(row[1]), int(row[2])) if row else (0, 0, 0)

    def _mend(self, path: Path, copy: Path, bad: Path) -> None:
        if self.suffix != ".parquet":
            return mend_lines(path, copy, bad, keep_numbers=self.suffix == ".jsonl")
        try:
            return mend_parquet(path, copy, bad)
        except (ValueError, OSError) as error:  # what pyarrow raises for a file that is no Parquet
            raise UnreadableError(f"the file is no readable Parquet: {str(error).splitlines()[0]}") from None

    def _fill(self, path: Path, columns: Mapping[str, str], terms: Terms, *, crlf: bool, segment: bool) -> None:
        for table in ("csv_errors", "csv_scans"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        if self.suffix == ".jsonl":
            source = read_jsonl(path, self.kind, columns, crlf=crlf)
        elif self.suffix == ".csv":
            source = read_csv(path, self.kind, columns)
        else:
            source = read_parquet(self.connection, path, self.kind, columns, segment=segment)
        self.connection.execute(_stage_sql(source, self.kind, terms))
        if self.suffix == ".csv":
            self.connection.execute(
                "INSERT INTO bad SELECT line, any_value('the record does not fit the header: ' || lower(error_type::VARCHAR)), "
                "any_value(csv_line) FROM csv_errors GROUP BY line"
            )
            if self.connection.execute("SELECT 1 FROM bad LIMIT 1").fetchone():
                self.connection.execute("UPDATE stage SET line = rowid + 2")
                self._shift("stage", "bad")
        if self.suffix == ".jsonl":
            self._need_columns(columns)

    def _need_columns(self, columns: Mapping[str, str]) -> None:
        """Raise when a required column is in no line at all: then the file, not its rows, is at fault."""
        required = [column.name for column in self.kind.columns if column.required]
        tests = ", ".join(f"count({name}) = 0 AND bool_or(reason = {literal(name + ' is missing')})" for name in required)
        row = self.connection.execute(f"SELECT {tests} FROM stage").fetchone() or ()
        for name, absent in zip(required, row, strict=False):
            if absent:
                found = self.connection.execute(
                    "SELECT DISTINCT unnest(json_keys(TRY_CAST(raw AS JSON))) AS key FROM (SELECT raw FROM stage WHERE raw IS NOT NULL LIMIT 1000) ORDER BY key"
                ).fetchall()
                raise lacking(self.kind, columns, name, [key for (key,) in found])

    def _misencoded(self) -> bool:
        """Whether the CSV reader left out records for their bytes, which it reports without the bytes."""
        sql = "SELECT 1 FROM csv_errors WHERE error_type::VARCHAR = 'INVALID ENCODING' LIMIT 1"
        return self.suffix == ".csv" and self.connection.execute(sql).fetchone() is not None

    def _add_left_out(self, report: Path) -> None:
        """Add the lines that the slow path left out to `bad`, and number the others as if they were there."""
        types = "{line: 'BIGINT', reason: 'VARCHAR', row: 'VARCHAR'}"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE left_out AS "
            f"FROM read_json({literal(str(report))}, columns={types}, maximum_object_size={8 * MAX_LINE_BYTES})"
        )
        if self.suffix == ".parquet":  # the row is there, with a null where the bytes were
            self.connection.execute("UPDATE stage SET reason = '' WHERE rowid IN (SELECT line - 1 FROM left_out)")
        if self.suffix == ".csv":
            self.connection.execute("UPDATE stage SET line = coalesce(line, rowid + 2)")
            self._shift("stage", "left_out")
            self._shift("bad", "left_out")
        self.connection.execute("INSERT INTO bad FROM left_out")

    def _shift(self, table: str, gaps: str) -> None:
        """Raise each `line` of `table` by the number of lines of `gaps` before it, both counted without each other."""
        self.connection.execute(
            f"UPDATE {table} SET line = shifted.line FROM (SELECT t.rowid AS rid, t.line + coalesce(gap.number, 0) AS line FROM {table} t "
            f"ASOF LEFT JOIN (SELECT number, line - number + 1 AS start FROM (SELECT line, row_number() OVER (ORDER BY line) AS number "
            f"FROM {gaps}) QUALIFY row_number() OVER (PARTITION BY start ORDER BY number DESC) = 1) gap ON t.line >= gap.start) shifted "
            f"WHERE shifted.rid = {table}.rowid"
        )

    def _line(self) -> str:
        return f"coalesce(s.line, s.rowid + {2 if self.suffix == '.csv' else 1})"


def _stage_sql(source: Source, kind: Kind, terms: Terms) -> str:
    typed = ", ".join(f"{value} AS {name}, {seen} AS {name}_seen" for name, (value, seen, _) in source.fields.items())
    place = "file, line" if source.segment else "NULL::VARCHAR AS file, NULL::BIGINT AS line"
    return (
        f"CREATE OR REPLACE TEMP TABLE stage AS SELECT {', '.join(kind.names)}, extra, reason, file, line, "
        f"CASE WHEN reason <> '' THEN {source.row} END AS raw "
        f"FROM (SELECT *, {reason_sql(kind, terms)} AS reason FROM (SELECT {source.broken} AS broken, {typed}, "
        f"{source.fields['ts'][2]} AS ts_text, {source.extra} AS extra, {source.origin} AS origin, {place} FROM {source.table}))"
    )


def _refuse_when_full(error: duckdb.Error) -> None:
    if "No space left" in str(error):
        raise error
