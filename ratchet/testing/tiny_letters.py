"""A tokenizer of single letters for a tiny random causal model: of a form that llama.cpp and its converter know.

They know published tokenizers and SentencePiece's own files only, so what `tiny_causal.py` writes cannot become a GGUF
file. Needs `sentencepiece`. Add a knob when a test needs words of more than one letter.
"""

import io
import json
from collections.abc import Sequence
from pathlib import Path

_SPECIAL = ("<pad>", "<unk>", "<s>", "</s>")
_ALWAYS = "0123456789 :.,?!-\nABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def give_letters(folder: Path, texts: Sequence[str]) -> Path:
    """Put a tokenizer of the letters of `texts` into the base model `folder`, and random weights of that vocabulary;
    return it."""
    import sentencepiece
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, normalizers, processors
    from tokenizers.models import BPE

    result = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sorted({*"".join(texts), *_ALWAYS} - {"\n", " "})),
        model_writer=result,
        model_type="char",
        vocab_size=10_000,
        hard_vocab_limit=False,
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
    (folder / "tokenizer.model").write_bytes(result.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=result.getvalue())
    vocabulary = {pieces.id_to_piece(index): index for index in range(pieces.get_piece_size())}
    tokenizer = Tokenizer(BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))  # noqa: S106 - a word, no password
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.decoder = decoders.Replace("\u2581", " ")
    tokenizer.add_special_tokens(list(_SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    said = json.loads((folder / "tokenizer_config.json").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps({**said, "add_prefix_space": False, "add_bos_token": True})
    )
    config = transformers.AutoConfig.from_pretrained(folder)
    config.vocab_size = len(vocabulary)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
