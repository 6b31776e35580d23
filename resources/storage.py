"""Dagster resources that open the stores of one home: assets and checks get the plain stores.

Add a class, and its line in `build_stores`, when an asset or a check needs a further store; the store itself belongs in
`ratchet/storage/`.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import WAREHOUSE_LOCK_S
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.trust import trust_of
from ratchet.storage.home import Home
from ratchet.storage.home_rights import follow_home_rights
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from resources.run_locks import classifier_of, hold_run_locks


class StoreResource(dg.ConfigurableResource[Any]):
    """Store of the home at `root`. Where the home lies is decided when a run starts, not at import."""

    root: str = Field(
        default="",
        description="Folder that the deployment owns. Empty: RATCHET_HOME, else data/ of the working folder.",
    )

    def store(self, home: Home, classifier: str | None) -> Any:
        """Open the store of `home`; `classifier` is that of the run's partition."""
        raise NotImplementedError

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """Yield the store, and hold the locks of the run meanwhile."""
        home = open_home(self.root)
        follow_home_rights(home.root)
        with hold_run_locks(context, home):
            yield self.store(home, classifier_of(context))


class HomeResource(StoreResource):
    """Folder that the deployment owns, with the place of every file in it."""

    def store(self, home: Home, classifier: str | None) -> Home:
        """Return the home itself."""
        return home


class WarehouseResource(StoreResource):
    """DuckDB file with the rows, examples and predictions of the cycles of one classifier; it can be rebuilt."""

    lock_wait_s: float = Field(
        default=WAREHOUSE_LOCK_S, description="Seconds to wait for another process to close the warehouse.", ge=0
    )

    def store(self, home: Home, classifier: str | None) -> Warehouse:
        """Open the warehouse of the run's classifier, which is rebuilt where it was lost.

        Raises `RatchetError` for a run without a partition.
        """
        if classifier is None:
            raise RatchetError(
                "this run has no partition, and each classifier has a warehouse of its own.",
                "Launch it for a partition: a classifier and a week.",
                code="no_partition",
            )
        return open_warehouse(home, classifier, self.lock_wait_s)


class LandingResource(WarehouseResource):
    """Landing folders of production logs and corrections, which are loaded into the warehouse."""

    def store(self, home: Home, classifier: str | None) -> Landing:  # type: ignore[override] # a store is whatever the asset asks for
        """Open the landing folders."""
        return Landing(home, super().store(home, classifier))


class SpecsResource(StoreResource):
    """Specifications (`classifier.toml`) and golden sets of the classifiers."""

    def store(self, home: Home, classifier: str | None) -> Specs:
        """Open the specifications."""
        return Specs(home)


class AdaptersResource(StoreResource):
    """Sealed adapters, each in a folder named by the digest of its content."""

    def store(self, home: Home, classifier: str | None) -> AdapterStore:
        """Open the registry of adapters."""
        return AdapterStore(home)


class ReceiptsResource(StoreResource):
    """Receipts of the gates: verdict and evidence, one file for each gate and cycle."""

    def store(self, home: Home, classifier: str | None) -> Receipts:
        """Open the receipts."""
        return Receipts(home)


class LedgerResource(StoreResource):
    """Signed, append-only history of promotions of each classifier."""

    def store(self, home: Home, classifier: str | None) -> Ledger:
        """Open the ledgers."""
        return Ledger(home)


class ReportsResource(StoreResource):
    """Eval reports as JSON and HTML, and what each stage of a cycle did."""

    def store(self, home: Home, classifier: str | None) -> Reports:
        """Open the reports."""
        return Reports(home)


def open_home(root: str = "") -> Home:
    """Return the home at `root`, or where `RATCHET_HOME` points, or `data/` of the working folder.

    Its ledgers must fit the key and checkpoints that `RATCHET_PUBLIC_KEY` and `RATCHET_CHECKPOINT` name.
    """
    return Home(Path(root or os.environ.get("RATCHET_HOME", "data")).resolve(), trust_of(os.environ))


def build_stores(root: str = "") -> dict[str, StoreResource]:
    """Make a resource for each store of the home at `root`, by the name under which assets ask for it."""
    return {
        "home": HomeResource(root=root),
        "warehouse": WarehouseResource(root=root),
        "landing": LandingResource(root=root),
        "specs": SpecsResource(root=root),
        "adapters": AdaptersResource(root=root),
        "receipts": ReceiptsResource(root=root),
        "ledger": LedgerResource(root=root),
        "reports": ReportsResource(root=root),
    }
