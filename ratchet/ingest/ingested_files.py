"""The table `ingested_files`: the files of a classifier that are loaded, and those with rows that still wait.

Add here a query about loaded files, or a figure to store for each; files are loaded by `loader.py`.
"""

from dataclasses import dataclass

import duckdb

from ratchet.ingest.manifest import ManifestEntry
from ratchet.ingest.result import IngestResult


@dataclass(frozen=True)
class IngestedFiles:
    """The rows of one classifier; a file is known by its name and SHA-256."""

    connection: duckdb.DuckDBPyConnection
    classifier: str

    def done(self, kind: str) -> set[tuple[str, str]]:
        """Return the files of `kind` that are loaded."""
        sql = "SELECT file, sha256 FROM ingested_files WHERE classifier = ? AND kind = ?"
        return set(self.connection.execute(sql, [self.classifier, kind]).fetchall())

    def waiting(self) -> list[tuple[str, str]]:
        """List the files of corrections with rows that wait for their request, by name."""
        sql = (
            "SELECT file, sha256 FROM ingested_files WHERE classifier = ? AND kind = 'corrections' AND retry ORDER BY"
            " file"
        )
        return self.connection.execute(sql, [self.classifier]).fetchall()

    def any_waiting(self) -> bool:
        """Return True where a file of any kind has rows that wait."""
        sql = "SELECT 1 FROM ingested_files WHERE classifier = ? AND retry LIMIT 1"
        return self.connection.execute(sql, [self.classifier]).fetchone() is not None

    def mark(self, landed: ManifestEntry, intake: IngestResult, *, retry: bool) -> None:
        """Mark a file as loaded, with `retry` if some of its rows wait; earlier versions of it are not tried again."""
        file = [self.classifier, landed.kind, landed.file]
        row = self.connection.execute(
            "SELECT accepted, duplicate FROM ingested_files WHERE classifier = ? AND kind = ? AND file = ? AND"
            " sha256 = ?",
            [*file, landed.sha256],
        ).fetchone()
        # loaded again for its waiting rows: the rows that it brought before are duplicates of its own
        before, duplicate = (int(row[0]), int(row[1])) if row else (0, intake.duplicate)
        self.connection.execute(
            "DELETE FROM ingested_files WHERE classifier = ? AND kind = ? AND file = ? AND sha256 = ?",
            [*file, landed.sha256],
        )
        self.connection.execute(
            "UPDATE ingested_files SET retry = false WHERE classifier = ? AND kind = ? AND file = ?", file
        )
        self.connection.execute(
            "INSERT INTO ingested_files VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [*file, landed.sha256, before + intake.accepted, duplicate, intake.rejected, retry],
        )
