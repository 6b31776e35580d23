"""The table `ingested_files`: the files of a classifier that are loaded, and those with rows that still wait.

Add here a query about loaded files, or a figure to store for each; files are loaded by `loader.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb

from ratchet.core.sql import literal
from ratchet.data.row_rules import LOST, LOST_AFTER, SPEC_REASONS, UNLISTED, WAIT_REASONS, WAITING
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

    def waiting(self, kind: str = "corrections") -> list[tuple[str, str]]:
        """List the files of `kind` with rows that wait, for their request or for the clock, by name."""
        sql = "SELECT file, sha256 FROM ingested_files WHERE classifier = ? AND kind = ? AND retry ORDER BY file"
        return self.connection.execute(sql, [self.classifier, kind]).fetchall()

    def answered(self, kind: str) -> set[tuple[str, str]]:
        """Return the files with a row whose production log has come."""
        sql = (
            "SELECT DISTINCT file, sha256 FROM waiting w WHERE classifier = ? AND kind = ? AND reason = ? AND EXISTS "
            "(FROM production_logs l WHERE l.classifier = w.classifier AND l.request_id = w.request_id)"
        )
        return set(self.connection.execute(sql, [self.classifier, kind, WAITING]).fetchall())

    def due(self, kind: str, now: datetime) -> set[tuple[str, str]]:
        """Return the files with a row that the clock has reached at `now`."""
        sql = "SELECT DISTINCT file, sha256 FROM waiting WHERE classifier = ? AND kind = ? AND due <= ?"
        return set(self.connection.execute(sql, [self.classifier, kind, now]).fetchall())

    def refused_by_spec(self, kind: str) -> set[tuple[str, str]]:
        """Return the files with a row that another `classifier.toml` might accept."""
        rules = " OR ".join(f"starts_with(reason, {literal(reason)})" for reason in SPEC_REASONS)
        sql = f"SELECT DISTINCT file, sha256 FROM refused WHERE classifier = ? AND kind = ? AND ({rules})"
        return set(self.connection.execute(sql, [self.classifier, kind]).fetchall())

    def note_outcome(self, landed: ManifestEntry, reasons: Mapping[str, int], nulled: Mapping[str, int]) -> None:
        """Store how many rows of a file were refused, and values left out, by reason.

        Refused rows of an earlier version of the file count no longer; what a taken row lacks, it lacks for ever.
        """
        key = [self.classifier, landed.kind, landed.file]
        for reason, values in nulled.items():
            self.connection.execute(
                "INSERT INTO nulled VALUES (?, ?, ?, ?, ?, ?)", [*key, landed.sha256, reason, values]
            )
        for table in ("waiting", "refused"):
            self.connection.execute(f"DELETE FROM {table} WHERE classifier = ? AND kind = ? AND file = ?", key)
        for reason, rows in reasons.items():
            if reason not in WAIT_REASONS:
                self.connection.execute(
                    "INSERT INTO refused VALUES (?, ?, ?, ?, ?, ?)", [*key, landed.sha256, reason, rows]
                )

    def first_week(self) -> date | None:
        """Return the earliest week of the classifier that has requests."""
        sql = "SELECT min(week) FROM production_logs WHERE classifier = ?"
        row = self.connection.execute(sql, [self.classifier]).fetchone()
        return row[0] if row else None

    def counts(self, now: datetime) -> dict[str, dict[str, int]]:
        """Count the rows of the classifier that are in the warehouse, that wait, that were refused, or that are lost.

        A correction whose production log did not come for `LOST_AFTER` is lost with it, until the log does come.
        """
        accepted = "SELECT '{0}', count(*) FROM {0} WHERE classifier = $name"
        return {
            "accepted": self._count(
                f"{accepted.format('production_logs')} UNION {accepted.format('corrections')}"
                f" UNION {accepted.format('labelled_examples')} HAVING count(*) > 0"
            ),
            "waiting": self._count(
                "SELECT reason, count(*) FROM waiting WHERE classifier = $name "
                "AND NOT (reason = $waiting AND since < $lost) GROUP BY reason UNION "
                "SELECT $unlisted, count(*) FROM corrections c WHERE classifier = $name AND classifier IN (SELECT "
                "classifier FROM people) AND annotator NOT IN (SELECT name FROM people p WHERE p.classifier = $name) "
                "HAVING count(*) > 0 ORDER BY ALL",
                waiting=WAITING, unlisted=UNLISTED, lost=now - LOST_AFTER,
            ),
            "lost": self._count(
                "SELECT $reason, count(*) FROM waiting WHERE classifier = $name AND reason = $waiting "
                "AND since < $lost HAVING count(*) > 0",
                reason=LOST, waiting=WAITING, lost=now - LOST_AFTER,
            ),
            "rejected": self._count(
                "SELECT reason, sum(rows)::BIGINT FROM refused WHERE classifier = $name GROUP BY reason ORDER BY reason"
            ),
            "nulled": self._count(
                "SELECT reason, sum(rows)::BIGINT FROM nulled WHERE classifier = $name GROUP BY reason ORDER BY reason"
            ),
        }  # fmt: skip

    def _count(self, sql: str, **params: object) -> dict[str, int]:
        return dict(sorted(self.connection.execute(sql, {"name": self.classifier, **params}).fetchall()))

    def name_people(self, people: Mapping[str, str]) -> None:
        """Store the person by each name for `attributed_corrections`; without any each annotator is a person."""
        rows = sorted(people.items())
        sql = "SELECT name, person FROM people WHERE classifier = ? ORDER BY name"
        if self.connection.execute(sql, [self.classifier]).fetchall() == rows:
            return
        self.connection.execute("BEGIN")
        self.connection.execute("DELETE FROM people WHERE classifier = ?", [self.classifier])
        for name, person in rows:
            self.connection.execute("INSERT INTO people VALUES (?, ?, ?)", [self.classifier, name, person])
        self.connection.execute("COMMIT")

    def next_change(self, now: datetime) -> datetime | None:
        """Return the first time after `now` at which a waiting row counts otherwise by itself, or None."""
        sql = (
            "SELECT min(coalesce(due, since + INTERVAL (?) SECOND)) FROM waiting WHERE classifier = ? "
            "AND coalesce(due, since + INTERVAL (?) SECOND) > ?"
        )
        seconds = LOST_AFTER.total_seconds()
        row = self.connection.execute(sql, [seconds, self.classifier, seconds, now]).fetchone()
        return row[0].astimezone(UTC) if row and row[0] else None

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
