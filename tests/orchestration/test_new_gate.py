"""A gate is added by two files, a row and a line, and what came in before it keeps serving."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

pytestmark = pytest.mark.slow

RULE = '''"""Rule of the gate `spelling`."""

from ratchet.core.verdict import Verdict


def decide_spelling(rows: int) -> Verdict:
    """Fail every week."""
    return Verdict("failed", f"Fails: {rows} texts are misspelt.")
'''
CHECK = '''"""Check `spelling` on `corrected_labels`."""

from assets.corrected_labels import corrected_labels
from checks.gate import GateContext, GateOutcome, gate
from ratchet.gates.spelling import decide_spelling


@gate(corrected_labels)
def spelling(case: GateContext) -> GateOutcome:
    """Passes when every text is spelt right."""
    return decide_spelling(case.warehouse.count("production_logs", case.cycle.classifier)), {}
'''
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]
ANSWER = """
import sys
from pathlib import Path
from starlette.testclient import TestClient
from gateway.app import create_app
from gateway.settings import Settings
from ratchet.gates.registry import GATES
from ratchet.storage.home import Home
home = Home(Path(sys.argv[1]))
assert "spelling" in GATES
with TestClient(create_app(Settings(home=home.root, open=True, ballast_bytes=0))) as client:
    assert client.get("/readyz").status_code == 200, client.get("/readyz").text
    print(client.post("/v1/classifiers/small", json={"text": "money back please"}).json()["adapter"])
"""


@pytest.fixture
def with_spelling(plant_in_copy: Callable[[str, str, str], dict[str, str]]) -> dict[str, str]:
    """Environment of a process that runs a copy of the product to which the gate `spelling` was added."""
    row = '    Gate("target_plan",'
    environment = plant_in_copy(
        "ratchet/gates/registry.py", row, f'    Gate("spelling", "corrected_labels", "rows"),\n{row}'
    )
    root = Path(environment["PYTHONPATH"])
    (root / "ratchet" / "gates" / "spelling.py").write_text(RULE)
    (root / "checks" / "spelling.py").write_text(CHECK)
    contents = root / "orchestration" / "definitions.py"
    listed = contents.read_text().replace(
        "CHECKS = [", "from checks.spelling import spelling\nCHECKS = [\n    spelling,"
    )
    assert listed.count("spelling") == 3
    contents.write_text(listed)
    return {**os.environ, **environment}


def test_a_gate_that_was_added_blocks_a_cycle(with_spelling: dict[str, str], small: SmallClassifier) -> None:
    """Exit code, sentence, stages and `status` know it, though no list was edited by hand."""
    small.write_week(date(2026, 1, 5))
    words = ["--home", str(small.home.root), "cycle", small.name, "--week", "2026-01-05"]
    done = subprocess.run([*RATCHET, *words], env=with_spelling, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "blocked: spelling: Fails: 90 texts are misspelt." in done.stderr
    path = small.home.reports(small.name) / "2026-01-05" / "run_results.json"
    stages = {row["unique_id"]: row["status"] for row in json.loads(path.read_bytes())["results"]}
    order = list(stages)
    assert order[order.index("label_agreement") : order.index("label_distribution")] == [
        "label_agreement",
        "colluding_annotators",
        "spelling",
        "training_set",
    ]
    assert (stages["spelling"], stages["training_set"], stages["adapter"]) == ("blocked", "skipped", "skipped")


@pytest.mark.xdist_group("rollouts")
def test_an_adapter_from_before_the_gate_stays_live(
    with_spelling: dict[str, str], passed: Home, tmp_path: Path
) -> None:
    """A gateway of the new version starts on the home and serves it: its entry names the gates that there were."""
    home = shutil.copytree(passed.root, tmp_path / "home", symlinks=True)
    command = [sys.executable, "-c", ANSWER, str(home)]
    done = subprocess.run(command, env=with_spelling, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.strip()) == 64
