"""The stores of one home as Dagster resources: give the folder once, get the plain stores.

Add a line to `build_stores` when an asset or a check needs a further store; the store itself belongs in
`ratchet/storage/`.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import dagster as dg

from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.leases import Leases
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.reports import Reports
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs

_CONFIG = {
    "root": dg.Field(
        str, default_value="", description="The folder that a deployment owns; empty: RATCHET_HOME, else data/"
    ),
    "lock_wait_s": dg.Field(
        float, default_value=60.0, description="How long to wait for another process to close the warehouse"
    ),
}


def open_home(root: str = "") -> Home:
    """The home at `root`, or where `RATCHET_HOME` points, or `data/` of the working folder."""
    return Home(Path(root or os.environ.get("RATCHET_HOME", "data")).resolve())


def build_stores(root: str = "") -> dict[str, dg.ResourceDefinition]:
    """A resource for each store, over the home at `root`; which home is decided when a run starts, not at import."""
    makers: dict[str, Callable[[Home, float], Any]] = {
        "home": lambda home, wait: home,
        "warehouse": lambda home, wait: open_warehouse(home.warehouse, wait),
        "landing": lambda home, wait: Landing(home, open_warehouse(home.warehouse, wait)),
        "specs": lambda home, wait: Specs(home),
        "adapters": lambda home, wait: AdapterStore(home),
        "receipts": lambda home, wait: Receipts(home),
        "ledger": lambda home, wait: Ledger(home),
        "reports": lambda home, wait: Reports(home),
    }
    return {name: _as_resource(make, root) for name, make in makers.items()}


def _as_resource(make: Callable[[Home, float], Any], root: str) -> dg.ResourceDefinition:
    def create(context: dg.InitResourceContext) -> Iterator[Any]:
        config = context.resource_config
        with _hold_lease(context):
            yield make(open_home(config["root"] or root), config["lock_wait_s"])

    return dg.ResourceDefinition(create, config_schema=_CONFIG)


def _hold_lease(context: dg.InitResourceContext) -> AbstractContextManager[None]:
    """The lease of the run that opens a store, by which its death is noticed; a sensor or a test has no run, and holds
    none."""
    if context.instance is None or context.run is None:
        return nullcontext()
    return leases_of(context.instance).hold(context.run.run_id)


def leases_of(instance: dg.DagsterInstance) -> Leases:
    """The leases of the runs of `instance`, in its own folder: whoever shares the one shares the other."""
    return Leases(Path(instance.root_directory) / "leases")
