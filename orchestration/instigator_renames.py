"""Upgrade of an older Dagster home: renamed schedules and sensors keep the state that their operator set.

Dagster files the state of a schedule or sensor under its name. Under a new name it would begin with the default,
running, though it was switched off; and the old name would stay on as one that cannot be loaded. Add a renamed one
to `RENAMED`.
"""

from typing import Any

import dagster as dg
from dagster._core.remote_origin import RemoteInstigatorOrigin  # Dagster has no public name for the key of a state
from dagster._core.scheduler.instigation import InstigatorState, ScheduleInstigatorData

RENAMED = {
    "monday": "weekly_cycle_schedule",
    "publication_monday": "publication_check_schedule",
    "feedback": "new_feedback_sensor",
}
"""Former names, each with the present one."""


def rename_instigators(instance: dg.DagsterInstance) -> list[str]:
    """Move the state of each renamed schedule and sensor to its new name; return the old names that had one.

    Killed half way it is finished by the next call: the state under the new name comes first, and is never overwritten.
    """
    states = instance.all_instigator_state()
    known = {(state.repository_selector_id, state.instigator_name) for state in states}
    moved = []
    for state in states:
        name = RENAMED.get(state.instigator_name)
        if name is None:
            continue
        if (state.repository_selector_id, name) not in known:
            origin = RemoteInstigatorOrigin(repository_origin=state.origin.repository_origin, instigator_name=name)
            instance.add_instigator_state(
                InstigatorState(origin, state.instigator_type, state.status, _since_last_tick(instance, state))
            )
        instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
        moved.append(state.instigator_name)
    return moved


def _since_last_tick(instance: dg.DagsterInstance, state: InstigatorState) -> Any:
    """Return the data of a state; of a schedule such that it goes on after the last tick of its old name."""
    data = state.instigator_data
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    if not isinstance(data, ScheduleInstigatorData) or not ticks:
        return data
    # Ticks stay under the old name. Without this, weeks that have run would be caught up once more.
    begin = max(data.start_timestamp or 0.0, ticks[0].timestamp + 1)
    return ScheduleInstigatorData(data.cron_schedule, begin)
