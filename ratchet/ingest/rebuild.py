"""Rebuild of the warehouse from landed files, in the order of their manifest, and from the cycles' Parquet copies.

Add here what a lost warehouse must get back. Rebuilds are started by `ratchet/storage/warehouse.py`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from ratchet.config.people import persons_by_name
from ratchet.core.errors import RatchetError
from ratchet.core.files import publish_file
from ratchet.core.sql import literal
from ratchet.core.timeouts import WAREHOUSE_LOCK_S
from ratchet.data.label_rules import LabelImage
from ratchet.ingest.repeated_loads import replay
from ratchet.ingest.row_counts import note_rebuilt
from ratchet.ingest.watched_loader import WatchedLoader
from ratchet.review.suspension import NOBODY_COUNTS
from ratchet.storage.home import Home
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import CYCLE_TABLES, Warehouse

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Draft(Warehouse):
    """A warehouse that starts empty, and that no other process can be rebuilding."""

    def _rebuild(self, why: str, *, even_if_sound: bool = False) -> Path | None:
        return None


def rebuild_warehouse(path: Path) -> None:
    """Rebuild the warehouse `path` of its classifier as a draft that is renamed, so that it is never seen half done.

    Every file is judged by the terms in its manifest line, so that the tables equal those that were lost.
    """
    home, name, draft = Home(path.parent.parent), path.parent.name, path.with_name(f".{path.name}.draft")
    for leftover in (draft, draft.with_name(f"{draft.name}.wal")):
        leftover.unlink(missing_ok=True)
    with _Draft(draft, WAREHOUSE_LOCK_S, None, *_signed(home, name)).connect() as connection:
        _LOG.info("rebuilding the rows of %s", name)
        loader = WatchedLoader.of(connection, home, name, rebuilds=True)
        try:
            loader.files.name_people(persons_by_name(Specs(home)[name].people))
        except RatchetError as error:  # the next intake reads it again
            _LOG.warning("[people] of %s is not known: %s", name, error)
        replay(loader)
        note_rebuilt(home, name, loader.files.counts(datetime.now(UTC))["accepted"])
        for table in CYCLE_TABLES:
            for copy in sorted(home.tables(name, table).glob("*.parquet")):
                _restore_copy(connection, table, copy)
    publish_file(draft, path)


def _restore_copy(connection: duckdb.DuckDBPyConnection, table: str, copy: Path) -> None:
    try:
        connection.execute(f"INSERT INTO {table} BY NAME FROM read_parquet({literal(str(copy))})")
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        _LOG.error("%s cannot be read (%s); run its cycle again", copy, str(error).splitlines()[0])


@dataclass(frozen=True)
class _Built(Warehouse):
    """A warehouse that is never rebuilt here, unless nothing has landed yet."""

    def _rebuild(self, why: str, *, even_if_sound: bool = False) -> Path | None:
        name = self.path.parent.name
        if not Home(self.path.parent.parent).manifest(name).exists():
            return super()._rebuild(why, even_if_sound=even_if_sound)
        raise RatchetError(
            f"the warehouse of {name} is to be rebuilt from its landed files ({why.splitlines()[0]}).",
            f"Run 'ratchet ingest {name}', or its next cycle: both rebuild it.",
            code="not_built",
        )


def _signed(home: Home, name: str) -> tuple[Callable[[], frozenset[str]], Callable[[], Sequence[LabelImage] | None]]:
    """Return the readers of the signed files by which rows are read; where one cannot be believed no label counts."""
    suspensions, rules = Suspensions(home, name), LabelRuleFile(home, name)

    def images() -> Sequence[LabelImage] | None:
        found = rules.try_read()
        return None if found is None else [*found.images()]

    return lambda: suspensions.names() if rules.try_read() else frozenset({NOBODY_COUNTS}), images


def open_built_warehouse(home: Home, name: str, lock_wait_s: float = WAREHOUSE_LOCK_S) -> Warehouse:
    """Return the warehouse of classifier `name` for a sensor's tick, which has no time to rebuild it.

    Using one that is missing or damaged then raises `RatchetError` with code `not_built`.
    """
    return _Built(home.warehouse(name), lock_wait_s, rebuild_warehouse, *_signed(home, name))


def open_warehouse(home: Home, name: str, lock_wait_s: float = WAREHOUSE_LOCK_S) -> Warehouse:
    """Return the warehouse of classifier `name`, which is rebuilt from the landed files when it is lost."""
    return Warehouse(home.warehouse(name), lock_wait_s, rebuild_warehouse, *_signed(home, name))
