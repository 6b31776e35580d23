"""Reader of one file into the staging tables: directly by DuckDB, or by the slow path, each row with its line.

Add here how a file becomes rows of `stage` and `bad`; those rows are judged in `staging.py` by the rules of
`ratchet/data/row_rules.py`, and the SQL of each format is `readers.py`.
"""

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ratchet.core.sql import literal
from ratchet.data.records import RowKind, Terms
from ratchet.data.row_rules import reason_sql
from ratchet.ingest.parquet_limits import check_schema
from ratchet.ingest.readers import MAX_LINE_BYTES, Source, UnreadableError, lacking, read_csv, read_jsonl, read_parquet
from ratchet.ingest.salvage import FileFingerprint, copy_readable_lines, copy_readable_parquet

_UNREADABLE = (
    duckdb.InvalidInputException,
    duckdb.IOException,
    duckdb.ConversionException,
    duckdb.NotImplementedException,
)


@dataclass(frozen=True)
class StagingReader:
    """One file being read into the temporary tables `stage` and `bad`."""

    connection: duckdb.DuckDBPyConnection
    kind: RowKind
    suffix: str
    columns: Mapping[str, str]
    terms: Terms
    segment: bool

    def read(self, path: Path, survey: FileFingerprint, scratch: Path) -> None:
        """Fill `stage` and `bad` from the file at `path`. Raises `UnreadableError` or, about columns,
        `RatchetError`."""
        if survey.bytes == 0:
            raise UnreadableError("the file is empty")
        self.connection.execute("CREATE OR REPLACE TEMP TABLE bad (line BIGINT, reason VARCHAR, row VARCHAR)")
        if self.suffix == ".parquet":
            self._check_schema(path)
        if not (survey.odd and self.suffix == ".jsonl"):
            try:
                self._fill(path, crlf=survey.crlf)
                if not self._misencoded():
                    return
            except duckdb.Error as error:
                _refuse_when_not_the_file(error)
        # one bad byte makes DuckDB give up on the whole file, but costs only its own line of a cleaned copy
        copy, bad = scratch / f"readable{self.suffix}", scratch / "bad.jsonl"
        self.connection.execute("DELETE FROM bad")
        self._copy_readable(path, copy, bad)
        try:
            self._fill(copy, crlf=False)
        except duckdb.Error as error:
            _refuse_when_not_the_file(error)
            raise UnreadableError(f"the file cannot be read: {str(error).splitlines()[0]}") from None
        if bad.stat().st_size:
            self._add_left_out(bad)

    def _check_schema(self, path: Path) -> None:
        try:
            check_schema(self.connection, path)
        except _UNREADABLE as error:
            _refuse_when_not_the_file(error)  # a damaged footer: the reader says what is wrong

    def _copy_readable(self, path: Path, copy: Path, bad: Path) -> None:
        if self.suffix != ".parquet":
            return copy_readable_lines(path, copy, bad, keep_numbers=self.suffix == ".jsonl")
        try:
            return copy_readable_parquet(path, copy, bad)
        except (ValueError, OSError) as error:  # what pyarrow raises for a file that is not Parquet
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise UnreadableError(f"the file is not readable as Parquet: {str(error).splitlines()[0]}") from None

    def _fill(self, path: Path, *, crlf: bool) -> None:
        for table in ("csv_errors", "csv_scans"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")
        if self.suffix == ".jsonl":
            source = read_jsonl(path, self.kind, self.columns, crlf=crlf)
        elif self.suffix == ".csv":
            source = read_csv(path, self.kind, self.columns)
        else:
            source = read_parquet(self.connection, path, self.kind, self.columns, segment=self.segment)
        self.connection.execute(_stage_sql(source, self.kind, self.terms))
        if self.suffix == ".csv":
            self.connection.execute(
                "INSERT INTO bad SELECT line, any_value('the record does not fit the header: ' ||"
                " lower(error_type::VARCHAR)), any_value(csv_line) FROM csv_errors GROUP BY line"
            )
            if self.connection.execute("SELECT 1 FROM bad LIMIT 1").fetchone():
                self.connection.execute("UPDATE stage SET line = rowid + 2")
                self._shift("stage", "bad")
        if self.suffix == ".jsonl":
            self._need_columns()

    def _need_columns(self) -> None:
        """Raise when a required column is in no line at all: the fault is then of the file, not of its rows."""
        required = [column.name for column in self.kind.columns if column.required]
        tests = ", ".join(
            f"count({name}) = 0 AND bool_or(reason = {literal(name + ' is missing')})" for name in required
        )
        row = self.connection.execute(f"SELECT {tests} FROM stage").fetchone() or ()
        for name, absent in zip(required, row, strict=False):
            if absent:
                keys = self.connection.execute(
                    "SELECT DISTINCT unnest(json_keys(TRY_CAST(raw AS JSON))) AS key "
                    "FROM (SELECT raw FROM stage WHERE raw IS NOT NULL LIMIT 1000) ORDER BY key"
                ).fetchall()
                raise lacking(self.kind, self.columns, name, [key for (key,) in keys])

    def _misencoded(self) -> bool:
        """Return True where the CSV reader left out records for their bytes, which its report does not hold."""
        sql = "SELECT 1 FROM csv_errors WHERE error_type::VARCHAR = 'INVALID ENCODING' LIMIT 1"
        return self.suffix == ".csv" and self.connection.execute(sql).fetchone() is not None

    def _add_left_out(self, report: Path) -> None:
        """Add the lines that the slow path left out to `bad`, and number the others as if they were there."""
        types = "{line: 'BIGINT', reason: 'VARCHAR', row: 'VARCHAR'}"
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE left_out AS "
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
        starts = (
            "SELECT number, line - number + 1 AS start "
            f"FROM (SELECT line, row_number() OVER (ORDER BY line) AS number FROM {gaps}) "
            "QUALIFY row_number() OVER (PARTITION BY start ORDER BY number DESC) = 1"
        )
        self.connection.execute(
            f"UPDATE {table} SET line = shifted.line FROM (SELECT t.rowid AS rid, t.line + coalesce(gap.number, 0) AS"
            f" line FROM {table} t ASOF LEFT JOIN ({starts}) gap ON t.line >= gap.start) shifted WHERE shifted.rid ="
            f" {table}.rowid"
        )


def _stage_sql(source: Source, kind: RowKind, terms: Terms) -> str:
    typed = ", ".join(f"{value} AS {name}, {seen} AS {name}_seen" for name, (value, seen, _) in source.fields.items())
    place = "file, line" if source.segment else "NULL::VARCHAR AS file, NULL::BIGINT AS line"
    return (
        f"CREATE OR REPLACE TEMP TABLE stage AS SELECT {', '.join(kind.names)}, extra, reason, file, line, CASE WHEN"
        f" reason <> '' THEN {source.row} END AS raw FROM (SELECT *, {reason_sql(kind, terms)} AS reason FROM (SELECT"
        f" {source.broken} AS broken, {typed}, {source.fields['ts'][2]} AS ts_text, {source.extra} AS extra,"
        f" {source.origin} AS origin, {place} FROM {source.table}))"
    )


def _refuse_when_not_the_file(error: duckdb.Error) -> None:
    """Raise `error` again where the disk is full or the connection is lost; anything else is the file's own fault.

    A file that DuckDB cannot bind, parse or hold in memory must stop itself alone, whatever the error is called.
    """
    lost = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException, duckdb.InterruptException)
    if "No space left" in str(error) or isinstance(error, lost):
        raise error
