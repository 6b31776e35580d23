"""The layers of a model are found, and what the lower ones say can be given in their place."""

from pathlib import Path

import pytest
import torch
from transformers import (
    AlbertConfig,
    AutoModelForSequenceClassification,
    DebertaV2Config,
    DistilBertConfig,
    MPNetConfig,
)

from ratchet.config.layer_choice import upper_count
from ratchet.core.errors import RatchetError
from ratchet.models.encoders import load_classifier
from ratchet.models.layers import SplitLayers, find_layers, lower_count
from ratchet.testing.tiny_encoder import write_tiny_encoder

SMALL = {"vocab_size": 40, "max_position_embeddings": 64, "pad_token_id": 1}
IDS, MASK = torch.tensor([[2, 7, 9, 11, 3], [2, 8, 3, 1, 1]]), torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.mark.parametrize(("layers", "upper"), [("all", None), ("top:1", 1), ("top:30", 30)])
def test_a_choice_of_layers_is_read(layers: str, upper: int | None) -> None:
    """All of them, or a number of upper ones."""
    assert upper_count(layers) == upper


@pytest.mark.parametrize(
    "layers", ["", "top", "top:", "top:0", "top:-1", "top:03", "TOP:3", "bottom:3", "top:3 ", "top:99999"]
)
def test_anything_else_is_no_choice(layers: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError):
        upper_count(layers)


def test_more_layers_than_there_are_are_refused(tmp_path: Path) -> None:
    """The sentence says how many there are."""
    model = load_classifier(write_tiny_encoder(tmp_path, ["one two"], layers=3), 2)
    assert [lower_count(model, layers) for layers in ("all", "top:3", "top:1")] == [0, 0, 2]
    with pytest.raises(RatchetError, match=r'"top:4" asks for more layers than the base model has \(3\)') as refused:
        lower_count(model, "top:4")
    assert '"top:1" to "top:3"' in refused.value.hint


def test_layers_that_share_their_weights_are_refused() -> None:
    """An upper layer of ALBERT is its lower one."""
    small = AlbertConfig(
        **SMALL, embedding_size=8, hidden_size=16, num_attention_heads=2, intermediate_size=16, num_hidden_layers=3
    )
    with pytest.raises(RatchetError, match="does not keep its 3 layers in one list"):
        lower_count(AutoModelForSequenceClassification.from_config(small), "top:1")


@pytest.mark.parametrize(
    "config",
    [
        DistilBertConfig(**SMALL, dim=16, n_heads=2, hidden_dim=16, n_layers=3),
        DebertaV2Config(
            **SMALL,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=16,
            num_hidden_layers=3,
            relative_attention=True,
            pos_att_type=["p2c", "c2p"],
            conv_kernel_size=3,
        ),
        MPNetConfig(**SMALL, hidden_size=16, num_attention_heads=2, intermediate_size=16, num_hidden_layers=3),
    ],
    ids=["distilbert", "deberta", "mpnet"],
)
@pytest.mark.parametrize("below", [1, 2])
def test_lower_layers_are_not_needed_once_their_states_are_known(config: object, below: int) -> None:
    """Families whose layers answer in different forms: the same logits with and without the lower layers, which are
    then broken."""
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_config(config).eval()
    split = SplitLayers(model)
    with torch.no_grad():
        live = model(input_ids=IDS, attention_mask=MASK).logits
        with split.catching(below) as seen:
            assert torch.equal(model(input_ids=IDS, attention_mask=MASK).logits, live)
        with split.catching(below, stop=True) as caught:
            model(input_ids=IDS, attention_mask=MASK)
        assert torch.equal(seen[0], caught[0])
        for layer in find_layers(model)[1][:below]:
            for value in layer.parameters():
                value.fill_(float("nan"))
        with split.giving(below, caught[0]):
            assert torch.allclose(model(input_ids=IDS, attention_mask=MASK).logits, live, atol=1e-6)
        assert model(input_ids=IDS, attention_mask=MASK).logits.isnan().all()
