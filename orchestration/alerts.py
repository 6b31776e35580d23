"""Sensor that sends alerts. It starts no run, and holds up no other sensor: what takes longer goes on in a thread.

Add here when alerts are looked for; what they are about and how they are sent is `ratchet/workflows/alerts/`.
"""

import logging
import threading

import dagster as dg

from assets.metadata import without_markup
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import ALERT_TICK_S
from ratchet.storage.home import Home
from ratchet.workflows.alerts.send import send_alerts

_LOG = logging.getLogger(__name__)


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Sends alerts by [alerts] of settings.toml: blocked, failed, promoted, rolled back, ..., each once.",
)
def alert_sensor(home: dg.ResourceParam[Home]) -> dg.SkipReason:
    """Send what is due, and wait a moment for it.

    Settings that cannot be read are the reason of a skipped tick, and stop nothing else. The daemon evaluates one
    sensor after the other: a receiver that hangs must not keep a rollback waiting.
    """
    outcome = ["still sending"]
    thread = threading.Thread(target=_send, args=(home, outcome), name="alerts", daemon=True)
    thread.start()
    thread.join(ALERT_TICK_S)
    return dg.SkipReason(without_markup(outcome[-1]))


def _send(home: Home, outcome: list[str]) -> None:
    try:
        outcome.append(send_alerts(home).sentence)
    except (RatchetError, OSError) as error:
        outcome.append(f"alerts are not sent: {error}")
    except Exception as error:  # noqa: BLE001 - in a thread: nobody else would see it
        _LOG.warning("alerts are not sent", exc_info=error)
        outcome.append(f"alerts are not sent: {type(error).__name__}, see the log")
