"""The stores of one home as Dagster resources: give the folder once, get the plain stores.

Add a factory here when an asset or a check needs a further store; the store itself belongs in `ratchet/stores/`.
"""

import os
from pathlib import Path

import dagster as dg

from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
from ratchet.stores.landing import Landing
from ratchet.stores.ledger import Ledger
from ratchet.stores.receipts import Receipts
from ratchet.stores.reports import Reports
from ratchet.stores.specs import Specs
from ratchet.stores.warehouse import Warehouse


def open_home(root: str) -> Home:
    """The home at `root`, or where `RATCHET_HOME` points, or `data/` of the working folder."""
    return Home(Path(root or os.environ.get("RATCHET_HOME", "data")).resolve())


class HomeResource(dg.ConfigurableResourceFactory[Home]):
    """The folder that a deployment owns; empty means `RATCHET_HOME`, else `data/`."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Home:
        """The paths."""
        return open_home(self.root)


class WarehouseResource(dg.ConfigurableResourceFactory[Warehouse]):
    """The DuckDB file, which one process at a time may open."""

    root: str = ""
    lock_wait_s: float = 60.0

    def create_resource(self, context: dg.InitResourceContext) -> Warehouse:
        """The warehouse; nothing is opened yet."""
        return Warehouse(open_home(self.root).warehouse, self.lock_wait_s)


class LandingResource(dg.ConfigurableResourceFactory[Landing]):
    """The folders that logs and corrections are dropped into."""

    root: str = ""
    lock_wait_s: float = 60.0

    def create_resource(self, context: dg.InitResourceContext) -> Landing:
        """The landing folders with their warehouse."""
        home = open_home(self.root)
        return Landing(home, Warehouse(home.warehouse, self.lock_wait_s))


class SpecsResource(dg.ConfigurableResourceFactory[Specs]):
    """Every classifier's specification and golden set."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Specs:
        """The specifications, read at each use."""
        return Specs(open_home(self.root))


class AdapterStoreResource(dg.ConfigurableResourceFactory[AdapterStore]):
    """Sealed adapters by digest."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> AdapterStore:
        """The adapter store."""
        return AdapterStore(open_home(self.root))


class ReceiptsResource(dg.ConfigurableResourceFactory[Receipts]):
    """Evidence and verdict of every gate."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Receipts:
        """The receipts."""
        return Receipts(open_home(self.root))


class LedgerResource(dg.ConfigurableResourceFactory[Ledger]):
    """The history of promotions."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Ledger:
        """The ledger."""
        return Ledger(open_home(self.root))


class ReportsResource(dg.ConfigurableResourceFactory[Reports]):
    """Eval reports and run results."""

    root: str = ""

    def create_resource(self, context: dg.InitResourceContext) -> Reports:
        """The reports."""
        return Reports(open_home(self.root))
