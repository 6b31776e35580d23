"""Sensor that sends alerts. It starts no run, and takes at most half a minute of a tick whatever a receiver does.

Add here when alerts are looked for; what they are about and how they are sent is `ratchet/workflows/alerts/`.
"""

import dagster as dg

from assets.metadata import without_markup
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.workflows.alerts.send import send_alerts


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends alerts by [alerts] of settings.toml: blocked, failed, promoted, rolled back, ..., each once.",
)
def alert_sensor(home: dg.ResourceParam[Home]) -> dg.SkipReason:
    """Send what is due; settings that cannot be read are the reason of a skipped tick, and stop nothing else."""
    try:
        return dg.SkipReason(without_markup(send_alerts(home).sentence))
    except (RatchetError, OSError) as error:
        return dg.SkipReason(without_markup(f"alerts are not sent: {error}"))
