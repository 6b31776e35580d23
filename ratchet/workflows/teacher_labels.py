"""A frontier model as a teacher: it labels the training rows of a week, and candidates learn from its answers.

Answers are cached by content together with those of the cycles, so a text is never paid for twice. Add here what is
sent and where answers are written; soft labels are made from answers in `ratchet/models/frontier/soft_labels.py`.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.config.frontier import Frontier
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import make_folder, read_if_there, write_atomically
from ratchet.core.filesystem import DISK
from ratchet.core.names import ANSWERS
from ratchet.core.timeouts import TEACHER_RUN_S
from ratchet.models.frontier.client import FrontierClient, UnavailableFrontier
from ratchet.models.frontier.soft_labels import MADE_BY, SoftLabels, make_soft_labels, need_one_hot
from ratchet.storage.frontier_cache import CycleSpendLog, open_frontier
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.training.teacher import LEAST_SHARE
from ratchet.workflows.plan_cycle import read_next_cycle


@dataclass(frozen=True)
class TeacherRequest:
    """Settings of one run: the file, the most money and texts for the week, and the probability of a bare label."""

    file: str
    budget: float | None = None
    most: int | None = None
    one_hot: float | None = None


@dataclass(frozen=True)
class TeacherRun:
    """Result of one run: the file that was written, the soft labels in it, and the cost."""

    cycle: Cycle
    path: Path
    texts: int
    """Training texts of the week."""
    sent: int
    """Texts that were sent to the model or found in the cache."""
    lesson: SoftLabels
    remembered: int
    spent: float
    sentence: str

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON types."""
        return {
            "classifier": self.cycle.classifier, "week": str(self.cycle.week), "file": str(self.path),
            "texts": self.texts,
            "asked": self.sent, "taught": len(self.lesson.rows), "unanswered": self.lesson.unanswered,
            "unusable": self.lesson.unusable, "without_probabilities": self.lesson.without_probabilities,
            "remembered": self.remembered, "spent": self.spent, "sentence": self.sentence,
        }  # fmt: skip


def teach(home: Home, name: str, week: str, request: TeacherRequest, watch: Callable[[int, int], None]) -> TeacherRun:
    """Send the training rows of a week, and no held-out row, to the `[frontier]` model; write its answers.

    `watch` is called with the number of texts that are done and that of all texts. Raises `RatchetError`, and writes
    nothing, without a frontier model, where the file was not written by `ratchet teach`, or where fewer than half of
    the training texts have an answer, since no candidate would accept such a file.
    """
    spec = Specs(home)[name]
    settings = _check(spec, request)
    path = home.classifier(name) / "teachers" / request.file
    _need_ours(path)
    cycle, _, curated = read_next_cycle(home, name, week)
    spec = spec.narrowed([label for label in spec.labels if label not in curated.labels_waiting])
    rows = curated.examples[curated.examples["split"] == "train"]
    texts = list(dict.fromkeys(rows["text"]))
    asker = open_frontier(home, cycle, spec)
    if asker is None or isinstance(asker, UnavailableFrontier):
        raise RatchetError(
            f"{name} has no usable frontier model. {asker.why if asker else ''}".strip(), code="no_frontier"
        )
    chosen = np.random.default_rng(0).permutation(len(texts))[
        : request.most
    ]  # the same order in every run, so that a later run goes on where this one stopped
    some = [texts[place] for place in chosen]
    with _alone(home, name):
        batch = _own(asker, home, cycle, settings).ask(some, lambda done: watch(done, len(some)))
    lesson = make_soft_labels(some, batch.answers, spec.labels, settings.model, request.one_hot)
    if len(lesson.rows) < max(1, LEAST_SHARE * len(texts)):
        raise RatchetError(
            f"{len(lesson.rows)} of {len(texts)} training texts have a usable answer; at least half must."
            f" {batch.sentence}",
            _hint(lesson, request),
            code="thin_lesson",
        )
    lines = sorted(json.dumps(row, ensure_ascii=False) for row in lesson.rows)
    write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
    return TeacherRun(cycle, path, len(texts), len(some), lesson, batch.remembered, batch.spent, batch.sentence)


def _check(spec: Spec, request: TeacherRequest) -> Frontier:
    """Return the settings of the frontier model; raises for a request that contradicts itself or the specification."""
    if not ANSWERS.fullmatch(request.file) or not request.file.endswith(".jsonl"):
        raise UsageError(
            f"{request.file[:80]!r} is not a name for a teacher's file.",
            "Use letters, digits, '_' and '-', then .jsonl.",
            code="bad_name",
        )
    if spec.frontier is None:
        raise RatchetError(
            f"{spec.name} has no [frontier] table.",
            "Write one into classifier.toml: base_url, model, price_input and price_output.",
            code="no_frontier",
        )
    if request.one_hot is not None:
        need_one_hot(request.one_hot, len(spec.labels))
    elif not spec.frontier.log_probabilities:
        raise RatchetError(
            "frontier.log_probabilities = false, so answers would lack the probabilities that a candidate learns from.",
            "Set it to true, or give --one-hot 0.9 to make probabilities of bare labels.",
            code="no_probabilities",
        )
    budget = spec.frontier.budget if request.budget is None else request.budget
    return replace(spec.frontier, budget=budget, longest_s=TEACHER_RUN_S)


def _own(asker: FrontierClient, home: Home, cycle: Cycle, settings: Frontier) -> FrontierClient:
    """Return the client with the budget of teaching, which is separate from the cycle's."""
    log = CycleSpendLog(home.frontier(cycle.classifier) / "spent" / f"{cycle.week}-teaching.jsonl")
    return replace(asker, settings=settings, log=log)


@contextmanager
def _alone(home: Home, name: str) -> Iterator[None]:
    """Allow one run for a classifier at a time: two would each count the same money as left."""
    folder = home.frontier(name)
    make_folder(folder)
    with ExitStack() as held:
        try:
            held.enter_context(DISK.lock(folder / ".teaching.lock", wait=False))
        except BlockingIOError:
            raise RatchetError(
                f"another process runs a teacher for {name}.", "Wait until it has ended.", code="busy"
            ) from None
        yield


def _need_ours(path: Path) -> None:
    """Raise where the file exists and was not written by `teach`, so that no one's work is overwritten."""
    if path.is_symlink() or path.is_dir():
        raise _not_ours(path)
    content = read_if_there(path)
    if content is None:
        return
    try:
        ours = all(MADE_BY in json.loads(line) for line in content.splitlines()[:1])
    except (ValueError, TypeError):
        ours = False
    if not ours:
        raise _not_ours(path)


def _not_ours(path: Path) -> RatchetError:
    return RatchetError(
        f"{path} was not written by 'ratchet teach'.",
        "Give another name with --file, or move it away.",
        code="not_ours",
    )


def _hint(lesson: SoftLabels, request: TeacherRequest) -> str:
    if lesson.without_probabilities and request.one_hot is None:
        return (
            "Give --one-hot 0.9 to make probabilities of bare labels; answers so far are kept and not paid for again."
        )
    return "Fix the cause, or raise --budget and --max-texts; answers so far are kept and not paid for again."
