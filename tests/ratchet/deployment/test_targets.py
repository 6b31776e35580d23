"""The targets of a specification make sense together, or the sentence says what to change."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.config.target import Target
from ratchet.core.errors import RatchetError
from ratchet.deployment.profiles import Bounds, Profile
from ratchet.deployment.serving_paths import part_paths
from ratchet.deployment.targets import choose_targets, digest_targets, digests_of_targets
from ratchet.storage.target_profiles import built_in_targets, parse_targets

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


OWN = """
[mine]
runtime = "other"
takes = "adapter"
families = ["encoder"]
log_probabilities = false
[mine.documented]
source = "our contract"
rank = 16
"""
LEVELS = ("documented", "proven")
BOTH = Spec("a", LABELS, target=(Target("mine"), Target("in_process", accept="documented")))
FORMER_DIGEST = "2c8dc1c7553e7e4489597bc3418efaf181ef8c22184511e6816f9b928abad603"
"""Digest of the gateway's target in receipts of the version whose digests held every setting."""


@dataclass(frozen=True)
class LaterBounds(Bounds):
    """Limits of a later version: another default, and a key more."""

    source: str = "unnamed"
    quota: int | None = 7


@dataclass(frozen=True)
class LaterProfile(Profile):
    """A profile of a later version: another default, and a key more."""

    about: str = "A target."
    region: str = "here"


def upgraded(profile: Profile, table: Mapping[str, Any]) -> Profile:
    """The profile as a later version reads it from the same table."""
    values = {each.name: getattr(profile, each.name) for each in fields(profile)}
    given = {level: {key: value for key, value in vars(values[level]).items() if value} for level in LEVELS}
    bounds = {level: LaterBounds(**given[level]) for level in LEVELS}
    return LaterProfile(**{**values, **bounds, "about": "A target."}).of_file(table)


def test_a_later_version_makes_no_target_another() -> None:
    """A key that it adds to profiles, a default that it changes and other limits of a built-in target change no
    digest; what the home's own file sets does, but for its words."""
    known, own = built_in_targets(), parse_targets(OWN, Path("targets.toml"))["mine"]
    before = digest_targets(choose_targets(BOTH, {**known, "mine": own}))
    gateway = replace(known["in_process"], documented=Bounds("other words", rank=8))
    later = {"mine": upgraded(own, tomllib.loads(OWN)["mine"]), "in_process": upgraded(gateway, {})}
    assert later["mine"].as_json() != own.as_json()
    assert digest_targets(choose_targets(BOTH, later)) == before
    for old, new, same in (
        ("our contract", "another contract", True), ("rank = 16", "rank = 8", False),
        ('"encoder"', '"encoder", "causal"', False), ("rank = 16", "rank = 16\nlabels = 9", False),
    ):  # fmt: skip
        edited = parse_targets(OWN.replace(old, new), Path("targets.toml"))
        assert (digest_targets(choose_targets(BOTH, {**known, **edited})) == before) is same, new


def test_receipts_of_a_former_version_name_the_same_targets() -> None:
    """Its digest held every setting of a profile; the gateway's alone is the one that its receipts hold."""
    chosen = choose_targets(Spec("a", LABELS), built_in_targets())
    assert digests_of_targets(chosen) == {digest_targets(chosen), FORMER_DIGEST}
    assert digest_targets(chosen) != FORMER_DIGEST
