"""Writer of a trained adapter: its folder, complete or absent, and the result of its candidate.

Add here files that an unsealed adapter holds; their meaning is in `ratchet/models/adapters/format.py`.
"""

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from ratchet.core.digests import canonical_json
from ratchet.core.files import fsync_folder, write_atomically
from ratchet.models.adapters import format as form
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.adapters.validation import make_card
from ratchet.models.inference.reference_logits import record_reference_logits
from ratchet.training.history import History, Tensors
from ratchet.training.result import CandidateResult
from ratchet.training.task import Task

if TYPE_CHECKING:
    import torch


def finish(
    task: Task, settings: LoraSettings | None, tensors: Tensors, history: History, share: float, kept_s: float = 0
) -> CandidateResult:
    """Write the adapter of the best epoch and return the candidate's result.

    `kept_s` are the seconds spent on the lower layers before the first epoch.
    """
    config = {} if settings is None else {form.CONFIG: canonical_json(settings.as_json()).encode()}
    write_adapter(task, {**config, form.WEIGHTS[task.candidate.form]: as_safetensors(tensors)})
    adapted = () if settings is None else settings.target_modules
    trained_s = kept_s + sum(epoch.train_seconds for epoch in history.epochs)
    return replace(
        task.blank_result(),
        epochs=history.epochs,
        selected_epoch=history.best,
        stopped_early=history.stopped_early(task.candidate),
        target_modules=tuple(sorted({name.rpartition(".")[2] for name in adapted})),
        matched_layers=len(adapted),
        trainable_share=share,
        resumed_from_epoch=history.resumed_from,
        halved=history.halved or task.room.halved,
        samples_per_second=len(task.train) * len(history.epochs) / trained_s,
    )


def as_safetensors(tensors: "dict[str, torch.Tensor]") -> bytes:
    """Tensors as the bytes of a safetensors file."""
    from safetensors.torch import save

    content: bytes = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"format": "pt"})
    return content


def write_adapter(task: Task, content: dict[str, bytes]) -> None:
    """Write these files, the adapter's card, and its logits for the fixed canary texts."""
    candidate = task.candidate
    prompt = task.prompt if candidate.family == "causal" else None
    card = make_card(task.base, candidate.form, task.plan.labels, candidate.max_tokens, prompt, candidate.rendering)
    stage, target = task.folder / ".adapter.stage", task.folder / "adapter"
    for folder in (stage, target):
        shutil.rmtree(folder, ignore_errors=True)
    for name, data in {**content, form.CARD: _as_bytes(card)}.items():
        write_atomically(stage / name, data)
    # the logits come from the staged files, so that they are those of the bytes on the disk
    write_atomically(stage / form.CARD, _as_bytes(replace(card, canary=record_reference_logits(stage))))
    stage.rename(target)
    fsync_folder(task.folder)


def _as_bytes(card: form.AdapterCard) -> bytes:
    return canonical_json(card.as_json()).encode() + b"\n"
