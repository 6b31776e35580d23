"""What Dagster shows of a training that was killed: the words of its supervisor, and no more than it made (fault
F31)."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pytest

from ratchet.testing.homes import SmallClassifier

KILLED = "the training was killed (SIGKILL; too little memory is the usual cause)"
AGAIN = f"{KILLED}; trying once more with half as many texts at once"
# in Dagster's own Pipes
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*(run_id is deprecated|is currently in preview)"),
    pytest.mark.usefixtures("pair"),
    pytest.mark.slow,
]
Run = Callable[..., dg.ExecuteInProcessResult]


def run_killed(failpoint: str, small: SmallClassifier, run_cycle: Run) -> dg.ExecuteInProcessResult:
    """One cycle whose trainer is killed there."""
    small.write_week(date(2026, 1, 5))
    return run_cycle(pipes=dg.PipesSubprocessClient(env={"RATCHET_FAILPOINT": f"training.{failpoint}:kill"}))


def told_once(words: str, result: dg.ExecuteInProcessResult, instance: dg.DagsterInstance) -> bool:
    """Whether exactly one line of the run's event log is this."""
    return [entry.user_message for entry in instance.all_logs(result.run_id)].count(words) == 1


@pytest.mark.faults
def test_a_second_try_is_told_and_shown_on_the_adapter(
    small: SmallClassifier, instance: dg.DagsterInstance, run_cycle: Run, children: Any
) -> None:
    """The event log names the end of the first; the materialisation says that the candidate needed half the room.

    Neither the supervisor nor its two workers see a token or a key.
    """
    small.write(children.table)
    result = run_killed("whole_batch", small, run_cycle)
    assert children.secrets("ratchet.training") == [set()] * 3
    (made,) = [
        event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey("adapter")
    ]
    assert told_once(AGAIN, result, instance)
    assert made.materialization.metadata["halved"].value is True
    assert "trained with half as many texts at once" in str(made.materialization.metadata["candidates"].value)


def test_a_training_killed_twice_fails_its_step_with_the_sentence(
    small: SmallClassifier, instance: dg.DagsterInstance, run_cycle: Run
) -> None:
    """Nothing is materialised, and what the report says is no bare exit code."""
    result = run_killed("before_result", small, run_cycle)
    assert not result.success
    assert told_once(AGAIN, result, instance)
    assert not [
        event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey("adapter")
    ]
    stages = json.loads((small.folder / "reports" / "2026-01-05" / "run_results.json").read_text())["results"]
    (stage,) = [each for each in stages if each["unique_id"] == "adapter"]
    assert stage["status"] == "error"
    assert f"RatchetError: {KILLED}; with half as many texts at once {KILLED}." in stage["message"]
