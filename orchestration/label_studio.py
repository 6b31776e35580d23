"""Sensor that takes answers from Label Studio, off until somebody switches it on. It starts no run.

Add here when Label Studio is asked; what a poll does is `ratchet/workflows/review/label_studio_poll.py`.
"""

import logging
import time

import dagster as dg

from assets.metadata import without_markup
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LABEL_STUDIO_TICK_S
from ratchet.storage.home import Home
from ratchet.workflows.review.label_studio import read_state
from ratchet.workflows.review.label_studio_poll import poll

_LOG = logging.getLogger(__name__)


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Takes the answers that people gave in Label Studio, for each classifier with a project there.",
)
def label_studio_sensor(context: dg.SensorEvaluationContext, home: dg.ResourceParam[Home]) -> dg.SkipReason:
    """Poll each project; one that cannot be reached is a reason, and the next tick tries again.

    All polls of a tick share `LABEL_STUDIO_TICK_S`; who comes last in one tick comes first in the next.
    """
    until = time.monotonic() + LABEL_STUDIO_TICK_S
    names = home.classifiers()
    first = next((place for place, name in enumerate(names) if name > (context.cursor or "")), 0)
    reasons = []
    for name in [*names[first:], *names[:first]]:
        if (left_s := until - time.monotonic()) <= 1:
            break
        try:
            if read_state(home, name).project is None:
                continue
            context.update_cursor(name)
            found = poll(home, name, longest_s=left_s)
            reasons.append(f"{name}: {found.votes} answers, {found.skips} skipped, {found.withdrawn} withdrawn")
        except RatchetError as error:
            reasons.append(f"{name}: {error}")
        except Exception as error:  # noqa: BLE001 - a fault of one classifier must not stop the polls of the others
            _LOG.warning("%s: Label Studio could not be read", name, exc_info=error)
            reasons.append(f"{name}: {type(error).__name__}: {error}")
    return dg.SkipReason(without_markup("; ".join(reasons)) or "no classifier has a project in Label Studio")
