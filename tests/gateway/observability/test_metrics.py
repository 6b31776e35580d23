"""What Prometheus reads: names as its practices ask, figures that are true, and no more series for more users."""

import json
import re
from collections.abc import Callable
from datetime import datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger

Serve = Callable[..., TestClient]
URL = "/v1/classifiers/small"
UNITS = (
    "_seconds", "_ratio", "_bytes", "_size", "_info", "_requests", "_entries", "_failures", "_unlogged", "_status",
    "_value", "_dropped",
    "_fallbacks", "_answers", "_faults", "_followed", "_rollouts", "_messages",
)  # fmt: skip
LABELS = {
    "classifier",
    "slot",
    "code",
    "digest",
    "le",
    "metric",
    "cause",
    "result",
    "path",
    "runtime",
    "reason",
    "receiver",
}


def read(client: TestClient) -> dict[str, float]:
    """Every series with its value."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {f"{s.name}{json.dumps(s.labels, sort_keys=True)}": s.value for family in families for s in family.samples}


@pytest.mark.feature(32)
def test_names_follow_the_practices(serve: Serve) -> None:
    """Each begins with `ratchet_`, ends with its base unit or the claim that is 1 or 0, and no label is open-ended."""
    client = serve()
    client.post(URL, json={"text": "a"})
    for family in text_string_to_metric_families(client.get("/metrics").text):
        assert re.fullmatch(r"ratchet_[a-z_]+", family.name)
        assert family.name.removesuffix("_created").endswith(UNITS)
        assert {name for s in family.samples for name in s.labels} <= LABELS


@pytest.mark.feature(32)
def test_more_users_make_no_more_series(serve: Serve) -> None:
    """After two hundred users, texts and unknown classifiers the series are those after one."""
    client = serve()
    client.post(URL, json={"text": "a", "user_id": "u"})
    client.post("/v1/classifiers/none", json={"text": "a"})
    before = set(read(client))
    for n in range(200):
        client.post(URL, json={"text": f"text {n}", "user_id": f"user {n}"})
        client.post(f"/v1/classifiers/none{n}", json={"text": "a"})
    assert set(read(client)) == before


def test_batches_and_their_times_are_counted(serve: Serve) -> None:
    """Three questions of five texts in all: each waited once, and the sizes of the batches sum to five."""
    client = serve()
    for texts in (["a"], ["b", "c"], ["d", "e"]):
        client.post(URL, json={"texts": texts})
    found = read(client)
    assert found["ratchet_batch_size_sum{}"] == 5
    assert found["ratchet_request_queue_duration_seconds_count{}"] == 3
    assert found["ratchet_request_inference_duration_seconds_count{}"] == found["ratchet_batch_size_count{}"] == 3
    assert found["ratchet_request_inference_duration_seconds_sum{}"] > 0


def test_renamed_metrics_keep_their_former_names_for_one_release(serve: Serve) -> None:
    """Both names are exported, with equal values; the help text of the former says which name follows it."""
    client = serve(ballast_bytes=4096)
    client.app.state.gateway.metrics.log_failures.labels("small").inc(3)  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    text, found = client.get("/metrics").text, read(client)
    names = {
        'ratchet_unlogged_total{"classifier": "small"}': ('ratchet_log_failures_total{"classifier": "small"}', 3),
        "ratchet_ballast_bytes{}": ("ratchet_reserved_disk_bytes{}", 4096),
    }
    for former, (current, value) in names.items():
        assert found[former] == found[current] == value
        help_of = f"Former name of {current.partition('{')[0]}; goes with the next release."
        assert f"# HELP {former.partition('{')[0]} {help_of}\n" in text


def test_ledger_and_last_cycle_are_those_of_the_home(serve: Serve, home: Home, enter: Callable[..., None]) -> None:
    """The ledger's length, and when the newest run ended; a classifier that never ran a cycle has no such time."""
    client = serve()
    assert read(client)['ratchet_ledger_entries{"classifier": "small"}'] == 1
    assert not any("ratchet_last_cycle" in name for name in read(client))
    assert read(client)['ratchet_rollout_held_timestamp_seconds{"classifier": "small"}'] == 0
    folder = home.report(Cycle("small", parse_week("2026-01-05")))
    folder.mkdir(parents=True)
    (folder / "run_results.json").write_text(json.dumps({"metadata": {"generated_at": "2026-01-12T06:05:00+00:00"}}))
    enter(str(Ledger(home).live("small")), "hold")
    expected = datetime.fromisoformat("2026-01-12T06:05:00+00:00").timestamp()
    found = read(client)
    assert found['ratchet_last_cycle_timestamp_seconds{"classifier": "small"}'] == expected
    assert found['ratchet_ledger_entries{"classifier": "small"}'] == 2
