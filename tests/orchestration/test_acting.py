"""A cycle learns from which confidence on an action keeps its promise, and seals it in its adapter."""

import shutil
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from ratchet.core.cycle import Cycle
from ratchet.data.judging import DRAWN_TEST_SQL
from ratchet.gates.registry import ASSETS
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.testing.homes import WORDS
from ratchet.workflows.fit_acting import read_thresholds

WEEK = date(2026, 1, 12)
pytestmark = [
    pytest.mark.xdist_group("rollouts"),
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*(run_id is deprecated|is currently in preview)"),
]


def test_a_cycle_seals_what_its_drawn_labels_show(passed: Home, tmp_path: Path) -> None:
    """Of the labels of its week only those that were drawn count; the report's asset and the notes say what was
    found."""
    home = Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))
    text = home.spec("small").read_text()
    for label in WORDS:
        text = text.replace(f'name = "{label}"\n', f'name = "{label}"\naction = "reply"\nthreshold = 0.3\n', 1)
    home.spec("small").write_text(f'{text}\n[[action]]\nname = "reply"\nmax_error = 0.1\n')
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("classifiers", ["small"])
        result = build_definitions(str(home.root)).resolve_job_def("weekly_cycle").execute_in_process(
            instance=instance,
            partition_key=dg.MultiPartitionKey({"classifier": "small", "week": str(WEEK)}),
            asset_selection=[dg.AssetKey(step) for step in ASSETS[:5]],
        )  # fmt: skip
    assert result.success
    noted = Receipts(home).noted(Cycle("small", WEEK))
    drawn = open_warehouse(home, "small").frame(DRAWN_TEST_SQL, {"classifier": "small", "week": WEEK})
    (record,) = noted["acting"]
    assert (record["action"], sorted(record["labels"])) == ("reply", sorted(WORDS))
    assert 22 <= record["n"] <= len(drawn) < 90
    assert "from a confidence of" in record["remark"]
    thresholds = read_thresholds(home, "small", noted["adapter"])
    assert thresholds == dict.fromkeys(sorted(WORDS), record["threshold"])
