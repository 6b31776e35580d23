"""Reader of one file into the staging tables: directly by DuckDB, or by the slow path, each row with its line.

Add here how a file becomes rows of `stage` and `bad`; those rows are judged in `staging.py` by the rules of
`ratchet/data/row_rules.py`, and the SQL of each format is `json_source.py` and `table_source.py`.
"""

import errno
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ratchet.core.sql import literal
from ratchet.data.records import RowKind, Terms
from ratchet.ingest.reading.absent_columns import check_columns, find_absent
from ratchet.ingest.reading.json_source import read_json
from ratchet.ingest.reading.salvage import (
    FileFingerprint,
    copy_readable_lines,
    copy_readable_parquet,
    copy_readable_records,
    fingerprint,
)
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.reading.stage_sql import stage_sql
from ratchet.ingest.reading.table_source import read_csv, read_parquet
from ratchet.storage.row_files.copy_text import is_copy_text
from ratchet.storage.row_files.csv_header import read_header
from ratchet.storage.row_files.documents import copy_as_lines
from ratchet.storage.row_files.encodings import decode_file, find_encoding
from ratchet.storage.row_files.formats import CSV, JSONL, MAX_LINE_BYTES, PARQUET, UnreadableError
from ratchet.storage.row_files.opening import LINEWISE, OpenedFile
from ratchet.storage.row_files.parquet_limits import check_schema, check_size

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
    columns: Columns
    terms: Terms
    segment: bool

    def read(self, opened: OpenedFile, found: FileFingerprint, scratch: Path, *, linewise: bool = False) -> str:
        """Fill `stage` and `bad` from an opened file, of which `found` are the bytes as they lie on disk.

        With `linewise` a line that is not UTF-8 costs itself, and no encoding of the whole is looked for.
        Returns the encoding of a file that is neither UTF-8 nor marked, else ''. Raises `UnreadableError` or, about
        columns, `RatchetError`.
        """
        if found.bytes == 0:
            raise UnreadableError("the file is empty")
        self.connection.execute("CREATE OR REPLACE TEMP TABLE bad (line BIGINT, reason VARCHAR, row VARCHAR)")
        if opened.form == PARQUET:
            self._read_parquet(opened.path, scratch)
            return ""
        if opened.copied:
            found = fingerprint(opened.path)
        if self._try(opened, found) is None:
            return ""
        # DuckDB gives up on the whole file for one bad byte: another encoding, or damage of single lines
        if encoding := None if linewise else find_encoding(opened.path):
            plain = scratch / "decoded-whole"
            decode_file(opened.path, plain, encoding)
            opened = OpenedFile(plain, opened.form, opened.layout, copied=True)
            found = fingerprint(plain)
            if self._try(opened, found) is None:
                return encoding
        if opened.layout not in LINEWISE:
            lines = scratch / "lines"
            copy_as_lines(opened.path, lines)
            opened = OpenedFile(lines, opened.form, copied=True)
            if self._try(opened, fingerprint(lines)) is None:
                return encoding or ""
        self._read_carefully(opened, scratch)
        return encoding or ""

    def _try(self, opened: OpenedFile, found: FileFingerprint) -> str | None:
        """Fill the tables by DuckDB alone; return why that does not do, or None."""
        if found.odd and opened.layout in LINEWISE and opened.form == JSONL:
            return "its line ends are mixed"
        try:
            if opened.form == CSV:
                return self._fill_csv(opened.path, found)
            self._fill_json(opened.path, crlf=found.crlf, layout=opened.layout)
        except duckdb.Error as error:
            _refuse_when_not_the_file(error)
            return str(error).splitlines()[0]
        return None

    def _read_carefully(self, opened: OpenedFile, scratch: Path) -> None:
        copy, bad = scratch / f"readable{opened.form}", scratch / "bad.jsonl"
        try:
            if opened.form == CSV:
                header = read_header(opened.path)
                copy_readable_records(opened.path, header, copy, bad)
                self._drop_errors()
                source = read_csv(copy, self.kind, self.columns, header, numbered=True)
                self.connection.execute(stage_sql(source, self.kind, self.terms))
            else:
                copy_readable_lines(opened.path, copy, bad)
                self._fill_json(copy, crlf=False, layout=opened.layout)
        except duckdb.Error as error:
            _refuse_when_not_the_file(error)
            raise UnreadableError(f"the file cannot be read: {str(error).splitlines()[0]}") from None
        self._add_left_out(bad)

    def _fill_csv(self, path: Path, found: FileFingerprint) -> str | None:
        """Fill `stage` from a CSV file; return why its records must be read one by one, or None."""
        header = read_header(path)
        if is_copy_text(path, header):
            return "its fields have escapes in place of quotes"
        self._drop_errors()
        self.connection.execute(stage_sql(read_csv(path, self.kind, self.columns, header), self.kind, self.terms))
        if self.connection.execute("SELECT 1 FROM csv_errors LIMIT 1").fetchone():
            return "some records cannot be read"
        row = self.connection.execute("SELECT count(*) FROM stage").fetchone()
        if found.odd or row is None or row[0] + header.lines != found.lines:
            return "some records run over several lines"
        if header.lines > 1:
            self.connection.execute(f"UPDATE stage SET line = rowid + {header.lines + 1}")
        return None

    def _drop_errors(self) -> None:
        for table in ("csv_errors", "csv_scans"):
            self.connection.execute(f"DROP TABLE IF EXISTS {table}")

    def _fill_json(self, path: Path, *, crlf: bool, layout: str) -> None:
        source = read_json(path, self.kind, self.columns, crlf=crlf, layout=layout)
        self.connection.execute(stage_sql(source, self.kind, self.terms))
        columns = self.columns
        absent, keys = find_absent(self.connection, self.kind)
        if absent and (fitted := columns.fitted(self.kind, keys)) != columns:
            columns = fitted
            source = read_json(path, self.kind, columns, crlf=crlf, layout=layout)
            self.connection.execute(stage_sql(source, self.kind, self.terms))
            absent = find_absent(self.connection, self.kind)[0]
        check_columns(self.connection, self.kind, columns, absent, keys)

    def _read_parquet(self, path: Path, scratch: Path) -> None:
        try:
            check_schema(self.connection, path)
            check_size(self.connection, path)
        except _UNREADABLE as error:
            _refuse_when_not_the_file(error)  # a damaged footer: the reader says what is wrong
        try:
            self._fill_parquet(path)
            return
        except duckdb.Error as error:
            _refuse_when_not_the_file(error)
        # one text that is not UTF-8 makes DuckDB give up on the whole file, but costs only its own row of a copy
        copy, bad = scratch / f"readable{PARQUET}", scratch / "bad.jsonl"
        try:
            copy_readable_parquet(path, copy, bad)
            self._fill_parquet(copy)
        except (ValueError, OSError, duckdb.Error) as error:  # what pyarrow raises for a file that is not Parquet
            if isinstance(error, duckdb.Error):
                _refuse_when_not_the_file(error)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            raise UnreadableError(f"the file is not readable as Parquet: {str(error).splitlines()[0]}") from None
        self._add_left_out(bad, in_place=True)

    def _fill_parquet(self, path: Path) -> None:
        source = read_parquet(self.connection, path, self.kind, self.columns, segment=self.segment)
        self.connection.execute(stage_sql(source, self.kind, self.terms))

    def _add_left_out(self, report: Path, *, in_place: bool = False) -> None:
        """Add the lines that the slow path left out to `bad`.

        With `in_place` their rows are in `stage` too, with a null where the bytes were.
        """
        if not report.stat().st_size:
            return
        types = "{line: 'BIGINT', reason: 'VARCHAR', row: 'VARCHAR'}"
        rows = f"read_json({literal(str(report))}, columns={types}, maximum_object_size={8 * MAX_LINE_BYTES})"
        self.connection.execute(f"INSERT INTO bad FROM {rows}")
        if in_place:
            self.connection.execute("UPDATE stage SET reason = '' WHERE rowid IN (SELECT line - 1 FROM bad)")


def _refuse_when_not_the_file(error: duckdb.Error) -> None:
    """Raise `error` again where the disk is full or the connection is lost; anything else is the file's own fault.

    A file that DuckDB cannot bind, parse or hold in memory must stop itself alone, whatever the error is called.
    """
    lost = (duckdb.FatalException, duckdb.InternalException, duckdb.ConnectionException, duckdb.InterruptException)
    if "No space left" in str(error) or isinstance(error, lost):
        raise error
