"""A classifier that must run in ONNX Runtime: tried before training, exported in its cycle, promoted, answered by the
export."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows.gates.target_gates import judge_artifact
from ratchet.workflows.rollout.nominate import nominate

pytestmark = [pytest.mark.xdist_group("onnx_target"), pytest.mark.slow]


@pytest.mark.supports(family="encoder", method="lora", runtime="gateway", export="onnx")
def test_a_cycle_for_an_onnx_target_ends_with_an_export_that_serves(run_here: Any, call: Any, tmp_path: Path) -> None:
    """The probe, which cannot be merged, is not trained; both receipts can be derived again; the gateway asks the
    export.

    One whose cycle could not compare its export may be promoted where that could be done now, but was not.
    """
    words = [word for phrases in WORDS.values() for phrase in phrases for word in phrase.split()]
    base = write_tiny_encoder(tmp_path / "base", words)
    candidates = [
        f'[[candidate]]\nbase = "{base}"\nmax_tokens = 32\nmethod = "{method}"\n' for method in ("probe", "lora")
    ]
    small = SmallClassifier(Home(tmp_path / "home"), requests=180)
    small.write(
        '[[target]]\nname = "onnx"\n',
        "".join([candidates[0], candidates[1] + "epochs = 30\npatience = 30\nbatch = 8\nlearning_rate = 3e-3\n"]),
    )
    small.write_week(date(2026, 1, 5))
    home = ("--home", tmp_path / "home")
    done = run_here(*home, "cycle", "small", "--week", "2026-01-05")
    assert done.returncode == 0, done.stderr
    folder = small.folder / "receipts" / "2026-01-05"
    plan, fit = (json.loads((folder / f"{gate}.json").read_bytes()) for gate in ("target_plan", "target_fit"))
    assert "Not trained: encoder/probe" in plan["verdict"]["reason"]
    assert "One training step was tried in onnx: its onnx export answers within" in plan["verdict"]["reason"]
    assert "Its onnx export may answer in its place: Passes: 0 of " in fit["verdict"]["reason"]
    asked = {name: part["items"] for name, part in fit["verdict"]["evidence"]["fits"][1]["parity"]["parts"].items()}
    report = json.loads((small.folder / "reports" / "2026-01-05" / "eval_report.json").read_bytes())
    assert asked == {"golden": 30, "calibration": report["splits"]["calibration"]["n"]}
    assert [found["method"] for found in report["candidates"]] == ["lora"]
    for gate in ("target_plan", "target_fit"):
        assert "follows from" in call(*home, "verify", folder / f"{gate}.json").out
    plan = call(*home, "cycle", "small", "--week", "2026-01-05", "--plan").out
    tried = "One training step was tried in onnx: its onnx export answers within"
    assert f"target fit passed: encoder/lora r16 {base}: {tried}" in plan
    assert "next: ratchet cycle small" in plan
    cycle, receipts = Cycle("small", parse_week("2026-01-05")), Receipts(small.home)
    sealed, binds, exports = receipts.read(cycle)["target_fit"], fit["binds"], small.folder / "exports"
    exports.rename(tmp_path / "aside")
    with pytest.raises(RatchetError, match="is missing or was changed"):
        nominate(small.home, "small")
    specs = Specs(small.home)
    left_out = judge_artifact(specs, specs["small"], report["adapter"], make=False, left_out=("onnx",))
    assert left_out.evidence["fits"][1] == {"export": "onnx", "files": {}, "why": "its cycle left it out"}
    receipts.write(cycle, "target_fit", left_out, binds)  # as its cycle would have on a machine without that runtime
    assert nominate(small.home, "small").adapter == report["adapter"]
    (tmp_path / "aside").rename(exports)
    receipts.write(cycle, "target_fit", sealed.verdict, binds)
    assert call(*home, "promote", "small", "--why", "first", "--yes").code == 0
    with TestClient(create_app(Settings(home=tmp_path / "home", open=True, ballast_bytes=0))) as client:
        answer = client.post("/v1/classifiers/small", json={"text": "courier parcel"}).json()
    assert (answer["runtime"], answer["path"], answer["adapter"]) == ("onnx", "calibrated", report["adapter"])
