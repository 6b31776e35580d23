"""A causal model's label scores are the model's own, whatever is computed once, cut off or filled up."""

from pathlib import Path

import pytest
import torch

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.errors import RatchetError
from ratchet.models.causal import check_scores, compute_prefix, label_scores, last_hidden, load_causal, prompted_rows
from ratchet.models.prompt_tokenizer import PromptTokenizer, load_prompt_tokenizer
from ratchet.models.token_batches import pad_batch
from ratchet.testing.tiny_causal import CAUSAL_FAMILIES, write_tiny_causal

TEXTS = ["where is my parcel", "refund", "the courier did not come, and I want my money back today", "hello -"]
LABELS = (Label("parcel"), Label("refund", "money back"), Label("other"))


def opened(tmp_path: Path, family: str) -> tuple[Path, PromptTokenizer]:
    """A tiny base of `family` and the tokenizer that asks it."""
    prompt = make_prompt(PromptPolicy(), LABELS)
    folder = write_tiny_causal(tmp_path, [*TEXTS, prompt.render("")], family)
    return folder, load_prompt_tokenizer(folder, prompt, 64)


@pytest.mark.parametrize("family", CAUSAL_FAMILIES)
def test_scores_are_those_of_the_whole_model(tmp_path: Path, family: str) -> None:
    """One pass over prompt and text, one row alone, all of the vocabulary: the same numbers at the label tokens."""
    folder, tokenizer = opened(tmp_path, family)
    model = load_causal(folder)
    encoded = [row.ids for row in tokenizer.encode_batch_fast(TEXTS)]
    with torch.no_grad():
        found = prompted_rows(model, tokenizer.prefix, tokenizer.codes)(*pad_batch(encoded, 0))
        for row, scores in zip(encoded, found, strict=True):
            whole = model(input_ids=torch.tensor([[*tokenizer.prefix, *row]])).logits[0, -1, list(tokenizer.codes)]
            assert torch.allclose(scores, whole, atol=1e-4)
    assert len({tuple(scores.tolist()) for scores in found}) == len(TEXTS)
    check_scores(model, tokenizer.prefix, encoded[0], tokenizer.codes)


def test_a_model_that_scores_otherwise_is_refused(tmp_path: Path) -> None:
    """A head that does more than a product with the hidden state is not known, and is not guessed at."""
    folder, tokenizer = opened(tmp_path, "llama")
    model = load_causal(folder)
    model.lm_head.register_forward_hook(lambda module, inputs, output: output.square())
    with pytest.raises(RatchetError, match="in a way that is not supported"):
        check_scores(model, tokenizer.prefix, tokenizer.encode_batch_fast(TEXTS[:1])[0].ids, tokenizer.codes)


def test_gradients_through_the_shared_part_are_those_of_whole_prompts(tmp_path: Path) -> None:
    """The prompt once for all rows, or once for each: every weight is told the same."""
    folder, tokenizer = opened(tmp_path, "llama")
    model = load_causal(folder)
    encoded = [row.ids for row in tokenizer.encode_batch_fast(TEXTS)]
    found = []
    for prefix, rows in ((tokenizer.prefix, encoded), ((), [[*tokenizer.prefix, *row] for row in encoded])):
        ids, mask = pad_batch(rows, 0)
        model.zero_grad()
        shared = compute_prefix(model.base_model, prefix)
        scores = label_scores(model, last_hidden(model.base_model, shared, mask.sum(dim=1), ids), tokenizer.codes)
        torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1, 2, 0])).backward()  # type: ignore[no-untyped-call]
        found.append({name: value.grad.clone() for name, value in model.named_parameters() if value.grad is not None})
    assert found[0].keys() == found[1].keys()
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-6) for name in found[0])
