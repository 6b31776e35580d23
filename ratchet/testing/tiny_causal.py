"""Tiny random causal models of each family with their own tokenizer, for tests that do not need a real one.

They are untrained, train in seconds and are the same on every call. Add a family as a row of `_CONFIGS`; tiny encoders
are in `tiny_encoder.py`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_CONFIGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "llama": ("LlamaConfig", {}),
    "mistral": ("MistralConfig", {"sliding_window": None}),
    "qwen2": ("Qwen2Config", {}),
    "gemma": ("GemmaConfig", {"head_dim": 8}),
    "gemma2": ("Gemma2Config", {"head_dim": 8, "sliding_window": 16, "final_logit_softcapping": 5.0}),
    "gemma3": ("Gemma3TextConfig", {"head_dim": 8, "sliding_window": 16}),
}
CAUSAL_FAMILIES = tuple(_CONFIGS)
_CHAT = (
    "{% for message in messages %}{{ message['role'] + ': ' + message['content'] + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'assistant:\\n' }}{% endif %}"
)


def write_tiny_causal(
    folder: Path, texts: Sequence[str], family: str = "llama", *, width: int = 32, layers: int = 2, chat: bool = False
) -> Path:
    """Write config, safetensors and tokenizer of a random causal model, and return the folder.

    The vocabulary holds the words of `texts`: runs of letters; digits, signs and line breaks are words of their own.
    `chat` adds a chat template.
    """
    import torch
    import transformers
    from tokenizers import Regex, Tokenizer, pre_tokenizers, processors
    from tokenizers.models import WordLevel

    pieces = {piece for text in texts for piece in re.findall(r"[^\W\d]+|\d|[^\w\s]|\n", text)}
    # always in the vocabulary, because prompts are made of them, and answers are single letters
    alone = {
        *"0123456789:.,?!-{}",
        *"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "\n",
        "Answer",
        "Message",
        "assistant",
        "user",
        "system",
    }
    vocabulary = {word: index for index, word in enumerate((*_SPECIAL, *sorted(pieces | alone)))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - a word, not a password
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"[^\W\d]+|\d|[^\w\s]|\n"), "isolated"),
            pre_tokenizers.Split(Regex(r" +"), "removed"),
        ]
    )
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    name, more = _CONFIGS[family]
    config = getattr(transformers, name)(
        vocab_size=len(vocabulary),
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=2 * width,
        max_position_embeddings=512,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        **more,
    )
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():  # the caller's random state stays as it was
        torch.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "bos_token": "<s>",
    }
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**settings, **({"chat_template": _CHAT} if chat else {})})
    )
    return folder
