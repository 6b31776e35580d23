"""A real cycle leaves its run in the run log: alerts and lineage are made of it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from ratchet.storage.run_log import RunLog
from ratchet.testing.alert_receiver import AlertReceiver
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.alerts.send import send_alerts
from ratchet.workflows.lineage import list_events

pytestmark = pytest.mark.slow


def label_wrongly(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """One annotator gives every third request another label."""
    for row in corrections[1::6]:
        row["label"] = "violet" if row["label"] != "violet" else "amber"


def test_a_week_that_a_check_blocks_reaches_people_with_its_sentence(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """One alert, made by the run's own records; the lineage of the run fails with the same sentence."""
    with AlertReceiver() as receiver:
        small.home.settings.write_text(
            '[alerts]\ngroup_minutes = 0\ndigest_at = ""\n'
            f'[[alerts.receiver]]\nname = "ops"\nurl = "{receiver.address}"\nevents = ["blocked", "failed"]\n'
        )
        now = datetime.now(UTC)
        send_alerts(small.home, {}, now)
        small.write_week(date(2026, 1, 5), label_wrongly)
        result = run_cycle()
        assert not result.success
        assert send_alerts(small.home, {}, now + timedelta(minutes=5)).sent == 1
    line, link, *_, mark = receiver.messages[0]["message"].splitlines()
    assert line.startswith("small: week 2026-01-05 blocked by label_agreement: annotators agree on 66.7%")
    assert link.endswith("/reports/small/2026-01-05")
    assert mark == f"id small:2026-01-05:{result.run_id[:8]}:blocked"
    start, end = list_events(small.home, small.name)
    assert (start["eventType"], end["eventType"]) == ("START", "FAIL")
    assert end["run"]["runId"] == result.run_id
    assert [each["name"].rpartition("/")[2] for each in end["inputs"]] == [
        "production_logs", "corrections", "golden.jsonl",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*(run_id is deprecated|is currently in preview)")
def test_a_cycle_that_passes_is_complete_with_adapter_and_report(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """The last step ends the run; what it read and made is named by digest."""
    small.write_week(date(2026, 1, 5))
    result = run_cycle()
    first, last = RunLog(small.home).read(small.name)
    assert first.state == "started"
    assert last.state == ("passed" if result.success else "blocked")
    assert set(last.facts) >= {"adapter", "golden", "report", "landed"}
    end = list(list_events(small.home, small.name))[-1]
    assert end["eventType"] == ("COMPLETE" if result.success else "FAIL")
    assert end["outputs"][0]["facets"]["version"]["datasetVersion"] == last.facts["adapter"]
    assert (small.home.adapters(small.name) / str(last.facts["adapter"])).is_dir()
