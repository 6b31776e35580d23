"""A shared part and several texts in one pass say what each text says after the shared part, and teach the same."""

from pathlib import Path

import pytest
import torch

from ratchet.core.errors import RatchetError
from ratchet.models.causal import check_scores, label_scores, load_causal
from ratchet.testing.tiny_causal import CAUSAL_FAMILIES, write_tiny_causal
from ratchet.training.native.prefix_attention import attend_in_one_pass, join_pass, one_pass_rows, split_pass

PREFIX = tuple(range(4, 30))
"""Longer than the sliding window of the tiny Gemmas."""
CODES = (5, 6, 7)
LENGTHS = torch.tensor([12, 7, 1])


@pytest.fixture
def ids() -> torch.Tensor:
    """Three rows, filled up on the right with what nobody may see."""
    return torch.randint(4, 30, (3, 12), generator=torch.Generator().manual_seed(0))


def ask_plainly(model: torch.nn.Module, prefix: tuple[int, ...], ids: torch.Tensor) -> torch.Tensor:
    """Logits of each row behind the shared part, by transformers' own forward, one row at a time."""
    rows = [
        torch.cat([torch.tensor(prefix, dtype=torch.long), row[:length]])
        for row, length in zip(ids, LENGTHS, strict=True)
    ]
    return torch.cat([model(input_ids=row[None]).logits[:, -1, list(CODES)] for row in rows])


@pytest.mark.parametrize("prefix", [PREFIX, ()], ids=["shared", "nothing shared"])
@pytest.mark.parametrize("family", CAUSAL_FAMILIES)
def test_it_says_and_teaches_the_same(family: str, prefix: tuple[int, ...], ids: torch.Tensor, tmp_path: Path) -> None:
    """Logits and the gradient of every weight; also where a window slides over the shared part."""
    model = load_causal(
        write_tiny_causal(tmp_path, ["one two three four five six seven eight nine ten"], family), attention="eager"
    )
    weights = dict(model.named_parameters())
    plain = ask_plainly(model, prefix, ids)
    wanted = torch.autograd.grad(plain.square().sum(), list(weights.values()))
    mask = (torch.arange(12) < LENGTHS[:, None]).long()
    rows = one_pass_rows(model, prefix, CODES)
    with torch.no_grad():
        assert torch.allclose(rows(ids, mask), plain, atol=1e-5)
    assert model.config._attn_implementation == "eager"
    attend_in_one_pass(model)
    found = torch.autograd.grad(rows(ids, mask).square().sum(), list(weights.values()))
    for name, ours, theirs in zip(weights, found, wanted, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-4 * float(theirs.abs().max().clamp(min=1))), name


def test_families_with_as_many_keys_as_queries_are_known_too() -> None:
    """They lay their numbers out in other ways."""
    from transformers import GPT2Config, GPT2LMHeadModel, Phi3Config, Phi3ForCausalLM

    small = {"num_hidden_layers": 2, "num_attention_heads": 4, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    for model in (
        GPT2LMHeadModel(GPT2Config(vocab_size=40, hidden_size=32, **small)),
        Phi3ForCausalLM(Phi3Config(vocab_size=40, hidden_size=32, intermediate_size=32, **small)),
    ):
        check_scores(model.eval(), PREFIX, [4, 9, 5], CODES, one_pass_rows(model, PREFIX, CODES))


def test_what_is_joined_comes_apart_again() -> None:
    """The place of each state in the long row."""
    shared, texts = torch.randn(1, 5, 3), torch.randn(2, 4, 3)
    first, second = split_pass(join_pass(shared, texts), 5, 2)
    assert torch.equal(first, shared)
    assert torch.equal(second, texts)


def test_a_model_that_attends_in_a_way_of_its_own_is_refused() -> None:
    """It would mix the texts of a batch."""
    from transformers import BloomConfig, BloomForCausalLM

    model = BloomForCausalLM(BloomConfig(vocab_size=40, hidden_size=32, n_layer=2, n_head=4))
    with pytest.raises(RatchetError, match=r"bloom.*of its own") as refused:
        attend_in_one_pass(model)
    assert refused.value.code == "unknown_family"


def test_rows_that_see_each_other_are_found_out(tmp_path: Path) -> None:
    """A shortcut that takes two rows for one says something else of the second."""
    model = load_causal(write_tiny_causal(tmp_path, ["one two three four five six seven eight nine ten"], "llama"))
    for weight in model.base_model.parameters():
        weight.data *= 4  # so that attention matters in a model that knows nothing

    def mixed(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        long = torch.cat([torch.tensor(PREFIX), ids.flatten()])
        states = model.base_model(input_ids=long[None]).last_hidden_state[0, len(PREFIX) :].view(*ids.shape, -1)
        return label_scores(model, states[:, -1], CODES)

    check_scores(model, PREFIX, [4, 9, 5], CODES, one_pass_rows(model, PREFIX, CODES))
    with pytest.raises(RatchetError) as refused:
        check_scores(model, PREFIX, [4, 9, 5], CODES, mixed)
    assert refused.value.code == "unknown_family"
