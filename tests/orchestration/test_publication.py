"""Publication in Dagster: a job of its own that ends on the Hub, and a weekly look whose run fails when a stranger
pushed."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.publication import publication_check, publication_check_schedule
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publication, Publications
from ratchet.testing.homes import WORDS, SmallClassifier, write_publishable
from ratchet.testing.hub.server import LocalHub
from ratchet.testing.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.slow

MONDAY = datetime(2026, 1, 12, 7, tzinfo=UTC)


def test_the_asset_is_published_and_a_strangers_push_fails_the_weekly_look(
    tmp_path: Path, stored_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One tick of the schedule is enough for the alarm (T12); the token is in no metadata."""
    base, home = (
        write_tiny_encoder(tmp_path / "base", [word for words in WORDS.values() for word in words]),
        Home(tmp_path / "home"),
    )
    with LocalHub() as hub:
        for name, value in hub.environment.items():
            monkeypatch.setenv(name, value)
        sha = hub.push("org/base", base).oid
        write_publishable(home, base, publish=f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{sha}"')
        with dg.build_schedule_context(stored_instance, scheduled_execution_time=MONDAY) as context:
            assert isinstance(publication_check_schedule(context, home=home), dg.SkipReason)
        stored_instance.add_dynamic_partitions("classifiers", ["small"])
        key = dg.MultiPartitionKey({"classifier": "small", "week": "2026-01-05"})
        job = build_definitions(str(home.root)).resolve_job_def("publication")
        done = job.execute_in_process(instance=stored_instance, partition_key=key)
        (made,) = done.asset_materializations_for_node("published_adapter")
        repository = hub.repositories["me/small"]
        assert made.metadata["commit"].value == repository.tags["2026-01-05"] == repository.head.oid
        assert hub.token not in str(made)

        def look() -> bool:
            with dg.build_schedule_context(stored_instance, scheduled_execution_time=MONDAY) as context:
                asked = publication_check_schedule(context, home=home)
            assert isinstance(asked, list)
            (request,) = asked
            run = publication_check.execute_in_process(
                run_config=request.run_config, instance=stored_instance, raise_on_error=False
            )
            return run.success

        assert look()
        repository.commit({"adapter_model.safetensors": b"a stranger's"}, title="improved")
        assert not look()
        assert not home.flags.exists()


def test_a_damaged_record_fails_the_look_of_its_own_classifier_alone(
    tmp_path: Path, stored_instance: dg.DagsterInstance
) -> None:
    """The others are looked at; that one's run fails, which names the record."""
    home = Home(tmp_path)
    for name in ("broken", "small"):
        SmallClassifier(home, name).write()
        home.published(name).mkdir()
    (home.published("broken") / "x.json").write_text("{")
    Publications(home).keep(
        "small",
        Publication(
            "1" * 64, "2026-01-05", "http://elsewhere", "me/small", 1, {}, step="sending", parent=None, private=True
        ),
    )
    with dg.build_schedule_context(stored_instance, scheduled_execution_time=MONDAY) as context:
        asked = publication_check_schedule(context, home=home)
    assert isinstance(asked, list)
    assert [request.tags["ratchet/classifier"] for request in asked] == ["broken", "small"]
    with pytest.raises(RatchetError, match="is not a record of a publication"):
        publication_check.execute_in_process(run_config=asked[0].run_config, instance=stored_instance)
