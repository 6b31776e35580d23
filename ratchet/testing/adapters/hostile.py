"""Hostile and broken adapter folders, each made from a good adapter, and the error that each must raise.

For tests of whatever opens adapters; the cost of opening one is measured by `load_monitor.py`, the changes are made by
`corruptions.py`. Add another attack to `HOSTILE`. The good adapter is a LoRA of rank 2 on a tiny BERT with three
labels, unsealed, with its canary.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.models.adapters.format import CARD, CONFIG
from ratchet.testing.adapters.corruptions import (
    WEIGHTS,
    Corruption,
    change_card,
    change_config,
    change_entry,
    change_header,
    change_tensors,
    claim_a_large_header,
    cut,
    drop_half,
    grow,
    leave_a_pickle,
    link,
    name_many_labels,
    overlap,
    override_a_module,
    override_a_weight,
    poison,
    put_a_pipe,
    replace_header,
    replace_tensor,
    write,
)

REGEX = "(a+)+$"
"""Regular expression that takes practically for ever to match a long row of a's."""


@dataclass(frozen=True)
class HostileAdapter:
    """An attack: the change of a folder, and a pattern of the error message that it must raise."""

    spoil: Corruption
    pattern: str
    sealed: bool = True
    """True where the folder can be sealed, with a manifest that matches it."""


def _name(key: str, value: object) -> str:
    return f"{ascii(key)[1:-1]} = {ascii(value)[:30]}"


_SETTINGS: tuple[tuple[str, Any, str], ...] = (
    ("r", 2_000_000, "asks for r = 2000000"),
    ("r", 257, "r = 257"),
    ("r", 4, r"is 'F32' \[2, 32\], expected float32 \[4, 32\]"),
    ("r", 0, "asks for r = 0"),
    ("r", True, "asks for r = True"),
    ("r", "8", "asks for r = '8'"),
    ("r", [[8]], "asks for r = a list"),
    ("lora_alpha", 1e6, "lora_alpha = 1000000.0"),
    ("lora_alpha", 10**400, "lora_alpha = 1000"),
    ("lora_alpha", 0, "lora_alpha = 0"),
    ("lora_alpha", -4, "lora_alpha = -4"),
    ("lora_alpha", float("inf"), "is not valid JSON"),
    ("lora_dropout", 1, "lora_dropout = 1"),
    ("lora_dropout", "0", "lora_dropout = '0'"),
    ("base_model_name_or_path", "somebody/else", "names base 'somebody/else'"),
    ("base_model_name_or_path", None, "names no base model"),
    ("target_modules", [], "no target module"),
    ("target_modules", REGEX, "only plain dotted names"),
    ("target_modules", [REGEX], "only plain dotted names"),
    ("target_modules", "query", "sets target_modules"),
    ("target_modules", ["../query"], "only plain dotted names"),
    ("target_modules", ["bert.nothing"], "which the base model lacks"),
    ("target_modules", ["query"] * 90_000, "names a module twice"),
    ("target_modules", 5, "wrong type"),
    ("modules_to_save", [], "no target module or no head"),
    ("modules_to_save", ["nothing"], "names head nothing"),
    ("modules_to_save", [REGEX], "only plain dotted names"),
    ("peft_type", "LOHA", "sets peft_type"),
    ("task_type", "TOKEN_CLS", "sets task_type"),
    ("task_type", "CAUSAL_LM", "no target module or no head, or a head that a causal model has already"),
    ("bias", "all", "sets bias"),
    ("use_dora", True, "only one of them is DoRA"),
    ("use_rslora", True, "sets use_rslora"),
    ("inference_mode", False, "sets inference_mode"),
    ("inference_mode", 1, "sets inference_mode"),
    ("fan_in_fan_out", True, "sets fan_in_fan_out"),
    ("auto_mapping", {"parent_library": "os", "base_model_class": "system"}, "sets auto_mapping"),
    ("megatron_core", "planted_module", "sets megatron_core"),
    ("layers_pattern", REGEX, "sets layers_pattern"),
    ("layers_to_transform", [0], "sets layers_to_transform"),
    ("rank_pattern", {REGEX: 8}, "sets rank_pattern"),
    ("alpha_pattern", {REGEX: 8}, "sets alpha_pattern"),
    ("exclude_modules", REGEX, "sets exclude_modules"),
    ("init_lora_weights", "eva", "sets init_lora_weights"),
    ("layer_replication", [[0, 9]], "sets layer_replication"),
    ("\x1b[2J", 1, r"sets '\\x1b\[2J'"),
)
_IN_CARD: tuple[tuple[str, Any, str], ...] = (
    ("base", "somebody-elses", "unknown base model"),
    ("base", "/" + "a" * 4_000, "base model folder"),
    ("base", "org/name@main", "names 'main', which is not a commit"),
    ("base", "/dev\x00", "printable characters"),
    ("base_revision", "0" * 40, "trained with base_revision"),
    ("tokenizer_digest", "0" * 64, "trained with tokenizer_digest"),
    ("preprocessing", "none/0", "trained with preprocessing"),
    ("family", "causal", "describes schema"),
    ("family", [], "describes schema"),
    ("method", "merge", "describes schema"),
    ("method", ["lora"], "describes schema"),
    ("schema", 2, "describes schema 2"),
    ("schema", True, "describes schema True"),
    ("labels", ["one"], "two distinct labels"),
    ("labels", ["a", "a", "b"], "two distinct labels"),
    ("labels", ["a", "b"], "2 logits for each prompt"),
    ("labels", "ab", "wrong type"),
    ("labels", [["a"], "b", "c"], "two distinct labels"),
    ("labels", ["a", "b", "\ud800"], "is not valid JSON"),
    ("labels", [f"l{n}" for n in range(90_000)], "more than 10000 labels"),
    ("max_tokens", 4, "max_tokens = 4"),
    ("max_tokens", True, "max_tokens = True"),
    ("rendering", "form_events/99", "names the rendering"),
    ("rendering", ["form_events/1"], "wrong type"),
    ("prompt", "be brief", "describes schema"),
    ("note", "x", "other keys than"),
    ("calibration", {"method": "temperature", "temperature": 0}, "calibration that cannot be used"),
    ("calibration", {"curves": 5}, "calibration that cannot be used"),
    ("thresholds", {"somebody": 0.5}, "has invalid thresholds"),
    ("thresholds", [0.5], "wrong type"),
    ("canary", {"prompts": 1, "logits": [[10**400] * 3]}, "has an invalid canary"),
)

HOSTILE: Mapping[str, HostileAdapter] = {
    **{_name(key, value): HostileAdapter(change_config(**{key: value}), text) for key, value, text in _SETTINGS},
    **{f"card {_name(key, value)}": HostileAdapter(change_card(**{key: value}), text) for key, value, text in _IN_CARD},
    "several settings": HostileAdapter(
        change_config(megatron_core="os", megatron_config={}), "sets megatron_config, megatron_core"
    ),
    "9,000 labels": HostileAdapter(name_many_labels, r"expected float32 \[9000"),
    "nan": HostileAdapter(replace_tensor("lora_A", poison), "not finite"),
    "infinite": HostileAdapter(replace_tensor("lora_B", lambda value: np.full_like(value, np.inf)), "not finite"),
    "half of the keys": HostileAdapter(change_tensors(drop_half), "lack 13 tensors"),
    "no key": HostileAdapter(change_tensors(dict.clear), "lack 28 tensors"),
    "a weight of the base": HostileAdapter(change_tensors(override_a_weight), "1 unexpected tensors"),
    "a module of the base": HostileAdapter(override_a_module, "would replace bert.embeddings"),
    "shape": HostileAdapter(replace_tensor("classifier.weight", lambda value: value[:2]),
    r"expected float32 \[3, 32\]"),
    "transposed": HostileAdapter(replace_tensor("query.lora_A", lambda value: value.T), "expected float32"),
    "half floats": HostileAdapter(replace_tensor("lora_A", lambda value: value.astype(np.float16)), "expected float32"),
    "overlap": HostileAdapter(change_header(overlap), "overlaps another"),
    "offsets": HostileAdapter(change_entry({"data_offsets": [0, 2**62]}), "overlaps another"),
    "truth as a place": HostileAdapter(change_entry({"data_offsets": [False, 256]}), "not a pair of integers"),
    "no place": HostileAdapter(change_entry({"data_offsets": [[]] * 9}), "has no offsets"),
    "a tensor of lists": HostileAdapter(change_entry({"shape": [[[2]], 32]}), "expected float32"),
    "empty weights": HostileAdapter(write(WEIGHTS, b""), "cut short"),
    "cut in the header": HostileAdapter(cut(500), "not a safetensors file"),
    "cut in the numbers": HostileAdapter(cut(-8), "cannot be read"),
    "header of a tebibyte": HostileAdapter(write(WEIGHTS, struct.pack("<Q", 2**40) + b"{}"), "not a safetensors file"),
    "header of 1.9 GB": HostileAdapter(claim_a_large_header, "not a safetensors file", sealed=False),
    "header of 900 kB": HostileAdapter(replace_header(b'{"a":[' + b"[]," * 300_000 + b"[]]}"), "lack 28 tensors"),
    "deep header": HostileAdapter(replace_header(b"[" * 100_000), "not a safetensors file"),
    "header of keys twice": HostileAdapter(replace_header(b'{"a":{},"a":{}}'), "not a safetensors file"),
    "header in UTF-16": HostileAdapter(replace_header('{"a":{}}'.encode("utf-16")), "not a safetensors file"),
    "1.9 GB of numbers": HostileAdapter(grow(1_900_000_000), "cannot be read", sealed=False),
    "3 GB of numbers": HostileAdapter(grow(3_000_000_000), "more than 2000000000", sealed=False),
    "settings of 1.9 GB": HostileAdapter(grow(1_900_000_000, CONFIG), "more than 1000000", sealed=False),
    "card of 900 kB": HostileAdapter(write(CARD, b"[" + b"{}," * 300_000 + b"{}]"), "other keys than"),
    "deep settings": HostileAdapter(write(CONFIG, "[" * 100_000), "is not valid JSON"),
    "settings that are a list": HostileAdapter(write(CONFIG, "[1]"), "wrong type"),
    "nan card": HostileAdapter(write(CARD, '{"schema": NaN}'), "is not valid JSON"),
    "1e999": HostileAdapter(write(CARD, '{"schema": 1e999}'), "is not valid JSON"),
    "another card": HostileAdapter(write(CARD, '{"schema": 1}'), "other keys than"),
    "no settings": HostileAdapter(lambda folder: (folder / CONFIG).unlink(), "a lora needs"),
    "pickle beside": HostileAdapter(write("adapter_model.bin", b"\x80"), "not part of an adapter", sealed=False),
    "pickle only": HostileAdapter(leave_a_pickle, "not part of an adapter", sealed=False),
    "checkpoint": HostileAdapter(write("adapter_model.pt", b"\x80"), "not part of an adapter", sealed=False),
    "code": HostileAdapter(write("handler.py", "raise SystemExit(9)"), "not part of an adapter", sealed=False),
    "module": HostileAdapter(write("__init__.py", "raise SystemExit(9)"), "not part of an adapter", sealed=False),
    "folder": HostileAdapter(lambda folder: (folder / "more").mkdir(), "not part of an adapter", sealed=False),
    "weights are a link": HostileAdapter(link(WEIGHTS), "not a readable regular file", sealed=False),
    "settings are a link": HostileAdapter(link(CONFIG), "not a readable regular file", sealed=False),
    "weights are a pipe": HostileAdapter(put_a_pipe, "not a readable regular file", sealed=False),
}  # fmt: skip
"""Attacks by name."""
