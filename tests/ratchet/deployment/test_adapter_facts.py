"""Facts of a plan are those of the adapter that it makes, known before anything is trained."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.deployment.adapter_facts import facts_of_artifact, facts_of_plan, outline_of_plan
from ratchet.gates.target_fit import decide_target_fit
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.models.base_models import resolve_base
from ratchet.storage.target_profiles import built_in_targets
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal

LABELS = ("card", "money", "rate")
SPEC = Spec("tickets", tuple(Label(name) for name in LABELS))


@pytest.fixture
def content(tiny_base: Path, tmp_path: Path) -> Mapping[str, bytes]:
    """The files of a random LoRA of rank 4 on every layer of the tiny encoder."""
    return read_folder(write_tiny_adapter(tmp_path / "a", resolve_base(str(tiny_base)), LABELS, rank=4))


def test_what_is_planned_is_what_comes(tiny_base: Path, content: Mapping[str, bytes]) -> None:
    """Rank, layers, heads and, but for the file's header, bytes."""
    planned = facts_of_plan(Candidate(base=str(tiny_base), rank=4), SPEC)
    made = facts_of_artifact(content)
    for fact in ("family", "method", "base", "labels", "rank", "heads"):
        assert getattr(planned, fact) == getattr(made, fact), fact
    assert set(made.target_modules) <= set(planned.target_modules)
    assert planned.adapter_bytes > 1000


def test_a_rank_that_differs_from_the_weights_is_refused(content: Mapping[str, bytes]) -> None:
    """What the settings claim is no fact."""
    claimed = {**json.loads(content[form.CONFIG]), "r": 2}
    with pytest.raises(RatchetError, match=r"has r = 2, but the weights have rank \[4\]"):
        facts_of_artifact({**content, form.CONFIG: json.dumps(claimed).encode()})


def test_weights_without_a_header_are_refused(content: Mapping[str, bytes]) -> None:
    """Cut short, or no safetensors at all."""
    for weights in (b"", content[form.WEIGHTS["lora"]][:40]):
        with pytest.raises(RatchetError, match="no safetensors header"):
            facts_of_artifact({**content, form.WEIGHTS["lora"]: weights})


def test_a_causal_plan_trains_layers_and_no_head(tmp_path: Path) -> None:
    """The head is the base's own."""
    base = write_tiny_causal(tmp_path, ["card money rate"])
    found = facts_of_plan(Candidate(family="causal", base=str(base), rank=4), SPEC)
    assert (found.family, found.heads, found.rank) == ("causal", False, 4)
    assert found.target_modules == ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


@pytest.mark.parametrize("base", ["google/gemma-2b-it@" + "a" * 40, "./models/gemma-2b-it"])
def test_a_base_is_called_among_targets_by_its_name_alone(base: str, content: Mapping[str, bytes]) -> None:
    """Without the commit that a base of the Hub is written with, before training and after it; so workers_ai can be
    met."""
    candidate = Candidate(family="causal", base=base, rank=8, target_modules=("q_proj", "v_proj"))
    card = {**json.loads(content[form.CARD]), "base": base}
    found = outline_of_plan(candidate, SPEC), facts_of_artifact({**content, form.CARD: json.dumps(card).encode()})
    assert [facts.base for facts in found] == ["gemma-2b-it", "gemma-2b-it"]
    assert decide_target_fit(built_in_targets()["workers_ai"], found[0], "proven").passed


def test_a_folder_may_hold_what_parts_a_commit_from_a_name() -> None:
    """It is no repository of the Hub."""
    assert outline_of_plan(Candidate(base="./models/mine@home"), SPEC).base == "mine@home"
