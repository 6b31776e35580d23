"""Names in the specification become layers of the model, or an error that names the layers there are."""

from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.encoders import load_classifier_with_info
from ratchet.training.target_modules import resolve_targets


@pytest.fixture(scope="module")
def model(tiny_base: Path) -> tuple[Any, set[str]]:
    """A classifier on the tiny base, and what its base did not hold."""
    return load_classifier_with_info(tiny_base, 3)


def test_auto_is_every_linear_layer_but_the_head(model: tuple[Any, set[str]]) -> None:
    """Two layers of query, key, value and three dense each, the pooler, and the classifier as head."""
    targets = resolve_targets(model[0], ("auto",), model[1])
    assert len(targets.modules) == 2 * 6 + 1
    assert "bert.encoder.layer.1.attention.self.query" in targets.modules
    assert targets.heads == ("classifier",)


def test_what_the_base_lacks_is_a_head(model: tuple[Any, set[str]]) -> None:
    """A newly initialised pooler is trained and saved whole, and no longer adapted."""
    missing = {*model[1], "bert.pooler.dense.weight", "bert.pooler.dense.bias"}
    targets = resolve_targets(model[0], ("auto",), missing)
    assert targets.heads == ("classifier", "pooler")
    assert len(targets.modules) == 12


def test_names_match_the_end_of_dotted_names(model: tuple[Any, set[str]]) -> None:
    """`query` is the query of each layer; a full name is that one layer."""
    assert len(resolve_targets(model[0], ("query", "value"), model[1]).modules) == 4
    one = "bert.encoder.layer.0.attention.self.key"
    assert resolve_targets(model[0], (one,), model[1]).modules == (one,)


def test_a_name_without_a_match_is_refused(model: tuple[Any, set[str]]) -> None:
    """A name of another model family is refused with the layers that exist, though others match."""
    with pytest.raises(
        RatchetError, match=r"'q_lin' matches no linear layer .*has: dense, key, query, value"
    ) as refused:
        resolve_targets(model[0], ("query", "q_lin"), model[1])
    assert refused.value.code == "no_target"


def test_a_base_without_linear_layers_is_refused_with_the_cure() -> None:
    """GPT-2 has another kind of layer, which `auto` finds none of; nothing would be trained, in silence."""
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=8, n_positions=16, vocab_size=20))
    with pytest.raises(RatchetError, match="no linear layer that a LoRA could be put beside") as refused:
        resolve_targets(model, ("auto",), set())
    assert (refused.value.code, "Conv1D" in refused.value.hint) == ("no_target", True)
