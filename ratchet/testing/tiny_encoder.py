"""Tiny random encoders of each family with their own tokenizer, for tests that do not need a real one.

They are untrained, train in milliseconds and are the same on every call. Add a family as a row of `_FAMILIES`; tiny
causal models are in `tiny_causal.py`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_SHORT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
_RELATIVE = {"relative_attention": True, "position_biased_input": False, "pos_att_type": ["p2c", "c2p"]}


@dataclass(frozen=True)
class _Family:
    """Recipe of a family: config class, the config's names for the shape, and further settings."""

    config: str
    names: Mapping[str, str]
    more: Mapping[str, Any]
    pieces: bool = False
    """True where texts are split into sentence pieces instead of words."""


_DISTIL = {
    "hidden_size": "dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "intermediate_size": "hidden_dim",
}
_FAMILIES: Mapping[str, _Family] = {
    "bert": _Family("BertConfig", {}, {}),
    "distilbert": _Family("DistilBertConfig", _DISTIL, {}),
    "deberta": _Family("DebertaConfig", {}, {**_RELATIVE, "type_vocab_size": 0}),
    "deberta_v3": _Family(
        "DebertaV2Config",
        {},
        {
            **_RELATIVE,
            "type_vocab_size": 0,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pooler_dropout": 0,
        },
        pieces=True,
    ),
}
ENCODER_FAMILIES = tuple(_FAMILIES)


def write_tiny_encoder(
    folder: Path, texts: Sequence[str], family: str = "bert", *, width: int = 32, layers: int = 2
) -> Path:
    """Write config, safetensors and tokenizer of a random encoder, and return the folder.

    The vocabulary holds the words of `texts`: lower-cased runs of letters and digits. About 30,000 parameters at the
    default shape.
    """
    import torch
    import transformers

    made = _FAMILIES[family]
    words = sorted({word for text in texts for word in re.findall(r"\w+", text.lower())})
    tokenizer = _sentence_pieces(words) if made.pieces else _whole_words(words)
    shape = {**_SHORT, "hidden_size": width, "num_hidden_layers": layers, "intermediate_size": 2 * width}
    config = getattr(transformers, made.config)(
        vocab_size=tokenizer.get_vocab_size(),
        max_position_embeddings=64,
        pad_token_id=0,
        **{made.names.get(name, name): value for name, value in shape.items()},
        **made.more,
    )
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():  # the caller's random state stays as it was
        torch.manual_seed(0)
        transformers.AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _whole_words(words: Sequence[str]) -> "Tokenizer":
    """Make a tokenizer with one token per word; texts begin and end as for BERT, DistilBERT and the first DeBERTa."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import WordLevel

    vocabulary = {word: index for index, word in enumerate((*_SPECIAL, *words))}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106 - a word, not a password
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _framed(tokenizer)


def _sentence_pieces(words: Sequence[str]) -> "Tokenizer":
    """Make a tokenizer of the likeliest pieces of a text, spaces included, as for the later DeBERTa."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers.models import Unigram

    letters = sorted({letter for word in words for letter in word} | {"▁"})
    pieces = [
        *((name, 0.0) for name in _SPECIAL),
        *((f"▁{word}", -4.0) for word in words),
        *((letter, -8.0) for letter in letters),
    ]
    tokenizer = Tokenizer(Unigram(pieces, unk_id=_SPECIAL.index("[UNK]"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return _framed(tokenizer)


def _framed(tokenizer: "Tokenizer") -> "Tokenizer":
    from tokenizers import processors

    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, _SPECIAL.index(name)) for name in ("[CLS]", "[SEP]")]
    )
    return tokenizer
