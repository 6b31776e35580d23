"""The targets of a specification make sense together, or the sentence says what to change."""

from dataclasses import replace

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.config.target import Target
from ratchet.core.errors import RatchetError
from ratchet.deployment.serving_paths import part_paths
from ratchet.deployment.targets import choose_targets, digest_targets
from ratchet.storage.target_profiles import built_in_targets

LABELS = (Label("x", stakes="high"), Label("y"))


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ((Target("vlm"),), "Did you mean 'vllm'?"),
        ((Target("workers_ai"),), "returns no log-probabilities, so its confidence cannot be calibrated"),
        ((Target("in_process"), Target("onnx")), "in_process and onnx both return log-probabilities"),
        ((Target("vllm", export="onnx_int8"),), "which its runtime 'vllm' does not load"),
        ((Target("vllm", export="onnx"),), "name a target whose runtime is onnx or llama_cpp"),
        ((Target("onnx", export="gguf_q8_0"),), "Set export to one of onnx, onnx_int8."),
        ((Target("llama_cpp", export="onnx"),), "Set export to one of gguf_f16, gguf_q8_0, gguf_q4_k_m, gguf_q4_0."),
    ],
)
def test_targets_that_make_no_sense_are_refused_with_the_cure(targets: tuple[Target, ...], said: str) -> None:
    """Each is one sentence."""
    with pytest.raises(RatchetError) as caught:
        choose_targets(Spec("a", LABELS, target=targets), built_in_targets())
    assert said in str(caught.value)


def test_two_targets_without_log_probabilities_are_refused() -> None:
    """Nothing could be calibrated."""
    known = built_in_targets()
    known["edge"] = replace(known["workers_ai"], name="edge")
    with pytest.raises(RatchetError, match="edge and workers_ai return no log-probabilities"):
        choose_targets(Spec("a", LABELS, target=(Target("edge"), Target("workers_ai"))), known)


def test_one_of_two_gives_them_and_none_named_is_the_gateway() -> None:
    """The order does not matter."""
    chosen = choose_targets(Spec("a", LABELS, target=(Target("workers_ai"), Target("in_process"))), built_in_targets())
    assert [each.profile.name for each in chosen] == ["workers_ai", "in_process"]
    assert [each.profile.name for each in choose_targets(Spec("a", LABELS), built_in_targets())] == ["in_process"]


def test_a_runtime_that_loads_exports_gets_its_plainest_unless_another_is_named() -> None:
    """The gateway answers by those that it runs itself alone."""
    for target, export, answering in (
        (Target("onnx"), "onnx", "onnx"),
        (Target("llama_cpp"), "gguf_f16", ""),
        (Target("llama_cpp", export="gguf_q8_0"), "gguf_q8_0", ""),
        (Target("vllm"), "", ""),
    ):
        chosen = choose_targets(Spec("a", LABELS, target=(target,)), built_in_targets())
        assert (chosen[0].export, part_paths(chosen).export) == (export, answering)


def test_the_digest_binds_what_a_verdict_depends_on() -> None:
    """Which limits are believed, and which export answers; the export's default was there before the setting."""
    specs = [
        Spec("a", LABELS, target=(Target("onnx", **more),))
        for more in ({}, {"accept": "documented"}, {"export": "onnx_int8"})
    ]
    assert len({digest_targets(choose_targets(spec, built_in_targets())) for spec in specs}) == 3
    assert specs[0].as_json()["target"] == [{"name": "onnx", "accept": "proven"}]
