"""The warehouse: one DuckDB file with the tables of `migrations.py`, opened late and closed early by one process at a time.

Add here how the file is opened and ways to read or replace rows; what the rows mean belongs to the logic.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from ratchet.errors import RatchetError
from ratchet.stores.migrations import migrate

if TYPE_CHECKING:
    import pandas as pd

_SLEEPS_S = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
TABLES = ("production_logs", "corrections", "ingested_files", "labels", "examples", "dropped", "predictions")
_CYCLE_TABLES = ("labels", "examples", "dropped", "predictions")


@dataclass(frozen=True)
class Warehouse:
    """The DuckDB file at `path`; waits up to `lock_wait_s` seconds for another process to let go of it."""

    path: Path
    lock_wait_s: float = 60.0

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection with the newest schema, closed at the end of the block. Keep the block short."""
        connection = self._open()
        try:
            connection.execute("SET TimeZone = 'UTC'")
            migrate(connection)
            yield connection
        finally:
            connection.close()

    def frame(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> "pd.DataFrame":
        """The result of one query as a pandas frame; `params` by place (`?`) or by name (`$name`)."""
        with self.connect() as connection:
            return connection.execute(sql, dict(params) if isinstance(params, Mapping) else list(params)).df()

    def replace(self, table: str, classifier: str, week: date, frame: "pd.DataFrame") -> None:
        """Replace all rows of one cycle in `table` by `frame` (columns by name), in one transaction."""
        self._replace(table, classifier, week, "=", frame)

    def replace_until(self, table: str, classifier: str, week: date, frame: "pd.DataFrame") -> None:
        """As `replace`, for all weeks up to and including `week`."""
        self._replace(table, classifier, week, "<=", frame)

    def count(self, table: str, classifier: str) -> int:
        """Number of rows of `classifier` in `table`."""
        if table not in TABLES:
            raise ValueError(f"no table {table!r}; one of {TABLES}")
        with self.connect() as connection:
            row = connection.execute(f"SELECT count(*) FROM {table} WHERE classifier = ?", [classifier]).fetchone()
        return int(row[0]) if row else 0

    def weeks(self, classifier: str) -> dict[date, int]:
        """The weeks that hold production logs of `classifier`, oldest first, with the number of requests."""
        with self.connect() as connection:
            rows = connection.execute(
                "SELECT week, count(*) FROM production_logs WHERE classifier = ? GROUP BY week ORDER BY week", [classifier]
            ).fetchall()
        return {week: int(count) for week, count in rows}

    def _replace(self, table: str, classifier: str, week: date, weeks: str, frame: "pd.DataFrame") -> None:
        if table not in _CYCLE_TABLES:
            raise ValueError(f"table {table!r} is not filled by cycles; one of {_CYCLE_TABLES}")
        columns = ", ".join(f'"{name}"' for name in frame.columns)
        with self.connect() as connection:
            connection.register("incoming", frame)
            connection.execute("BEGIN")
            try:
                connection.execute(f"DELETE FROM {table} WHERE classifier = ? AND week {weeks} ?", [classifier, week])
                connection.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming")
                connection.execute("COMMIT")
            except duckdb.Error:
                connection.execute("ROLLBACK")
                raise

    def _open(self) -> duckdb.DuckDBPyConnection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = {"memory_limit": "1GB", "threads": 2, "temp_directory": str(self.path.parent / ".duckdb_tmp")}
        deadline, attempt = time.monotonic() + self.lock_wait_s, 0
        while True:
            try:
                return duckdb.connect(str(self.path), config=config)
            except duckdb.IOException as error:
                if "Could not set lock" not in str(error):
                    raise
                left = deadline - time.monotonic()
                if left <= 0:
                    holder = re.search(r"PID (\d+)", str(error))
                    raise RatchetError(
                        f"{self.path} is held by process {holder[1] if holder else 'unknown'}; waited {self.lock_wait_s:g} s.",
                        "Close that process (an open DuckDB shell or notebook?) or wait, then try again.",
                        code="locked",
                    ) from None
                time.sleep(min(left, _SLEEPS_S[min(attempt, len(_SLEEPS_S) - 1)]))
                attempt += 1
