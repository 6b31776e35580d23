"""Goals of a candidate with a teacher, which answers the training examples once; stored beside the checkpoints.

Both processes of a pair read them from there. Add here when a teacher is queried; `ratchet/training/teacher.py` turns
its answers into goals.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ratchet.core.digests import digest_bytes, digest_file
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_atomically
from ratchet.core.names import DIGEST
from ratchet.models.inference.predictor import load_predictor
from ratchet.training.plan import TEACHERS
from ratchet.training.task import Task
from ratchet.training.teacher import make_goals, match_answers, read_teacher_answers

if TYPE_CHECKING:
    from ratchet.metrics.classification import Floats

_FILE = "goals.safetensors"


def ask_teacher(task: Task) -> None:
    """Write the goals of the training examples into the candidate's folder, if it has a teacher.

    Raises `RatchetError` for a teacher of other labels or other texts, and for one that is not the plan's.
    """
    if not task.candidate.teacher or read_goals(task) is not None:
        return
    from safetensors.numpy import save

    answers = _ask(task)
    targets = np.array(task.targets, dtype=np.int64)
    candidate = task.candidate
    goals = make_goals(targets, answers, candidate.teacher_weight, candidate.teacher_temperature).astype(np.float32)
    write_atomically(task.folder / _FILE, save({"goals": goals}, metadata={"digest": digest_bytes(goals.tobytes())}))


def read_goals(task: Task) -> "Floats | None":
    """Read the goals [n, k] of the training examples; None without a teacher, or before `ask_teacher`."""
    from safetensors import SafetensorError, safe_open

    path = task.folder / _FILE
    if not task.candidate.teacher or not path.is_file():
        return None
    try:
        with safe_open(path, framework="numpy") as file:
            goals, digest = file.get_tensor("goals"), (file.metadata() or {}).get("digest")
    except (SafetensorError, OSError):
        return None
    whole = digest_bytes(goals.tobytes()) == digest and goals.shape == (len(task.train), len(task.plan.labels))
    return goals.astype(np.float64) if whole else None


def goals_of_answers(task: Task) -> "Floats | None":
    """Return the goals [n, k] after `ask_teacher`; None without a teacher.

    Raises `RatchetError` where they are lost: the candidate would learn from the labels alone.
    """
    goals = read_goals(task)
    if task.candidate.teacher and goals is None:
        raise RatchetError(
            f"the answers of teacher {task.candidate.teacher[:12]} to the training examples cannot be read.",
            "Run the cycle again.",
            code="bad_teacher",
        )
    return goals


def _ask(task: Task) -> "Floats":
    """Probabilities [n, k] of the teacher for the training texts, columns in the plan's order of labels."""
    name, labels = task.candidate.teacher, task.plan.labels
    path, texts = task.work / TEACHERS / name, [text for text, _ in task.train]
    if not DIGEST.fullmatch(name):
        if not path.is_file() or digest_file(path) != task.plan.teachers[name]:
            raise RatchetError(
                f"teacher {name} in the work folder is not the plan's.", "Run the cycle again.", code="bad_teacher"
            )
        return match_answers(read_teacher_answers(path, labels), texts, labels)
    predictor = load_predictor(path)  # checks the content: the folder's name is its digest
    if set(predictor.labels) != set(labels):
        odd = sorted(set(predictor.labels) ^ set(labels))
        raise RatchetError(
            f"teacher {name[:12]} has other labels: {odd[0]!r} is in one of the two only.",
            "Name an adapter with the classifier's labels.",
            code="bad_teacher",
        )
    answers = replace(predictor, rows=task.room.watch(predictor.rows)).predict(texts).probabilities
    return answers[:, [predictor.labels.index(label) for label in labels]]
