"""A model that comes packed in parts is unpacked once, whole, and says what it said before it was packed."""

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer

from ratchet.core.digests import digest_file
from ratchet.core.errors import RatchetError
from ratchet.models.causal import load_causal
from ratchet.models.gguf_bases import digest_parts, unpack_gguf
from ratchet.testing.tiny_causal import write_tiny_causal

gguf = pytest.importorskip("gguf", reason="no gguf: pip install -e '.[gguf]'")

HEADS, KEY_HEADS, LAYERS, WIDTH = 4, 2, 2, 32
NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def pack(model: torch.nn.Module, words: list[str], path: Path) -> Path:
    """Write a tiny Llama as llama.cpp has it: its own names, and the rows of queries and keys in its order."""
    writer = gguf.GGUFWriter(str(path), "llama")
    for add, value in (
        (writer.add_context_length, 512),
        (writer.add_embedding_length, WIDTH),
        (writer.add_block_count, LAYERS),
        (writer.add_feed_forward_length, 2 * WIDTH),
        (writer.add_head_count, HEADS),
        (writer.add_head_count_kv, KEY_HEADS),
        (writer.add_layer_norm_rms_eps, 1e-6),
        (writer.add_rope_dimension_count, WIDTH // HEADS),
        (writer.add_vocab_size, len(words)),
        (writer.add_tokenizer_model, "gpt2"),
        (writer.add_token_list, words),
        (writer.add_token_types, [1] * len(words)),
        (writer.add_token_merges, ["a b"]),
        (writer.add_bos_token_id, 0),
        (writer.add_eos_token_id, 1),
    ):
        add(value)
    state = model.state_dict()
    named = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
    named |= {f"blk.{n}.{theirs}": f"model.layers.{n}.{ours}" for n in range(LAYERS) for ours, theirs in NAMES.items()}
    for theirs, ours in named.items():
        value = state[f"{ours}.weight"]
        if heads := {"attn_q": HEADS, "attn_k": KEY_HEADS}.get(theirs.rpartition(".")[2]):
            value = value.reshape(heads, 2, value.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(value.shape)
        writer.add_tensor(f"{theirs}.weight", value.contiguous().numpy())
    for write in (
        writer.write_header_to_file,
        writer.write_kv_data_to_file,
        writer.write_tensors_to_file,
        writer.close,
    ):
        write()
    return path


def test_parts_become_the_folder_of_the_model_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two parts are joined, the weights are the model's rounded to bfloat16, and a second call finds what the first
    left."""
    monkeypatch.setenv("RATCHET_CACHE", str(tmp_path / "cache"))
    model = load_causal(write_tiny_causal(tmp_path / "base", []))
    words = [*"ab", "ab", *(f"word{n}" for n in range(model.config.vocab_size - 3))]
    content = pack(model, words, tmp_path / "tiny.gguf").read_bytes()
    parts = [tmp_path / "a.part0", tmp_path / "a.part1"]
    parts[0].write_bytes(content[:5000])
    parts[1].write_bytes(content[5000:])
    whole = digest_file(tmp_path / "tiny.gguf")
    assert digest_parts(parts) == whole
    with pytest.raises(RatchetError, match="the packed base model 'Tiny' has digest"):
        unpack_gguf(parts[::-1], "Tiny", whole)
    assert not (tmp_path / "cache").exists()
    folder = unpack_gguf(parts, "Tiny", whole)
    ids = torch.tensor([[0, 5, 9, 2]])
    expected = model.to(torch.bfloat16).float()(input_ids=ids).logits
    assert torch.allclose(load_causal(folder)(input_ids=ids).logits, expected, atol=1e-4)
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).token_to_id("ab") == 2
    made = (folder / "model.safetensors").stat().st_mtime_ns
    assert unpack_gguf(parts, "Tiny", whole) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == made
    assert [path.name for path in (tmp_path / "cache" / "bases").iterdir()] == [folder.name]
