"""Rules for a candidate's settings, alone and together, with the error message of each.

Add here the rule of a new setting of `candidate.py`.
"""

from typing import Any

from ratchet.config.layer_choice import ALL, upper_count
from ratchet.config.validation import bad_spec, need_at_least, need_share
from ratchet.core.names import ANSWERS, DIGEST

AUTO: tuple[str, ...] = ("auto",)
_LEAST = {"rank": 1, "epochs": 1, "batch": 0, "accumulate": 1, "patience": 1, "max_tokens": 8, "seed": 0}


def check_candidate(candidate: Any) -> None:
    """Raise `RatchetError` for a value out of range, and for settings that contradict each other."""
    _check_method(candidate)
    _check_pass(candidate)
    _check_teacher(candidate)
    for name, least in _LEAST.items():
        need_at_least(f"candidate.{name}", getattr(candidate, name), least)
    if candidate.rank > 256:
        raise bad_spec(f"candidate.rank = {candidate.rank} is above 256.", "Use 4 to 64; 16 is the default.")
    if candidate.seed >= 2**32:
        raise bad_spec(
            f"candidate.seed = {candidate.seed} is above 4294967295.", "Use a small whole number, for instance 0."
        )
    need_share("candidate.dropout", candidate.dropout)
    if candidate.dropout >= 1:
        raise bad_spec("candidate.dropout = 1 drops everything.", "Use 0.0 to 0.3.")
    for name in ("alpha", "learning_rate", "inverse_regularisation", "pass_rate", "beta", "teacher_temperature"):
        if not 0 < getattr(candidate, name) < float("inf"):
            raise bad_spec(
                f"candidate.{name} = {getattr(candidate, name)} is not above 0.",
                f"Give candidate.{name} a positive number.",
            )
    _check_layers(candidate)
    if not candidate.target_modules:
        raise bad_spec("candidate.target_modules = [] trains nothing.", 'Name layers, or write ["auto"].')
    if candidate.target_modules != AUTO and not {"auto", ""}.isdisjoint(candidate.target_modules):
        raise bad_spec(
            f"candidate.target_modules = {list(candidate.target_modules)} mixes names with 'auto' or with nothing.",
            'Name layers, or write ["auto"] alone.',
        )


def _check_method(candidate: Any) -> None:
    if candidate.family == "causal" and candidate.method == "probe":
        raise bad_spec('candidate.method = "probe" needs an encoder.', 'Use method = "lora", or family = "encoder".')
    if candidate.family == "encoder" and candidate.trainer == "sft":
        raise bad_spec(
            'candidate.trainer = "sft" trains causal models only.', 'Use trainer = "ratchet", or family = "causal".'
        )
    if candidate.family == "encoder" and candidate.method == "qlora":
        raise bad_spec(
            'candidate.method = "qlora" is for causal models only: an encoder is small enough without it.',
            'Use method = "lora", or family = "causal".',
        )
    if candidate.method == "probe" and (candidate.accumulate > 1 or candidate.checkpointing):
        raise bad_spec(
            'candidate.accumulate and checkpointing have no effect with method = "probe", which trains no layer.',
            "Remove them.",
        )
    if candidate.method == "full":
        _check_full(candidate)


def _check_full(candidate: Any) -> None:
    for name, usual, what in (
        ("target_modules", AUTO, "trains every weight"),
        ("layers", ALL, "trains every layer"),
        ("dropout", 0.0, "has no adapter whose input could be dropped"),
    ):
        if getattr(candidate, name) != usual:
            raise bad_spec(
                f'candidate.{name} is set, but method = "full" {what}.', f'Remove {name}, or use method = "lora".'
            )


def _check_pass(candidate: Any) -> None:
    if candidate.method != "dpo":
        for name in ("pass_epochs", "pass_rate", "beta"):
            if getattr(candidate, name) != type(candidate).__dataclass_fields__[name].default:
                raise bad_spec(
                    f'candidate.{name} is set, but only method = "dpo" has a preference pass.', f"Remove {name}."
                )
        return
    if candidate.family == "encoder":
        raise bad_spec(
            'candidate.method = "dpo" is for causal models only.', 'Use method = "lora", or family = "causal".'
        )
    if candidate.trainer == "sft":
        raise bad_spec('candidate.trainer = "sft" trains no preference pass.', "Remove it: the pass is always TRL's.")
    need_at_least("candidate.pass_epochs", candidate.pass_epochs, 1)


def _check_teacher(candidate: Any) -> None:
    if not candidate.teacher:
        for name, usual in (("teacher_weight", 0.5), ("teacher_temperature", 1.0)):
            if getattr(candidate, name) != usual:
                raise bad_spec(
                    f"candidate.{name} is set without candidate.teacher.", f"Name a teacher, or remove {name}."
                )
        return
    if not (DIGEST.fullmatch(candidate.teacher) or ANSWERS.fullmatch(candidate.teacher)):
        raise bad_spec(
            f"candidate.teacher = {candidate.teacher[:80]!r} is not a teacher.",
            "Give all 64 digits of an adapter, or the name of a .jsonl or .parquet file in the folder teachers.",
        )
    if candidate.method == "probe" or candidate.trainer == "sft":
        what = 'method = "probe"' if candidate.method == "probe" else 'trainer = "sft"'
        raise bad_spec(
            f"candidate.teacher has no effect with {what}, which learns from labels.", "Remove it, or use another."
        )
    need_share("candidate.teacher_weight", candidate.teacher_weight)
    if not candidate.teacher_weight:
        raise bad_spec(
            "candidate.teacher_weight = 0 learns nothing from the teacher.", "Use 0.3 to 0.9, or no teacher."
        )


def _check_layers(candidate: Any) -> None:
    try:
        upper = upper_count(candidate.layers)
    except ValueError:
        raise bad_spec(
            f'candidate.layers = "{candidate.layers}" is not valid.',
            'Write "all", or "top:10" for the upper ten.',
        ) from None
    if upper and candidate.checkpointing and candidate.trainer == "ratchet":
        raise bad_spec(
            f'candidate.checkpointing and candidate.layers = "{candidate.layers}" contradict each other.',
            "Remove one of the two.",
        )
    if upper and candidate.method == "probe":
        raise bad_spec(
            f'candidate.layers = "{candidate.layers}" has no effect with method = "probe", which trains no layer.',
            'Remove it, or use method = "lora".',
        )
