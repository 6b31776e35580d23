"""What the tests of training, prediction and the adapter store share: a tiny base, a plan on it, one finished
training."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_json
from ratchet.models.base_models import resolve_base
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import TrainingResult

SUBJECTS = {
    "card": "my {} card never arrived in the post",
    "money": "how do I get {} money back please",
    "rate": "which exchange rate applies {} today to euros",
}
FILLERS = ("blue", "green", "lost", "old", "new", "second", "first", "other", "broken", "small", "big", "late")


@pytest.fixture(scope="session")
def examples() -> dict[str, list[tuple[str, str]]]:
    """Texts of three subjects: 30 to train on, 6 to calibrate on."""
    rows = [(text.format(word), label) for word in FILLERS for label, text in SUBJECTS.items()]
    return {"train": rows[:30], "calibration": rows[30:]}


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory, examples: dict[str, list[tuple[str, str]]]) -> Path:
    """The folder of a tiny random encoder that knows the words of the examples."""
    return write_tiny_encoder(tmp_path_factory.mktemp("base"), [text for rows in examples.values() for text, _ in rows])


@pytest.fixture(scope="session")
def make_plan(tiny_base: Path, examples: dict[str, list[tuple[str, str]]]) -> Callable[..., TrainingPlan]:
    """Build a plan on the tiny encoder from candidates given as dictionaries of settings."""

    def make(*candidates: dict[str, Any]) -> TrainingPlan:
        tiny = Candidate(base=str(tiny_base), rank=2, alpha=4, epochs=2, batch=8, learning_rate=5e-3, max_tokens=32)
        base = resolve_base(str(tiny_base))
        chosen = tuple(replace(tiny, **settings) for settings in candidates)
        return TrainingPlan(tuple(SUBJECTS), chosen, {base.name: base.revision}, digest_json(examples), "test")

    return make


@pytest.fixture(scope="session")
def plan(make_plan: Callable[..., TrainingPlan]) -> TrainingPlan:
    """The plan that most tests share: one LoRA, one probe."""
    return make_plan({}, {"method": "probe"})


@pytest.fixture(scope="session")
def prepare_work(examples: dict[str, list[tuple[str, str]]]) -> Callable[[Path, TrainingPlan], Path]:
    """Prepare a work folder for a plan below a root."""
    return lambda root, plan: prepare(root, plan, examples["train"], examples["calibration"])


@pytest.fixture(scope="session")
def launch() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m ratchet.training` as the product does, and wait; keywords become environment variables."""

    def run(work: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ratchet.training", str(work)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=400, env={**os.environ, **environment}, check=False
        )

    return run


@pytest.fixture(scope="session")
def kill_at() -> Callable[..., int]:
    """Kill -9 a training that stands still at a failpoint once it has said that an epoch is done: how many processes it
    had.

    All of them are gone then. Keywords become environment variables.
    """

    def kill(work: Path, point: str, epoch: int, **environment: str) -> int:
        command = [sys.executable, "-m", "ratchet.training", str(work)]
        environment = {**os.environ, "RATCHET_FAILPOINT": f"{point}:sleep:600000", **environment}
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as training:
            assert training.stderr is not None
            assert any(f"epoch {epoch}:" in line for line in training.stderr)
            family = psutil.Process(training.pid).children(recursive=True)
            os.kill(training.pid, signal.SIGKILL)
            assert psutil.wait_procs(family, timeout=5)[1] == []
        return len(family)

    return kill


@pytest.fixture(scope="session")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    plan: TrainingPlan,
    prepare_work: Callable[[Path, TrainingPlan], Path],
    train_here: Callable[[Path], TrainingResult],
) -> Path:
    """A work folder that one uninterrupted training has finished. Copy it before changing anything."""
    work = prepare_work(tmp_path_factory.mktemp("work"), plan)
    train_here(work)
    return work
