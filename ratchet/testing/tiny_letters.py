"""Tokenizer of single letters for a tiny random causal model, in a format that llama.cpp and its converter support.

They support published tokenizers and SentencePiece's own files only, so a model of `tiny_causal.py` cannot become a
GGUF file. Needs `sentencepiece`. Add a parameter when a test needs words of more than one letter.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_ALWAYS = "0123456789 :.,?!-\nABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def give_letters(folder: Path, texts: Sequence[str]) -> Path:
    """Write a tokenizer of the letters of `texts`, and random weights to match, into the base model `folder`."""
    import sentencepiece
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, normalizers, processors
    from tokenizers.models import BPE

    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sorted({*"".join(texts), *_ALWAYS} - {"\n", " "})),
        model_writer=trained,
        model_type="char",
        vocab_size=10_000,
        hard_vocab_limit=False,  # as many pieces as there are letters
        character_coverage=1.0,
        pad_id=0,
        unk_id=1,
        bos_id=2,
        eos_id=3,
        byte_fallback=True,
        user_defined_symbols=["\u2581", "\n"],
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        minloglevel=3,
    )
    (folder / "tokenizer.model").write_bytes(trained.getvalue())
    # transformers reads another file than the converter, so both are made from one vocabulary
    pieces = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    vocabulary = {pieces.id_to_piece(index): index for index in range(pieces.get_piece_size())}
    tokenizer = Tokenizer(BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))  # noqa: S106 - a word, not a password
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Replace("\u2581", " ")
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = json.loads((folder / "tokenizer_config.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**settings, "add_prefix_space": False, "add_bos_token": True})
    )
    config = transformers.AutoConfig.from_pretrained(folder)
    config.vocab_size = len(vocabulary)
    with torch.random.fork_rng():  # the caller's random state stays as it was
        torch.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
