"""Resources of the jobs that move rollouts: their home, which the sensor that requests a run passes on to it.

Add here what these jobs share. A job that lacks a resource is rebuilt by Dagster together with its sensors, which
then warn at every start; so these jobs bring their own.
"""

import dagster as dg

from ratchet.storage.home import Home
from resources.storage import build_stores

HOME = {"home": build_stores()["home"]}


def configure(home: Home, **ops: dg.Config) -> dg.RunConfig:
    """Build the configuration of a run: that of its steps, and the home of whoever requests it."""
    return dg.RunConfig(ops, resources={"home": {"config": {"root": str(home.root)}}})
