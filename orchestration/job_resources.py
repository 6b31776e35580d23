"""What the two jobs that move rollouts share: their home, which the sensor that asks for a run hands on to it.

Add here what both need. A job that lacks a resource is rebuilt by Dagster together with its sensors, which then warn at
every start; so these jobs bring their own.
"""

import dagster as dg

from ratchet.storage.home import Home
from resources.storage import build_stores

HOME = {"home": build_stores()["home"]}


def configure(home: Home, **ops: dg.Config) -> dg.RunConfig:
    """The run's configuration: the steps' own, and the home of whoever asks."""
    return dg.RunConfig(ops, resources={"home": {"config": {"root": str(home.root)}}})
