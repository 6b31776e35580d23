"""Dagster resources that open the stores of one home: assets and checks get the plain stores.

Add a class, and its line in `build_stores`, when an asset or a check needs a further store; the store itself belongs in
`ratchet/storage/`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ratchet.core.timeouts import WAREHOUSE_LOCK_S
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.leases import Leases
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.storage.trust import trust_of
from ratchet.storage.warehouse import Warehouse


class StoreResource(dg.ConfigurableResource[Any]):
    """Store of the home at `root`. Where the home lies is decided when a run starts, not at import."""

    root: str = Field(
        default="",
        description="Folder that the deployment owns. Empty: RATCHET_HOME, else data/ of the working folder.",
    )

    def store(self, home: Home) -> Any:
        """Open the store of `home`."""
        raise NotImplementedError

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """Yield the store, and hold the lease of the run meanwhile."""
        with _hold_lease(context):
            yield self.store(open_home(self.root))


class HomeResource(StoreResource):
    """Folder that the deployment owns, with the place of every file in it."""

    def store(self, home: Home) -> Home:
        """Return the home itself."""
        return home


class WarehouseResource(StoreResource):
    """DuckDB file with the rows, examples and predictions of every cycle; it can be rebuilt."""

    lock_wait_s: float = Field(
        default=WAREHOUSE_LOCK_S, description="Seconds to wait for another process to close the warehouse.", ge=0
    )

    def store(self, home: Home) -> Warehouse:
        """Open the warehouse, which is rebuilt where it was lost."""
        return open_warehouse(home.warehouse, self.lock_wait_s)


class LandingResource(WarehouseResource):
    """Landing folders of production logs and corrections, which are loaded into the warehouse."""

    def store(self, home: Home) -> Landing:  # type: ignore[override] # a store is whatever the asset asks for
        """Open the landing folders."""
        return Landing(home, super().store(home))


class SpecsResource(StoreResource):
    """Specifications (`classifier.toml`) and golden sets of the classifiers."""

    def store(self, home: Home) -> Specs:
        """Open the specifications."""
        return Specs(home)


class AdaptersResource(StoreResource):
    """Sealed adapters, each in a folder named by the digest of its content."""

    def store(self, home: Home) -> AdapterStore:
        """Open the registry of adapters."""
        return AdapterStore(home)


class ReceiptsResource(StoreResource):
    """Receipts of the gates: verdict and evidence, one file for each gate and cycle."""

    def store(self, home: Home) -> Receipts:
        """Open the receipts."""
        return Receipts(home)


class LedgerResource(StoreResource):
    """Signed, append-only history of promotions of each classifier."""

    def store(self, home: Home) -> Ledger:
        """Open the ledgers."""
        return Ledger(home)


class ReportsResource(StoreResource):
    """Eval reports as JSON and HTML, and what each stage of a cycle did."""

    def store(self, home: Home) -> Reports:
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


def _hold_lease(context: dg.InitResourceContext) -> AbstractContextManager[None]:
    # The lease shows whether the run's process lives; a sensor or a test has no run, and holds none.
    if context.instance is None or context.run is None:
        return nullcontext()
    return leases_of(context.instance).hold(context.run.run_id)


def leases_of(instance: dg.DagsterInstance) -> Leases:
    """Return the leases of the runs of `instance`, in its own folder: whoever shares the one shares the other."""
    return Leases(Path(instance.root_directory) / "leases")
