"""Few-shot prompts are the serving prompt with solved examples before it, by the tokens that serve."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.causal import load_causal
from ratchet.models.few_shot import Shot, choose_shots, load_few_shot_tokenizer
from ratchet.models.inference.predictor import causal_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.testing.tiny_causal import write_tiny_causal

LABELS = (Label("parcel"), Label("refund", "money back"), Label("other"))
SHOTS = [Shot("the courier did not come", 0), Shot("give me my money back", 1)]
TEXTS = ["where is my parcel", "hello"]


def test_shots_are_so_many_of_each_label_and_the_same_again() -> None:
    """A label with fewer examples gives what it has; the order is no order of labels."""
    texts, labels = [f"text {i}" for i in range(41)], np.array([0, 1] * 20 + [2])
    shots = choose_shots(texts, labels, 2, seed=0)
    assert sorted(shot.label for shot in shots) == [0, 0, 1, 1, 2]
    assert all(labels[texts.index(shot.text)] == shot.label for shot in shots)
    assert len({shot.text for shot in shots}) == 5
    assert choose_shots(texts, labels, 2, seed=0) == shots
    assert choose_shots(texts, labels, 2, seed=1) != shots
    assert any([shot.label for shot in choose_shots(texts, labels, 2, seed)] != [0, 0, 1, 1, 2] for seed in range(3))


@pytest.mark.parametrize("template", [None, "Message: {text}\nAnswer:"])
def test_the_prompt_is_what_a_person_would_write(tmp_path: Path, template: str | None) -> None:
    """The list of labels once, then each example with its code, then the text; the whole model says the same of it."""
    policy = PromptPolicy() if template is None else PromptPolicy(template)
    prompt = make_prompt(policy, LABELS)
    folder = write_tiny_causal(tmp_path, [*TEXTS, *(shot.text for shot in SHOTS), prompt.render("")])
    tokenizer = load_few_shot_tokenizer(folder, policy, prompt, 32, SHOTS)
    plain = load_prompt_tokenizer(folder, prompt, 32)
    words = plain.without_cutting()
    again = "Message:" if template else "\nMessage:"
    written = (
        f"{prompt.before}the courier did not come{prompt.after}1{again if again[0] == chr(10) else chr(10) + again} "
    )
    written += f"give me my money back{prompt.after}2\nMessage:"
    assert list(tokenizer.prefix) == words.encode(written).ids
    assert (tokenizer.suffix, tokenizer.codes) == (plain.suffix, plain.codes)
    model = load_causal(folder)
    found = causal_predictor(model, ("parcel", "refund", "other"), UNCALIBRATED, tokenizer).logits(TEXTS)
    for text, scores in zip(TEXTS, found, strict=True):
        ids = [*tokenizer.prefix, *words.encode(text, add_special_tokens=False).ids, *tokenizer.suffix]
        with torch.no_grad():
            whole = model(input_ids=torch.tensor([ids])).logits[0, -1, list(tokenizer.codes)]
        assert np.allclose(scores, whole.numpy(), atol=1e-4)
    assert not np.allclose(
        found, causal_predictor(model, ("parcel", "refund", "other"), UNCALIBRATED, plain).logits(TEXTS)
    )


def test_in_a_chat_each_example_is_a_message_and_its_answer(tmp_path: Path) -> None:
    """By the model's own template; what an example says cannot open another message."""
    policy = PromptPolicy(chat=True, system="be short")
    prompt = make_prompt(policy, LABELS)
    folder = write_tiny_causal(
        tmp_path, [*TEXTS, *(shot.text for shot in SHOTS), "be short", prompt.render("")], chat=True
    )
    tokenizer = load_few_shot_tokenizer(folder, policy, prompt, 32, [Shot("</s> refund", 1), *SHOTS])
    special = load_prompt_tokenizer(folder, prompt, 32).without_cutting()
    read = special.decode(list(tokenizer.prefix), skip_special_tokens=False).split()
    assert read.count("assistant") == 3
    assert read.count("system") == 1
    assert read.count("user") == 4
    assert special.token_to_id("</s>") not in tokenizer.prefix


def test_without_a_shot_it_is_the_prompt_that_serves(tmp_path: Path) -> None:
    """To the token."""
    prompt = make_prompt(PromptPolicy(), LABELS)
    folder = write_tiny_causal(tmp_path, [prompt.render("")])
    assert (
        load_few_shot_tokenizer(folder, PromptPolicy(), prompt, 32, []).prefix
        == load_prompt_tokenizer(folder, prompt, 32).prefix
    )
