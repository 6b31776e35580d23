"""The warehouse of a classifier: a DuckDB file with the tables of `migrations.py`, opened briefly by one process.

It is never the only copy: a file that is missing or damaged is rebuilt by `ratchet/ingest/rebuild.py`. Add here how the
file is opened, and ways to read or replace rows; their meaning belongs to the logic.
"""

import fcntl
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import publish_file
from ratchet.core.timeouts import WAREHOUSE_LOCK_S
from ratchet.data.label_rules import LabelImage
from ratchet.storage.corruption import is_damage, is_damaged, move_aside
from ratchet.storage.home import Home
from ratchet.storage.migrations import migrate
from ratchet.storage.signed_tables import note_images, note_suspended
from ratchet.storage.spill_folder import spill_folder, sweep_spilled

if TYPE_CHECKING:
    import pandas as pd

_LOG = logging.getLogger(__name__)
_T = TypeVar("_T")
_LONGEST_SLEEP_S = 2.0

CYCLE_TABLES = ("votes", "left_out", "labels", "examples", "dropped", "boilerplate", "predictions")
"""Tables that cycles fill. Each cycle's rows are also stored as a Parquet file, from which they are restored."""


@dataclass(frozen=True)
class Warehouse:
    """The DuckDB file at `path`, in a classifier's folder.

    It waits up to `lock_wait_s` seconds for another process to close the file.
    """

    path: Path
    lock_wait_s: float = WAREHOUSE_LOCK_S
    restore: Callable[[Path], None] | None = None
    """Function that rebuilds the file; without it a missing file begins empty."""
    suspended: Callable[[], frozenset[str]] | None = None
    """Function that reads who is suspended; their corrections are left out from the next connection on."""
    label_images: Callable[[], Sequence[LabelImage] | None] | None = None
    """Function that reads what labels of before mean now; where it returns None they mean what they did last."""

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection with the newest schema, closed at the end of the block. Keep the block short.

        Raises `RatchetError` when another process holds the file for longer than `lock_wait_s`, when the file is of a
        newer version, or when damage shows inside the block: the file has then been rebuilt, and the caller may try
        again.
        """
        connection = self._open()
        try:
            connection.execute("SET TimeZone = 'UTC'")
            migrate(connection)
            self._follow_signed_files(connection)
            yield connection
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            connection.close()
            self._rebuild(str(error))
            raise RatchetError(
                f"{self.path} was damaged ({str(error).splitlines()[0]}); it has been moved aside and rebuilt.",
                "Run the command again.",
                code="rebuilt",
            ) from None
        finally:
            connection.close()

    def frame(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        """Return the result of one query as a pandas frame; `params` by position (`?`) or by name (`$name`)."""
        with self.connect() as connection:
            return connection.execute(sql, dict(params) if isinstance(params, Mapping) else list(params)).df()

    def replace(self, table: str, classifier: str, week: date, frame: "pd.DataFrame") -> None:
        """Replace all rows of one cycle in `table` by `frame` (columns by name), in one transaction; store a copy."""
        self.replace_weeks(table, classifier, {week: frame})

    def replace_weeks(self, table: str, classifier: str, frames: "Mapping[date, pd.DataFrame]") -> None:
        """Replace the rows of several weeks, as `replace` does, in one transaction."""
        if table not in CYCLE_TABLES:
            raise ValueError(f"table {table!r} is not filled by cycles; one of {CYCLE_TABLES}")
        with self.connect() as connection:
            connection.execute("BEGIN")
            try:
                for week, frame in frames.items():
                    self._replace(connection, table, classifier, week, frame)
                connection.execute("COMMIT")
            except duckdb.Error:
                connection.execute("ROLLBACK")
                raise

    def count(self, table: str, classifier: str) -> int:
        """Count the rows of `classifier` in `table`, one of those in `migrations.py`."""
        others = ("production_logs", "corrections", "labelled_examples", "attributed_corrections", "ingested_files")
        if table not in (*CYCLE_TABLES, *others):
            raise ValueError(f"unknown table {table!r}")
        with self.connect() as connection:
            rows = connection.execute(f"SELECT count(*) FROM {table} WHERE classifier = ?", [classifier]).fetchall()
        return int(rows[0][0])

    def count_corrections(self, classifier: str) -> int:
        """Count the corrections that came, those of suspended people included: a number that only grows, by which a
        cycle says how far it saw."""
        sql = "SELECT count(*) FROM person_corrections WHERE classifier = ? AND chosen IS DISTINCT FROM 'check'"
        with self.connect() as connection:
            return int(connection.execute(sql, [classifier]).fetchall()[0][0])

    def weeks(self, classifier: str) -> dict[date, int]:
        """Return the weeks that have production logs of `classifier`, oldest first, with the number of requests."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT week, count(*) FROM production_logs WHERE classifier = ? GROUP BY week ORDER BY week",
                [classifier],
            ).fetchall()
        return {week: int(count) for week, count in rows}

    def _replace(
        self, connection: duckdb.DuckDBPyConnection, table: str, classifier: str, week: date, frame: "pd.DataFrame"
    ) -> None:
        if (
            len(frame)
            and not ((frame["classifier"] == classifier) & (frame["week"].astype(str).str[:10] == str(week))).all()
        ):
            raise ValueError(f"the frame holds rows of other cycles than {classifier} {week}")
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        copy = Home(self.path.parent.parent).tables(classifier, table) / f"{week}.parquet"
        stage = copy.with_name(f".{copy.name}.tmp")
        copy.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"DELETE FROM {table} WHERE classifier = ? AND week = ?", [classifier, week])
        if len(frame):
            connection.register("incoming", frame)
            connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming")
            connection.unregister("incoming")
        where = f"classifier = '{classifier}' AND week = DATE '{week}'"
        connection.execute(
            f"COPY (FROM {table} WHERE {where}) TO '{str(stage).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
        )
        publish_file(stage, copy)

    def _follow_signed_files(self, connection: duckdb.DuckDBPyConnection) -> None:
        classifier = self.path.parent.name
        if self.suspended is not None:
            note_suspended(connection, classifier, self.suspended())
        images = self.label_images() if self.label_images is not None else None
        if images is not None:
            note_images(connection, classifier, images)

    def _open(self) -> duckdb.DuckDBPyConnection:
        if not self.path.exists():
            self._rebuild("it was missing")
        config: dict[str, Any] = {
            "memory_limit": "1GB",
            "threads": 2,
            "temp_directory": str(spill_folder(self.path)),
        }
        try:
            connection = self._patiently(lambda: duckdb.connect(str(self.path), config=config))
            sweep_spilled(self.path)
            return connection
        except duckdb.Error as error:
            if not is_damage(error):
                raise
            self._rebuild(str(error))
            return self._patiently(lambda: duckdb.connect(str(self.path), config=config))

    def _patiently(self, attempt: Callable[[], _T]) -> _T:
        """Try until the lock is free, with growing random pauses so that waiting processes do not try in step."""
        deadline, pause = time.monotonic() + self.lock_wait_s, 0.02
        while True:
            try:
                return attempt()
            except (duckdb.IOException, BlockingIOError) as error:
                if isinstance(error, duckdb.IOException) and "Could not set lock" not in str(error):
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    raise self._held(error) from None
            time.sleep(min(left, pause * random.uniform(0.5, 1.0)))  # noqa: S311 - spreads attempts, protects nothing
            pause = min(2 * pause, _LONGEST_SLEEP_S)

    def _held(self, error: Exception) -> RatchetError:
        named = re.search(r"held in (.*?) ?\(PID (\d+)\)", str(error), re.DOTALL)
        holder = f"process {named[2]} ({named[1]})" if named else "another process, which is rebuilding it"
        return RatchetError(
            f"{self.path} is held by {holder}; waited {self.lock_wait_s:g} s.",
            f"Close it (an open DuckDB shell or notebook?){f', see ps -p {named[2]},' if named else ''} and try again.",
            code="locked",
            details={"pid": int(named[2]) if named else None},
        )

    def rebuild(self) -> Path | None:
        """Move the file aside, damaged or not, and rebuild it. Returns the new path of the old file, or None."""
        return self._rebuild("a rebuild was requested", even_if_sound=True)

    def _rebuild(self, why: str, *, even_if_sound: bool = False) -> Path | None:
        """Rebuild the file in one process at a time; the others find it done. Returns the path of the old file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = None
        with self.path.with_name(f".{self.path.name}.rebuild.lock").open("w") as lock:
            self._patiently(lambda: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB))
            if self.path.exists() and (self._patiently(lambda: is_damaged(self.path)) or even_if_sound):
                aside = move_aside(self.path)
                _LOG.warning("%s moved to %s (%s); it is rebuilt from the landing folders", self.path, aside, why)
            failpoint("warehouse.after_move_aside")
            if not self.path.exists():
                self._restore()
        return aside

    def _restore(self) -> None:
        if self.restore is not None:
            self.restore(self.path)
